/** Writes the README's support table from what the op tests proved: build/test/support.json, rows `{ op, dtypes, grad, devices }`. */
import { readFileSync, writeFileSync } from "node:fs";
import { inClone } from "./environment.mjs";

/** The dtypes that a table names together. */
const families = {
  floating: ["float32", "float64", "float16", "bfloat16"],
  integers: ["int8", "uint8", "int16", "int32", "int64"],
  bool: ["bool"],
  complex: ["complex64", "complex128"],
};

const begin = "<!-- support table: begin -->";
const end = "<!-- support table: end -->";
const rows = JSON.parse(readFileSync(inClone("build/test/support.json"), "utf8"));

const readme = inClone("README.md");
const text = readFileSync(readme, "utf8");
const [before, rest] = text.split(begin);
const [, after] = rest.split(end);
writeFileSync(readme, `${before}${begin}\n${table(rows)}\n${end}${after}`);
console.log(`${rows.length} operations in the table of README.md.`);

/** Whole families by name, other dtypes one by one. */
function brief(dtypes) {
  return Object.entries(families)
    .flatMap(([name, members]) =>
      members.every((dtype) => dtypes.includes(dtype)) ? name : members.filter((dtype) => dtypes.includes(dtype)),
    )
    .join(", ");
}

/** Operations that support the same things share a row; the largest group comes first. */
function table(operations) {
  const groups = new Map();
  for (const { op, dtypes, grad, devices } of operations) {
    const key = [brief(dtypes), grad ? "yes" : "no", devices.join(" ")].join(" | ");
    groups.set(key, [...(groups.get(key) ?? []), op]);
  }
  const lines = [...groups]
    .sort(([, a], [, b]) => b.length - a.length)
    .map(([key, ops]) => `| ${ops.toSorted((a, b) => a.localeCompare(b, "en")).join(" ")} | ${key} |`);
  return ["| operations | dtypes | gradient | devices |", "| --- | --- | --- | --- |", ...lines].join("\n");
}
