/** Set-up of suites on the checked build: a worker leaves what native code it reached before vitest ends it by a signal. */
import { createRequire } from "node:module";
import { afterAll } from "vitest";

afterAll(() => {
  const native = createRequire(import.meta.url)("#native") as { writeCounters(): void };
  native.writeCounters();
});
