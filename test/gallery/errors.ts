/** Errors about shapes: one as a notebook knows it, with the lines that made the operands, and one of a program. */
import { ShapeError, randn } from "../../src/index.js";
import { bundleOf, shapeErrorBundle } from "../../src/visualization/errors/display.js";
import type { GalleryItem } from "./item.js";

export function errorItems(): GalleryItem[] {
  const product = bundleOf({
    version: 1,
    op: "matmul",
    message: "matmul: expected input[-1] to equal other[-2], got [64, 3, 32, 32] and [5]",
    operands: [
      {
        argument: "input",
        code: "x",
        shape: [64, 3, 32, 32],
        clash: [3],
        origin: { cell: 1, cellId: null, line: 2, text: "const x = cg.randn(64, 3, 32, 32)" },
      },
      {
        argument: "other",
        code: "cg.randn(5)",
        shape: [5],
        clash: [0],
        origin: { cell: 2, cellId: null, line: 1, text: "x.matmul(cg.randn(5))" },
      },
    ],
    fixes: [
      { code: "cg.randn(5) of shape [32]", shape: [64, 3, 32] },
      { code: "x of shape [64, 3, 32, 5]", shape: [64, 3, 32] },
    ],
  });
  return [
    { name: "a product of shapes that do not fit", bundle: product },
    { name: "shapes that do not broadcast", bundle: failing(() => randn(8, 3, 32, 32).add(randn(3))) },
  ];
}

function failing(run: () => unknown) {
  try {
    run();
  } catch (error) {
    if (error instanceof ShapeError) return shapeErrorBundle(error)!;
  }
  throw new Error("the shapes fit");
}
