/** Errors about shapes: what their picture says of the operands, and that what it proposes works. */
import { expect, test } from "vitest";
import { ShapeError, cat, equal, nn, randn, type Tensor } from "../../src/index.js";
import { displaySymbol, isShapeErrorPayload, shapeErrorMime, type MimeBundle, type ShapeErrorPayload } from "../../src/wire/index.js";
import { RecordingHost } from "./host.js";

const host = new RecordingHost();

function bundleOf(run: () => unknown): MimeBundle {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ShapeError);
    return (error as unknown as Record<symbol, () => MimeBundle>)[displaySymbol]!();
  }
  throw new Error("the shapes fit");
}

function payloadOf(run: () => unknown): ShapeErrorPayload {
  const payload = bundleOf(run).data[shapeErrorMime];
  if (!isShapeErrorPayload(payload)) throw new TypeError("not a payload");
  return payload;
}

const x = randn(8, 3, 32, 32);
const F = nn.functional;

test.each<[string, () => unknown, clash: readonly (readonly number[])[], fix: string]>([
  ["matmul", () => randn(4, 6).matmul(randn(5, 6)), [[1], [0]], "input.matmul(other.t())"],
  ["mm", () => randn(4, 6).mm(randn(2, 6, 3)), [[], [0, 1, 2]], "mat2 of shape [6, 3]"],
  ["add", () => x.add(randn(3)), [[3], [0]], "input.add(other.view(3, 1, 1))"],
  ["mul_", () => randn(4, 5).mul_(randn(4)), [[1], [0]], "input.mul_(other.unsqueeze(-1))"],
  ["linear", () => F.linear(x, randn(10, 3072)), [[3], [1]], "input.flatten(1) as the input"],
  ["conv2d", () => F.conv2d(randn(8, 32, 32, 3), randn(6, 3, 5, 5)), [[1], [1]], "input.permute(0, 3, 1, 2)"],
  ["cat", () => cat([randn(4, 6), randn(4, 2)]), [[1], [1]], "cat([tensors[0], tensors[1]], 1)"],
  ["reshape", () => randn(4, 6).reshape(5, 8), [[0, 1], [0, 1]], "input.reshape(-1, 8)"], // prettier-ignore
  ["view", () => randn(4, 6).t().view(24), [[], [0]], "input.reshape(24)"],
])("%s shows what clashes and what works", (op, run, clash, fix) => {
  const payload = payloadOf(run);
  expect(payload.op).toBe(op);
  expect(payload.operands.map((operand) => operand.clash)).toEqual(clash);
  expect(payload.fixes.map(({ code }) => code)).toContain(fix);
});

test("what is proposed gives the shape that is promised", () => {
  const [input, other] = [x, randn(3)];
  const [fix] = payloadOf(() => input.add(other)).fixes;
  const run = new Function("input", "other", `return ${fix!.code}`) as (a: Tensor, b: Tensor) => Tensor;
  const fixed = run(input, other);
  expect(fixed.shape).toEqual(fix!.shape);
  expect(equal(fixed, input.add(other.reshape(1, 3, 1, 1)))).toBe(true);
});

test("operands go by the words of the cell and by variables, with the lines that made them", () => {
  const layer = new nn.Linear(784, 10);
  host.names.set("images", x).set("layer", layer);
  const line = { cell: 1, cellId: "a", line: 2, text: "const images = cg.randn(8, 3, 32, 32)" };
  host.lines.set("images", line);
  const [input, weight] = payloadOf(() => layer.forward(x)).operands;
  expect(input).toEqual({ argument: "input", code: "images", shape: [8, 3, 32, 32], clash: [3], origin: line });
  expect(weight).toMatchObject({ argument: "weight", code: "layer.weight", origin: null });

  const call = {
    cell: 2,
    cellId: "b",
    line: 1,
    text: "images.matmul(cg.randn(5))",
    name: "matmul",
    receiver: "images",
    arguments: ["cg.randn(5)"],
  };
  host.call = call;
  const failing = (): unknown => {
    try {
      return x.matmul(randn(5));
    } catch (error) {
      (error as Error).stack = "ShapeError\n    at Cell [2]:1:8";
      throw error;
    }
  };
  const { operands, fixes } = payloadOf(failing);
  expect(operands.map(({ code, origin }) => [code, origin?.cell, origin?.line])).toEqual([["images", 1, 2], ["cg.randn(5)", 2, 1]]); // prettier-ignore
  expect(fixes.map(({ code }) => code)).toEqual(["cg.randn(5) of shape [32]", "images of shape [8, 3, 32, 5]"]);
  host.call = null;
});

test("a bundle has a picture, a text and an alternative text, in at most 24 KB", () => {
  const { data, metadata } = bundleOf(() => x.add(randn(3)));
  expect(Object.keys(data)).toEqual([shapeErrorMime, "image/png", "text/plain"]);
  expect(JSON.stringify({ data, metadata }).length).toBeLessThan(24 * 1024);
  expect(data["text/plain"]).toContain("[8, 3, 32, >32<]");
  expect((metadata!["image/png"] as { alt: string }).alt).toContain("add: the shapes do not fit");
});

test("an error that does not know its operands has no picture", () => {
  const error = new ShapeError({ op: "f", expected: "a", got: "b" });
  expect((error as unknown as Record<symbol, () => unknown>)[displaySymbol]!()).toBeUndefined();
});
