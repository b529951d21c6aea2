/** Which folders of test/ are suites, in which order they run, and how patient they are. */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { measured } from "../scripts/coverage.mjs";

const here = dirname(fileURLToPath(import.meta.url));

interface Suite {
  /** Suites of one order share the cores; later orders start when earlier ones have ended. */
  readonly order: number;
  readonly seconds: number;
  readonly workers: number;
}

/** Suites that start processes and watch the clock have the machine to themselves. */
const suites: { readonly [folder: string]: Suite } = {
  // Compiles programs for OpenCL, half a second each on a cold cache.
  devices: { order: 0, seconds: 300, workers: 2 },
  language: { order: 1, seconds: 60, workers: 1 },
  kernel: { order: 2, seconds: 60, workers: 1 },
  views: { order: 3, seconds: 120, workers: 1 },
  memory: { order: 4, seconds: 300, workers: 1 },
  notebooks: { order: 5, seconds: 900, workers: 1 },
  browser: { order: 6, seconds: 300, workers: 1 },
  setup: { order: 7, seconds: 900, workers: 1 },
};
const inProcess: Suite = { order: 0, seconds: 60, workers: 2 };

/** Native code under sanitizers takes its time; see runChecked in scripts/suites.mjs. */
const checked = Boolean(process.env.CELLGRAD_CHECKED);

const testsIn = (folder: string) => readdirSync(join(here, folder), { recursive: true }).some((file) => String(file).endsWith(".test.ts"));
const folders = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory() && testsIn(entry.name));

export default defineConfig({
  root: dirname(here),
  test: {
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts", "kernel/**/*.ts", "extension/**/*.ts"],
      exclude: ["**/*.d.ts", "extension/gallery/**", "test/**"],
      reporter: ["json"],
      reportOnFailure: true,
    },
    projects: folders.map(({ name }) => {
      const { order, seconds, workers } = suites[name] ?? inProcess;
      return {
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          setupFiles: checked ? [join(here, "checked.ts")] : [],
          testTimeout: seconds * (checked ? 5000 : 1000),
          hookTimeout: seconds * (checked ? 5000 : 1000),
          maxWorkers: workers,
          fileParallelism: workers > 1,
          sequence: { groupOrder: order },
          pool: "forks" as const,
          // Set inside the workers, so that only the processes they start write their coverage there.
          env: process.env.CELLGRAD_COVERAGE ? measured() : {},
        },
      };
    }),
  },
});
