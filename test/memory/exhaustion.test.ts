/** Tensors that the machine has no room for: an error, never the end of the process, although the system would promise the pages. */
import { expect, test } from "vitest";
import * as cg from "../../src/index.js";

test.each([
  ["more than the machine has", [1e6, 1e6]],
  ["more than an address can name", [1e9, 1e9, 1e3]],
])("%s", (_, shape) => {
  for (const make of [cg.zeros, cg.empty, cg.randn]) expect(() => make(shape)).toThrow(cg.OutOfMemoryError);
  expect(cg.ones(1).expand(shape.slice(0, 2)).shape).toEqual(shape.slice(0, 2));
});

test("pages that were promised and never written to count", () => {
  const total = cg.memoryStats().total;
  const kept: cg.Tensor[] = [];
  const fill = () => {
    for (;;) kept.push(cg.empty(total / 8, { dtype: cg.uint8 }));
  };
  expect(fill).toThrow(cg.OutOfMemoryError);
  expect(kept.length).toBeLessThan(8);
  for (const tensor of kept) tensor.dispose();
  cg.emptyCache();
  expect(cg.zeros(10).sum().item()).toBe(0);
});
