/** Padding as modules: constants, zeros, reflections, the nearest or the other side's elements, of 1 to 3 dims. */
import { ValueError, describe } from "../tensor/errors.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PadMode } from "../ops/padding.js";
import * as F from "./functional.js";
import { readArguments, repr } from "./layer.js";
import { Module } from "./module.js";

type Padding = number | readonly number[];

/** Counts for both sides of each of `dims` dims, the last one first; one number stands for all. */
function countsOf(name: string, padding: unknown, dims: number): readonly number[] {
  const counts = typeof padding === "number" ? new Array<number>(2 * dims).fill(padding) : padding;
  if (Array.isArray(counts) && counts.length === 2 * dims && counts.every(Number.isInteger)) return counts as number[];
  throw new ValueError({ op: name, argument: "padding", expected: `an integer, or ${2 * dims} of them`, got: describe(padding) });
}

/** The base of layers that pad. */
abstract class Pad extends Module {
  readonly padding: readonly number[];
  constructor(
    padding: Padding | { padding: Padding },
    dims: number,
    private readonly mode: PadMode,
  ) {
    super();
    const [given] = readArguments<[unknown]>(new.target.name, "padding: any", [padding]);
    this.padding = countsOf(new.target.name, given, dims);
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, this.mode);
  }
  override extraRepr(): string {
    return repr(this.padding);
  }
}
type Given = Padding | { padding: Padding };
/** Pads the last dim with zeros. */
export class ZeroPad1d extends Pad {
  constructor(padding: Given) {
    super(padding, 1, "constant");
  }
}
/** Pads the last 2 dims with zeros. */
export class ZeroPad2d extends Pad {
  constructor(padding: Given) {
    super(padding, 2, "constant");
  }
}
/** Pads the last 3 dims with zeros. */
export class ZeroPad3d extends Pad {
  constructor(padding: Given) {
    super(padding, 3, "constant");
  }
}
/** Pads the last dim with what lies behind the edge, mirrored. */
export class ReflectionPad1d extends Pad {
  constructor(padding: Given) {
    super(padding, 1, "reflect");
  }
}
/** Pads the last 2 dims with what lies behind the edge, mirrored. */
export class ReflectionPad2d extends Pad {
  constructor(padding: Given) {
    super(padding, 2, "reflect");
  }
}
/** Pads the last 3 dims with what lies behind the edge, mirrored. */
export class ReflectionPad3d extends Pad {
  constructor(padding: Given) {
    super(padding, 3, "reflect");
  }
}
/** Pads the last dim with the nearest element. */
export class ReplicationPad1d extends Pad {
  constructor(padding: Given) {
    super(padding, 1, "replicate");
  }
}
/** Pads the last 2 dims with the nearest element. */
export class ReplicationPad2d extends Pad {
  constructor(padding: Given) {
    super(padding, 2, "replicate");
  }
}
/** Pads the last 3 dims with the nearest element. */
export class ReplicationPad3d extends Pad {
  constructor(padding: Given) {
    super(padding, 3, "replicate");
  }
}
/** Pads the last dim with the elements of the other side. */
export class CircularPad1d extends Pad {
  constructor(padding: Given) {
    super(padding, 1, "circular");
  }
}
/** Pads the last 2 dims with the elements of the other side. */
export class CircularPad2d extends Pad {
  constructor(padding: Given) {
    super(padding, 2, "circular");
  }
}
/** Pads the last 3 dims with the elements of the other side. */
export class CircularPad3d extends Pad {
  constructor(padding: Given) {
    super(padding, 3, "circular");
  }
}

/** The base of layers that pad with a number. */
abstract class ConstantPad extends Module {
  readonly padding: readonly number[];
  readonly value: number;
  constructor(dims: number, args: readonly unknown[]) {
    super();
    const [padding, value] = readArguments<[unknown, number]>(new.target.name, "padding: any, value: float", args);
    this.padding = countsOf(new.target.name, padding, dims);
    this.value = value;
  }
  forward(input: Tensor): Tensor {
    return F.pad(input, this.padding, "constant", this.value);
  }
  override extraRepr(): string {
    return `padding=${repr(this.padding)}, value=${repr(this.value)}`;
  }
}
type Constant = [padding: Padding | { padding: Padding; value: number }, value?: number | { value: number }];
/** Pads the last dim with `value`. */
export class ConstantPad1d extends ConstantPad {
  constructor(...args: Constant) {
    super(1, args);
  }
}
/** Pads the last 2 dims with `value`. */
export class ConstantPad2d extends ConstantPad {
  constructor(...args: Constant) {
    super(2, args);
  }
}
/** Pads the last 3 dims with `value`. */
export class ConstantPad3d extends ConstantPad {
  constructor(...args: Constant) {
    super(3, args);
  }
}
