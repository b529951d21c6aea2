/** `npm run check [-- --fix]`: types, lint, format and arrows. With --fix the two formatters write instead of complaining. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { inClone } from "./environment.mjs";
import { setUp } from "./setup.mjs";
import { attempt } from "./shell.mjs";
import { seconds } from "./steps.mjs";

const fix = process.argv.includes("--fix");
await setUp();

const node = (script, ...args) => [process.execPath, [inClone("node_modules", script), ...args]];
const prettier = ["--log-level=warn", fix ? "--write" : "--check", "--no-error-on-unmatched-pattern"];
const checks = [
  ["types", node("typescript/bin/tsc", "-b")],
  ["types of the tests", node("typescript/bin/tsc", "-p", "test")],
  [
    "lint",
    node("oxlint/bin/oxlint", "-c", ".ci/oxlint.json", "--type-aware", "--deny-warnings", "src", "kernel", "extension", "test", "scripts"),
  ],
  ["format of TypeScript", node("prettier/bin/prettier.cjs", ...prettier, "{src,kernel,extension,test,scripts}/**/*.{ts,mjs}")],
  [
    "format of C++",
    [inClone(".venv/bin/clang-format"), ["--style=file:native/.clang-format", ...(fix ? ["-i"] : ["-n", "-Werror"]), ...cppFiles()]],
  ],
  ["arrows", node("vitest/vitest.mjs", "run", "--config", "test/vitest.config.ts", "--project", "architecture")],
];

let failed = 0;
for (const [name, [program, args]] of checks) {
  const from = Date.now();
  const { code, output } = await attempt(program, args);
  console.log(`  ${code === 0 ? "✓" : "✗"} ${name.padEnd(24)} ${seconds(from)}`);
  if (code !== 0) console.log(output.trimEnd());
  failed += code === 0 ? 0 : 1;
}
console.log(
  failed === 0 ? "All checks pass." : `${failed} of ${checks.length} checks failed. \`npm run check -- --fix\` mends the format.`,
);
process.exitCode = failed === 0 ? 0 : 1;

function cppFiles() {
  return ["native", "test/native"].flatMap((folder) =>
    readdirSync(inClone(folder), { recursive: true })
      .filter((file) => /\.(h|cpp)$/.test(file))
      .map((file) => join(folder, file)),
  );
}
