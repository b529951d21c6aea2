/** The tutorials run headless under nbconvert, twice the same, and keep what they promise. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { inClone, root } from "../../scripts/environment.mjs";
import { codeCells, execute, exportHtml, readNotebook, stored, textOf, type Notebook, type Output } from "./nbconvert.js";

const names = ["01-tensors", "02-autograd", "03-mnist", "04-devices"];
const mostBytes = 24 * 1024;

test("every notebook is held to these tests", () => {
  const found = readdirSync(inClone("notebooks")).filter((file) => file.endsWith(".ipynb"));
  expect(found.sort()).toEqual(names.map((name) => `${name}.ipynb`));
});

describe.each(names)("%s", (name) => {
  let folder = "";
  let paths: readonly [string, string];
  let notebook: Notebook;

  // One after the other: each uses both cores.
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "cellgrad notebooks é "));
    paths = [await execute(name, join(folder, "first")), await execute(name, join(folder, "second"))];
    notebook = readNotebook(paths[0]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("runs twice to the same bytes (row 62)", () => {
    expect(readFileSync(paths[1], "utf8")).toBe(readFileSync(paths[0], "utf8"));
  });

  test("fails only where the tutorial explains an error", () => {
    for (const { id, metadata, outputs } of codeCells(notebook)) {
      const failed = outputs.some(({ output_type: type }) => type === "error");
      expect({ id, failed }).toEqual({ id, failed: metadata.tags?.includes("raises-exception") ?? false });
    }
  });

  test("warns of nothing", () => {
    expect(outputsOf(notebook).filter((output) => output.output_type === "stream" && output.name === "stderr")).toEqual([]);
  });

  test("stores a picture and a text of everything drawn, in at most 24 KB", () => {
    for (const { data, metadata } of bundlesOf(notebook)) {
      expect(data).toHaveProperty(["text/plain"]);
      const drawn = Object.keys(data).some((mime) => mime.startsWith("application/vnd.cellgrad."));
      if (drawn) expect(data).toHaveProperty(["image/png"]);
      expect(Buffer.byteLength(JSON.stringify({ data, metadata }))).toBeLessThanOrEqual(mostBytes);
    }
  });

  test("says nothing of the machine it ran on", () => {
    const text = outputsOf(notebook).map(textOf).join("\n");
    for (const place of [root, folder, tmpdir(), homedir()]) expect(text).not.toContain(place);
    expect(codeCells(notebook).filter(({ metadata }) => metadata.execution)).toEqual([]);
  });

  test("is stored with outputs of the kinds it gives", () => {
    const kept = readNotebook(stored(name));
    const kinds = (from: Notebook) => codeCells(from).map(({ id, execution_count: count, outputs }) => [id, count, outputs.map(kindOf)]);
    expect(kinds(kept)).toEqual(kinds(notebook));
    expect(kept.metadata.kernelspec).toEqual({ name: "cellgrad", display_name: "TypeScript (cellgrad)", language: "typescript" });
    for (const { id } of kept.cells) expect(id).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(statSync(stored(name)).size).toBeLessThan(300 * 1024);
  });

  test("exports to a page with every picture", async () => {
    const page = await exportHtml(paths[0]);
    // nbconvert prefers html to a picture.
    const pictures = bundlesOf(notebook).filter(({ data }) => "image/png" in data && !("text/html" in data));
    expect(page.match(/src="data:image\/png;base64,/g)?.length ?? 0).toBe(pictures.length);
  });

  if (name === "03-mnist") {
    test("reads the 10 000 test digits: the plain network 97 %, the convolutional one 98.5 %", () => {
      expect(accuracyIn(notebook, "mlp-score")).toBeGreaterThanOrEqual(97);
      expect(accuracyIn(notebook, "cnn-score")).toBeGreaterThanOrEqual(98.5);
    });
  }
});

function outputsOf(notebook: Notebook): readonly Output[] {
  return codeCells(notebook).flatMap(({ outputs }) => outputs);
}

function bundlesOf(notebook: Notebook) {
  return outputsOf(notebook).filter((output) => "data" in output);
}

function kindOf(output: Output): readonly string[] {
  return [output.output_type, ...("data" in output ? Object.keys(output.data).sort() : [])];
}

function accuracyIn(notebook: Notebook, id: string): number {
  const text = codeCells(notebook)
    .find((cell) => cell.id === id)!
    .outputs.map(textOf)
    .join("");
  return Number(/([\d.]+) %/.exec(text)![1]);
}
