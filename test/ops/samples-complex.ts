/** Rows of ops on complex numbers. Inputs are pairs of real numbers, so that differences can be taken; results go back to pairs. */
import * as cg from "../../src/index.js";
import type { Tensor } from "../../src/index.js";
import { bools, plain, positive, real, type Input, type Sample } from "./sample.js";

const pairs = (shape: readonly number[] = [3, 4]): Input => real([...shape, 2]);
const onPairs = (call: (...z: Tensor[]) => Tensor, ...inputs: Input[]): Sample => ({
  call: (...xs) => {
    const out = call(...xs.map((x) => cg.viewAsComplex(x.contiguous())));
    return out.isComplex() ? out.viewAsReal() : out;
  },
  inputs,
});

export const complexSamples = {
  viewAsReal: onPairs((z) => z!, pairs()),
  viewAsComplex: onPairs((z) => z!.mul(z!), pairs()),
  real: onPairs((z) => z!.real, pairs()),
  imag: onPairs((z) => z!.imag, pairs()),
  conj: onPairs((z) => z!.conj(), pairs()),
  conjPhysical: onPairs((z) => z!.conjPhysical(), pairs()),
  resolveConj: onPairs((z) => z!.mul(2).resolveConj(), pairs()),
  angle: onPairs((z) => z!.angle(), pairs()),
  isreal: { ...onPairs((z) => z!.isreal(), pairs()), noGrad: bools },
  complex: plain((x, y) => cg.complex(x!, y!).viewAsReal(), real([3, 4]), real([4])),
  polar: plain((x, y) => cg.polar(x!, y!).viewAsReal(), positive(), real()),
  cfloat: { ...plain((x) => x!.cfloat().viewAsReal(), real()), noGrad: "float32 has too few digits for differences" },
  cdouble: plain((x) => x!.cdouble().viewAsReal(), real()),
} satisfies Record<string, Sample>;
