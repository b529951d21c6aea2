/** Copies and conversions: clone, contiguous, to, copy_, fill_ and the dtype shorthands. */
import { native } from "../runtime/addon.js";
import { codeOf, defaultOfCategory, isDifferentiable, scalarCategory, type DType } from "../tensor/dtype.js";
import { deviceCode, type Device } from "../tensor/device.js";
import { ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { broadcastShapes, sameShape } from "../tensor/shape.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { castTo, inPlace, op, record, recorded, requireWritable, setLate } from "./define.js";
import { fillWith, inPlaceForms, scalarTensor, toInput } from "./pointwise.js";
import { bind, dtypeCode, parseSignature } from "./schema.js";

/** How elements lie in memory (torch.memory_format): row-major, or with the channels of images innermost. */
export type MemoryFormat = "contiguousFormat" | "preserveFormat" | "channelsLast" | "channelsLast3d";
export type FormatOptions = { memoryFormat?: MemoryFormat };
const formatParam = "*, memoryFormat: contiguousFormat|preserveFormat|channelsLast|channelsLast3d";
export const contiguousFormat = "contiguousFormat";
export const preserveFormat = "preserveFormat";
export const channelsLast = "channelsLast";
export const channelsLast3d = "channelsLast3d";

/** The order in which the dims of a format lie in memory; null: as they are. */
function orderOf(name: string, input: Tensor, format: MemoryFormat): number[] | null {
  if (format === "contiguousFormat" || format === "preserveFormat") return null;
  const rank = format === "channelsLast" ? 4 : 5;
  if (input.shape.length === rank) return [0, ...input.shape.map((_, i) => i).slice(2), 1];
  throw new ShapeError({
    op: name,
    argument: "memoryFormat",
    expected: `a tensor of rank ${rank} for ${format}`,
    got: formatShape(input.shape),
  });
}
const unordered = (t: Tensor, order: readonly number[]): Tensor => t.permute(order.map((_, i) => order.indexOf(i)));

/** A copy with storage of its own, recorded. Differs: "preserveFormat", the default, is row-major. */
export const clone: (input: Tensor, options?: FormatOptions) => Tensor = op(
  "clone",
  `input: tensor, ${formatParam} = preserveFormat`,
  (input: Tensor, format: MemoryFormat) => {
    const order = orderOf("clone", input, format);
    if (order !== null) return unordered(clone(input.permute(order)), order);
    input.live("clone");
    const out = launch.made("clone", input.shape, input.dt, input.dev, [input], (owner) => native.clone(input.handle, owner));
    return recorded(input) ? record("clone", out, [input], [], ([g]) => [g!]) : out;
  },
);
setLate({ clone });

/** The tensor itself when its elements lie so already, else a copy: row-major, or as `memoryFormat` says. */
export const contiguous: (input: Tensor, options?: FormatOptions) => Tensor = op(
  "contiguous",
  `input: tensor, ${formatParam} = contiguousFormat`,
  (input: Tensor, format: MemoryFormat) => {
    if (format === "preserveFormat")
      throw new ValueError({ op: "contiguous", argument: "memoryFormat", expected: "another one", got: `"preserveFormat"` });
    const order = orderOf("contiguous", input, format);
    const lies = order === null ? input : input.permute(order);
    return lies.isContiguous() ? input : clone(input, { memoryFormat: format });
  },
);

/** A tensor like `input` with one value everywhere. Shape [*]. @example fill(zeros(2), 3) // [3., 3.] */
export const fill: (input: Tensor, value: Tensor | Scalar) => Tensor = op(
  "fill",
  "input: tensor, value: operand",
  (input: Tensor, value: Tensor | Scalar) => clone(input).fill_(value),
  { method: false },
);

/** @internal Changes the dtype, recorded. */
export function convertDtype(input: Tensor, dt: number): Tensor {
  input.live("to");
  const out = castTo(input, dt);
  const from = input.dt;
  if (out !== input && recorded(input) && isDifferentiable(dt)) record("to", out, [input], [], ([g]) => [convertDtype(g!, from)]);
  return out;
}

function convertDevice(input: Tensor, dev: number, nonBlocking = false): Tensor {
  if (input.dev === dev) return input;
  const out = launch.made("to", input.shape, input.dt, dev, [input], (owner) =>
    native.toDevice(input.live("to"), dev, Number(nonBlocking), owner),
  );
  const from = input.dev;
  return recorded(input) ? record("to", out, [input], [], ([g]) => [convertDevice(g!, from)]) : out;
}

/** Options of {@link to}. */
export interface ToOptions {
  dtype?: DType;
  device?: Device;
  /**
   * Copies between a device and pinned memory while the host goes on: what is copied from must not change, and what is copied to the CPU is
   * there only after synchronize(). Default false.
   */
  nonBlocking?: boolean;
  /** Copies even when nothing changes. Default false. */
  copy?: boolean;
  /** How the elements of the result lie. Default "preserveFormat". */
  memoryFormat?: MemoryFormat;
}

/**
 * The tensor with another dtype, device, or those of another tensor; itself when nothing changes.
 * @example tensor([1.7]).to("int64") // [1]
 */
export const to: (input: Tensor, target?: DType | Device | Tensor | ToOptions, second?: DType | ToOptions, options?: ToOptions) => Tensor =
  op(
    "to",
    `input: tensor, device: any? = null, dtype: any? = null, nonBlocking: bool = false, copy: bool = false, ${formatParam} = preserveFormat`,
    (input: Tensor, ...given: Given) => {
      const [first, second, nonBlocking, copy, format] = withoutSecond(given);
      let dt = input.dt;
      let dev = input.dev;
      for (const target of [first, second]) {
        if (target === null) continue;
        if (target instanceof Tensor) [dt, dev] = [target.dt, target.dev];
        else if (typeof target === "string" && (target in codeOf || target === second)) dt = dtypeCode("to", target);
        else if (typeof target === "string" && /^[a-z]+\d+$/.test(target) && !/^(cuda|opencl)/.test(target)) dt = dtypeCode("to", target);
        else if (typeof target === "string") dev = deviceCode("to", target);
        else throw new ValueError({ op: "to", argument: "device", expected: "a dtype, a device or a Tensor", got: describe(target) });
      }
      const out = convertDevice(convertDtype(input, dt), dev, nonBlocking);
      return copy && out === input ? clone(input, { memoryFormat: format }) : formatted(out, format);
    },
  );

type Given = readonly [first: unknown, second: unknown, nonBlocking: boolean, copy: boolean, format: MemoryFormat];
/** torch's forms to(dtype, nonBlocking, copy) and to(other, nonBlocking, copy): a boolean stands where a second target may. */
const withoutSecond = (given: Given): Given => (typeof given[1] === "boolean" ? [given[0], null, given[1], given[2], given[4]] : given);

const formatted = (input: Tensor, format: MemoryFormat): Tensor =>
  format === "preserveFormat" ? input : contiguous(input, { memoryFormat: format });

export type Cast = (input: Tensor, options?: FormatOptions) => Tensor;
/** @internal The method that changes the dtype to one, such as `x.half()`. */
export const castMethod = (name: string, dtype: DType): Cast =>
  op<Cast>(name, `input: tensor, ${formatParam} = preserveFormat`, (input: Tensor, format: MemoryFormat) =>
    formatted(convertDtype(input, codeOf[dtype]), format),
  );
/** As `to("float32")`. */
export const float = castMethod("float", "float32");
/** As `to("float64")`. */
export const double = castMethod("double", "float64");
/** As `to("float16")`. */
export const half = castMethod("half", "float16");
/** As `to("bfloat16")`. */
export const bfloat16 = castMethod("bfloat16", "bfloat16");
/** As `to("int64")`. */
export const long = castMethod("long", "int64");
/** As `to("int32")`. */
export const int = castMethod("int", "int32");
/** As `to("bool")`. */
export const bool = castMethod("bool", "bool");
/** As `to("int16")`. */
export const short = castMethod("short", "int16");
/** As `to("int8")`. */
export const char = castMethod("char", "int8");
/** As `to("uint8")`. */
export const byte = castMethod("byte", "uint8");

/** As `to("cpu")`: itself when it is there already. */
export const cpu: (input: Tensor) => Tensor = op("cpu", "input: tensor", (input: Tensor) => {
  input.live("cpu");
  return convertDevice(input, 0);
});

/** As `to(other)`: dtype and device of another tensor. */
export const typeAs: (input: Tensor, other: Tensor) => Tensor = op(
  "typeAs",
  "input: tensor, other: tensor",
  (input: Tensor, other: Tensor) => to(input, other),
);

const copyParams = parseSignature("input: tensor, src: operand? = null, nonBlocking: bool = false, *, other: operand? = null");
type Source = Tensor | Scalar | null;
inPlaceForms.set("copy_", (...args: unknown[]) => {
  const [target, first, nonBlocking, second] = bind("copy_", copyParams, args) as [Tensor, Source, boolean, Source];
  const given = first ?? second;
  if (given === null) throw new ValueError({ op: "copy_", argument: "src", expected: "a Tensor or a number", got: "nothing" });
  const src = given instanceof Tensor ? given : scalarTensor(given, defaultOfCategory(scalarCategory(given)));
  const shape = broadcastShapes("copy_", target.shape, src.shape);
  requireWritable("copy_", target, shape, target.dt);
  const write = (): void =>
    launch.done("copy_", native.copyInto(target.live("copy_"), src.live("copy_"), Number(nonBlocking) | 2), target, src);
  return inPlace("copy_", target, [src], write, (before) => copied(target, before, src));
});

/** The recorded value of a tensor that `src` was copied into: the old value gets a gradient of zero. */
function copied(target: Tensor, before: Tensor, src: Tensor): Tensor {
  const { shape, dt } = src;
  const out = launch.empty("copy_", target.shape, target.dt, target.dev);
  launch.done("copy_", native.copyInto(out.handle, src.handle), out, src);
  return record("copy", out, [before, src], [], ([g], node) => [
    node.needs(0) ? g!.mul(0) : null,
    node.needs(1) ? toInput(g!, shape, dt) : null,
  ]);
}

const fillParams = parseSignature("input: tensor, value: operand");
inPlaceForms.set("fill_", (...args: unknown[]) => {
  const [target, given] = bind("fill_", fillParams, args) as [Tensor, Tensor | Scalar];
  if (given instanceof Tensor && !sameShape(given.shape, [])) {
    throw new ValueError({ op: "fill_", argument: "value", expected: "a number or a 0-d tensor", got: describe(given) });
  }
  if (given instanceof Tensor) return (inPlaceForms.get("copy_") as unknown as (t: Tensor, src: Tensor) => Tensor)(target, given);
  return constant("fill_", target, given);
});
inPlaceForms.set("zero_", (target: Tensor) => constant("zero_", target, 0));

function constant(name: string, target: Tensor, value: Scalar): Tensor {
  target.live(name);
  const compute = (before: Tensor): Tensor => {
    const out = launch.empty(name, target.shape, target.dt, target.dev);
    fillWith(name, out, value);
    return record(name.slice(0, -1), out, [before], [], ([g]) => [g!.mul(0)]);
  };
  return inPlace(name, target, [], () => fillWith(name, target, value), compute);
}
