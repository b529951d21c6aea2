/** Matrix products by cuBLASLt on the emulated card, which checks every layout, alignment, algorithm and workspace that it is given. */
import { afterEach, expect, it } from "vitest";
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { cuda } from "./cuda.js";

const F = cg.nn.functional;
const generator = new cg.Generator();
const random = (...shape: number[]): Tensor => cg.randn(...shape, { generator });

/** The largest difference between a computation on the card and on the CPU, relative to the largest value. */
function error(inputs: readonly Tensor[], call: (...x: Tensor[]) => Tensor): number {
  const wanted = call(...inputs).to("float64");
  const got = call(...inputs.map((t) => t.to(cuda)))
    .cpu()
    .to("float64");
  expect(got.shape).toEqual(wanted.shape);
  return Number(got.sub(wanted).abs().amax().item()) / Number(wanted.abs().amax().item());
}

const product = (a: Tensor, b: Tensor): Tensor => a.matmul(b);
const cases: Record<string, [Tensor[], (...x: Tensor[]) => Tensor]> = {
  "of matrices": [[random(17, 9), random(9, 5)], product],
  "of one row and one column": [[random(1, 9), random(9, 1)], product],
  "of transposed matrices": [[random(9, 17), random(5, 9)], (a, b) => a.t().matmul(b.t())],
  "of parts of larger matrices, at odd addresses": [
    [random(20, 30), random(31, 8)],
    (a, b) => a.at("1:", "3:12").matmul(b.at("5:14", "1:")),
  ],
  "of columns that lie apart": [[random(6, 8), random(4, 3)], (a, b) => a.at(":", "::2").matmul(b)],
  "of batches": [[random(3, 6, 7), random(3, 7, 4)], product],
  "of transposed batches": [[random(3, 7, 6), random(3, 4, 7)], (a, b) => a.transpose(1, 2).matmul(b.transpose(1, 2))],
  "of batches by one matrix": [[random(3, 6, 7), random(7, 4)], product],
  "of one matrix by batches": [[random(6, 7), random(3, 7, 4)], product],
  "of batches in two dims": [[random(2, 1, 6, 7), random(2, 3, 7, 4)], product],
  "of long sums, in a workspace": [[random(4, 600), random(600, 4)], product],
  "of nothing": [[random(4, 0), random(0, 4)], (a, b) => a.matmul(b).add(1)],
  "and a bias": [[random(6, 7), random(4, 7), random(4)], (x, w, b) => F.linear(x, w, b)],
  "and a matrix": [[random(6, 4), random(6, 7), random(7, 4)], (c, a, b) => c.addmm(a, b, { beta: 0.5, alpha: 2 })],
  "and a bias that is not added as it is": [[random(4), random(6, 7), random(7, 4)], (c, a, b) => c.addmm(a, b, { beta: 2 })],
};

afterEach(() => cg.setFloat32MatmulPrecision("highest"));

it("is named among what the device is", () => {
  expect(cg.devices().find(({ name }) => name === cuda)!.description).toMatch(/, cuBLASLt 13\.0$/);
});

it.each(Object.entries(cases))("gives the products %s", (_, [inputs, call]) => {
  for (const dtype of ["float32", "float64", "float16", "bfloat16"] as const)
    expect(error(inputs.map((t) => t.to(dtype)), call)).toBeLessThan({ float32: 2e-6, float64: 1e-14, float16: 2e-3, bfloat16: 1e-2 }[dtype]); // prettier-ignore
});

it("rounds float32 to TF32 only when that is allowed", () => {
  const [a, b] = [random(20, 30), random(30, 20)];
  expect(cg.getFloat32MatmulPrecision()).toBe("highest");
  expect(error([a, b], product)).toBeLessThan(2e-6);
  cg.setFloat32MatmulPrecision("high");
  const rounded = error([a, b], product);
  expect(rounded).toBeGreaterThan(1e-5);
  expect(rounded).toBeLessThan(2e-3);
  expect(error([a.to("float64"), b.to("float64")], product)).toBeLessThan(1e-14);
  expect(() => cg.setFloat32MatmulPrecision("low" as never)).toThrow(/"highest" or "high" or "medium"/);
  expect(cg.getFloat32MatmulPrecision()).toBe("high");
});

it("goes to the stream that is current, in a workspace of its own", () => {
  const streams = [new cg.Stream(cuda), new cg.Stream(cuda)];
  const [a, b] = [random(4, 600).to(cuda), random(600, 4).to(cuda)];
  cg.synchronize(cuda);
  const products = streams.map((stream, i) => cg.withStream(stream, () => a.mul(i + 1).matmul(b)));
  cg.synchronize(cuda);
  const wanted = a.cpu().matmul(b.cpu());
  products.forEach((t, i) =>
    expect(
      Number(
        t
          .cpu()
          .sub(wanted.mul(i + 1))
          .abs()
          .amax()
          .item(),
      ),
    ).toBeLessThan(1e-3),
  );
});
