/** Documentation of methods whose types are mapped from functions: from the sources and from what is built of them. */
import { expect, it } from "vitest";
import { inClone } from "../../scripts/environment.mjs";
import { methodDocs, originIn } from "../../kernel/language/method-docs.js";
import { startLanguage } from "../../kernel/language/language.js";

const library = inClone("src", "index.ts");

it("declares each documented function of the list once, under the name of its method", () => {
  const lines = methodDocs(library).split("\n");
  const variance = lines.find((line) => line.includes("readonly var:"))!;
  expect(variance.slice(originIn(variance))).toBe("var>;");
  const names = lines.flatMap((line) => /readonly (\w+): Method</.exec(line)?.[1] ?? []);
  expect(names).toEqual(expect.arrayContaining(["relu", "matmul", "softmax", "reshape", "sum"]));
  expect(new Set(names).size).toBe(names.length);
});

it("is empty where there is no such library", () => {
  expect(methodDocs("/nowhere/index.d.ts")).toBe("export {};");
});

it("is what hovering over a method shows; its definition is the function's", async () => {
  const language = startLanguage({ folder: inClone("test", "language"), library, checkDeadline: 60_000, askDeadline: 60_000 });
  try {
    const code = 'import { ones } from "cellgrad"; ones(2, 2).matmul';
    const hover = await language.hover(code, code.length - 1);
    expect(hover!.plain).toContain("Tensor.matmul: (other: Tensor) => Tensor");
    expect(hover!.plain).toContain("The matrix product");
    expect(await language.definition(code, code.length - 1)).toMatchObject({ path: inClone("src", "ops", "matmul.ts") });
  } finally {
    await language.dispose();
  }
});
