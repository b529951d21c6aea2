/** Notebooks as files, and `jupyter nbconvert` as a person or a CI job calls it. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { environment, inClone } from "../../scripts/environment.mjs";

export type Output =
  | { readonly output_type: "stream"; readonly name: string; readonly text: Text }
  | { readonly output_type: "error"; readonly ename: string; readonly evalue: string; readonly traceback: readonly string[] }
  | { readonly output_type: "display_data" | "execute_result"; readonly data: Bundle; readonly metadata: object };

/** nbformat splits text into lines. */
type Text = string | readonly string[];
export type Bundle = { readonly [mime: string]: unknown };

export interface CodeCell {
  readonly cell_type: "code";
  readonly id: string;
  readonly execution_count: number | null;
  readonly metadata: { readonly tags?: readonly string[]; readonly execution?: object };
  readonly source: Text;
  readonly outputs: readonly Output[];
}

export interface Notebook {
  readonly nbformat: number;
  readonly metadata: { readonly kernelspec: object };
  readonly cells: readonly (CodeCell | { readonly cell_type: "markdown"; readonly id: string; readonly source: Text })[];
}

export const stored = (name: string): string => inClone("notebooks", `${name}.ipynb`);

export function readNotebook(path: string): Notebook {
  return JSON.parse(readFileSync(path, "utf8")) as Notebook;
}

export function codeCells(notebook: Notebook): readonly CodeCell[] {
  return notebook.cells.filter((cell) => cell.cell_type === "code");
}

/** Executes a copy of the stored notebook in `folder`, far from the clone; returns the path of the result. */
export async function execute(name: string, folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.ipynb`);
  copyFileSync(stored(name), path);
  await nbconvert("--to", "notebook", "--execute", "--ExecutePreprocessor.record_timing=False", "--inplace", path);
  return path;
}

/** Exports a notebook as one HTML page, and returns the page. */
export async function exportHtml(path: string): Promise<string> {
  const output = `${basename(path, ".ipynb")}.html`;
  await nbconvert("--to", "html", "--output", output, path);
  return readFileSync(join(dirname(path), output), "utf8");
}

const run = promisify(execFile);

async function nbconvert(...args: readonly string[]): Promise<void> {
  // What a notebook saves in the temporary folder goes when the tests remove theirs.
  // What a device's compiler keeps stays in the clone.
  const caches = { POCL_CACHE_DIR: inClone("build", "test", "pocl"), CELLGRAD_CACHE_DIR: inClone("build", "test", "cellgrad-cache") };
  for (const cache of Object.values(caches)) mkdirSync(cache, { recursive: true });
  const env = { ...environment(), ...caches, TMPDIR: dirname(args.at(-1)!) };
  await run(inClone(".venv", "bin", "jupyter"), ["nbconvert", ...args], { env, maxBuffer: 2 ** 26 });
}

/** Text as one string. */
export function joined(text: unknown): string {
  return typeof text === "string" ? text : (text as readonly string[]).join("");
}

/** What a reader of the saved file sees of an output, as text. */
export function textOf(output: Output): string {
  if (output.output_type === "stream") return joined(output.text);
  if (output.output_type === "error") return output.traceback.join("\n");
  return joined(output.data["text/plain"]);
}
