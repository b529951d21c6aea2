/** Which parts of TypeScript's library cells see. */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { laterLibraries, libraries } from "../../kernel/language/libraries.js";

const require = createRequire(createRequire(import.meta.url).resolve("typescript/package.json"));
const folder = join(dirname(require.resolve(`@typescript/typescript-${process.platform}-${process.arch}/package.json`)), "lib");

test("every later part of TypeScript's library has a row", () => {
  const parts = readdirSync(folder).flatMap(
    (file) => /^lib\.((?:es202[4-9]|es20[3-9]\d|esnext)\.(?!full)\w+)\.d\.ts$/.exec(file)?.[1] ?? [],
  );
  expect(parts.length).toBeGreaterThan(20);
  expect(Object.keys(laterLibraries).sort()).toEqual(parts.sort());
});

test("a part is seen if this Node has what it declares", () => {
  expect(libraries.includes("es2024.promise")).toBe("withResolvers" in Promise);
  expect(libraries.includes("esnext.disposable")).toBe("DisposableStack" in globalThis);
  expect(libraries).toContain("es2023");
});
