/** Ops of a person's own, from the text of a kernel: devices compile it, the CPU computes the same by ops, gradients everywhere. */
import { withRecording } from "../autograd/mode.js";
import { io, native } from "../runtime/addon.js";
import { Status } from "../runtime/native.js";
import { ownKernels } from "../runtime/observe.js";
import { Code } from "../tensor/dtype.js";
import { DeviceError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { Tensor } from "../tensor/tensor.js";
import { castTo, record, recordedAny } from "./define.js";
import { gradOfComposition } from "./pointwise.js";

type Argument = Tensor | number;
type Kind = "tensor" | "i64" | "T";

/** What {@link kernelOp} makes an op of. `Args` are its arguments in the order of `parameters`. */
export interface KernelDefinition<Args extends readonly Argument[]> {
  /** Names in order: a `"tensor"`, or a number that the text sees as a whole number (`"i64"`) or as an element (`"T"`). */
  readonly parameters: Readonly<Record<string, Kind>>;
  /** The statements of one thread in C: see {@link kernelOp}. */
  readonly text: string;
  /** The same by ops: what the CPU computes, devices that compile no texts too, and where gradients come from without `backward`. */
  readonly ops: (...args: Args) => Tensor;
  /** The shape of the result; the first tensor's when missing. */
  readonly shape?: (...args: Args) => readonly number[];
  /** The gradient of each tensor, null for none, from that of the result. Written with ops, it has gradients itself. */
  readonly backward?: (grad: Tensor, output: Tensor, ...args: Args) => readonly (Tensor | null)[];
}

const kinds: readonly string[] = ["tensor", "i64", "T"] satisfies Kind[];
const taken = new Set(["out", "i", "n", "T", "run"]);
const halves: readonly number[] = [Code.float16, Code.bfloat16];
// Every number of a launch has a place in io.
const mostParameters = 32;

function check(name: unknown, definition: unknown): void {
  const wrong = (argument: string, expected: string, got: string): never => {
    throw new ValueError({ op: "kernelOp", argument, expected, got });
  };
  if (typeof name !== "string" || !/^[A-Za-z_]\w*$/.test(name)) wrong("name", "a name of letters and digits", describe(name));
  if (typeof definition !== "object" || definition === null) return wrong("definition", "an object", describe(definition));
  const { parameters, text, ops, shape, backward } = definition as Record<keyof KernelDefinition<[]>, unknown>;
  if (typeof parameters !== "object" || parameters === null) return wrong("parameters", "names and kinds", describe(parameters));
  for (const [key, kind] of Object.entries(parameters)) {
    if (!/^[A-Za-z_]\w*$/.test(key) || taken.has(key)) wrong("parameters", `names other than ${[...taken].join(", ")}`, key);
    if (!kinds.includes(kind as string)) wrong(key, `"tensor", "i64" or "T"`, describe(kind));
  }
  const all = Object.values(parameters);
  if (!all.includes("tensor") || all.length > mostParameters)
    wrong("parameters", `1 to ${mostParameters}, one a tensor`, String(all.length));
  if (typeof text !== "string" || text.trim() === "") wrong("text", "the statements of a kernel", describe(text));
  if (typeof ops !== "function") wrong("ops", "a function that computes the same by ops", describe(ops));
  for (const [key, value] of Object.entries({ shape, backward }))
    if (value !== undefined && typeof value !== "function") wrong(key, "a function", describe(value));
}

/** The whole kernel; a compiler that complains counts the lines of `text`. */
function kernelText(name: string, parameters: Readonly<Record<string, Kind>>, text: string): string {
  const entries = Object.entries(parameters);
  const tensors = entries.flatMap(([key, kind]) => (kind === "tensor" ? [key] : []));
  const numbers = entries.filter(([, kind]) => kind !== "tensor");
  const head = [
    "BUFFER(T, out)",
    ...tensors.map((key, k) => `BUFFER(T${k}, ${key}), Sizes ${key}_sizes`),
    "i64 n",
    ...numbers.map(([key, kind]) => `${kind} ${key}`),
  ];
  const places = ["PLACE(T, out);", ...tensors.map((key, k) => `PLACE(T${k}, ${key});`)];
  const sizes = tensors.map((key) => `#define ${key}_size(d) ${key}_sizes.size[d]\n`).join("");
  const line = `KERNEL run(${head.join(", ")}) { ${places.join(" ")} i64 i = ITEM; if (i >= n) return;\n`;
  return `${sizes}${line}#line 1 "${name}"\n${text}\n}\n`;
}

/** A text that the compiler refused, by its own words and the line that they mean. */
function refused(name: string, text: string, device: string): DeviceError {
  const log = native.compileLog().trim();
  const at = new RegExp(`\\b${name}"?[:(](\\d+)`).exec(log)?.[1];
  const line = at === undefined ? undefined : text.split("\n")[Number(at) - 1]?.trim();
  return new DeviceError({
    op: name,
    argument: "text",
    expected: `a kernel that ${device} compiles`,
    got: line === undefined || line === "" ? log : `line ${at}, \`${line}\`:\n${log}`,
  });
}

/**
 * Makes an op from the text of a kernel, which devices compile when it is first called there; the CPU computes it by ops.
 *
 * The text is the body of a C function that runs once for each element of the result. It sees `out` and every tensor as contiguous memory,
 * `i` (the element it is to write: `out[i] = …`), `n` (how many there are), numbers by name, `x_size(d)` (the size of dim d of the tensor x),
 * the types T (of an element of the result), T0, T1, … (of the tensors), i32, i64, f32, and the functions of C's math library, `sigmoid`,
 * `maximum`. float16 and bfloat16 are float32 in the text. It is OpenCL C and CUDA C at once; memory outside of a tensor is out of bounds for it.
 * @param name for errors, the graph, and the compiler's messages
 * @returns a function of the parameters; its result has the first tensor's dtype and device
 * @throws DeviceError with the compiler's words and the line of the text that they mean
 * @example
 * const step = kernelOp("step", {
 *   parameters: { x: "tensor", low: "T" },
 *   text: "out[i] = x[i] > low ? x[i] - low : 0;",
 *   ops: (x: Tensor, low: number) => x.sub(low).relu(),
 * })
 * step(tensor([1, 2]), 1.5)
 */
export function kernelOp<Args extends readonly Argument[]>(name: string, definition: KernelDefinition<Args>): (...args: Args) => Tensor {
  check(name, definition);
  const { text, ops, backward } = definition;
  const parameters = Object.entries(definition.parameters);
  const numberKinds = parameters.flatMap(([, kind]) => (kind === "tensor" ? [] : [kind === "i64" ? "i" : "T"]));
  const code = native.addText(kernelText(name, definition.parameters, text), numberKinds.join(""));
  ownKernels.runText[code] = name;

  const launched = (args: Args, tensors: readonly Tensor[]): Tensor | null => {
    const [first] = tensors as [Tensor];
    const computed = halves.includes(first.dt) ? Code.float32 : first.dt;
    const shape = definition.shape?.(...args) ?? first.shape;
    const given = tensors.map((t) => castTo(t, halves.includes(t.dt) ? Code.float32 : t.dt).contiguous());
    const out = launch.empty(name, shape, computed, first.dev);
    [...given, out].forEach((t, i) => (io[i] = t.live(name)));
    args.filter((arg) => typeof arg === "number").forEach((value, i) => (io[given.length + 1 + i] = value));
    const status = native.runText(code, given.length + 1, numberKinds.length, out.handle);
    if (status === Status.noKernel) return null;
    if (status === Status.notCompiled) throw refused(name, text, first.device);
    if (status < 0) throw launch.failure(name, status, given);
    return castTo(out, first.dt);
  };

  return (...args) => {
    checkArguments(name, parameters, args);
    const tensors = args.filter((arg): arg is Tensor => arg instanceof Tensor);
    const onDevice = tensors[0]!.dev === 0 ? null : withRecording(false, () => launched(args, tensors));
    if (onDevice === null && backward === undefined) return ops(...args);
    const out = onDevice ?? withRecording(false, () => ops(...args));
    if (!recordedAny(tensors)) return out;
    const filled = (given: readonly Tensor[]): Args => {
      let k = 0;
      return args.map((arg) => (arg instanceof Tensor ? given[k++]! : arg)) as unknown as Args;
    };
    return record(name, out, tensors, backward === undefined ? tensors : [...tensors, out], ([g], node) => {
      const saved = tensors.map((_, i) => node.tensor(i));
      if (backward === undefined) return gradOfComposition(g!, saved, (...x) => ops(...filled(x)));
      return checkGradients(name, backward(g!, node.tensor(tensors.length), ...filled(saved)), saved);
    });
  };
}

function checkArguments(name: string, parameters: readonly (readonly [string, Kind])[], args: readonly unknown[]): void {
  if (args.length !== parameters.length) {
    const wanted = parameters.map(([key]) => key).join(", ");
    throw new ValueError({ op: name, expected: `${parameters.length} arguments (${wanted})`, got: String(args.length) });
  }
  for (const [k, [key, kind]] of parameters.entries()) {
    const arg = args[k];
    const right = kind === "tensor" ? arg instanceof Tensor : kind === "i64" ? Number.isInteger(arg) : typeof arg === "number";
    const expected = { tensor: "a Tensor", i64: "a whole number", T: "a number" }[kind];
    if (!right) throw new ValueError({ op: name, argument: key, expected, got: describe(arg) });
  }
}

function checkGradients(name: string, grads: readonly (Tensor | null)[], inputs: readonly Tensor[]): readonly (Tensor | null)[] {
  if (!Array.isArray(grads) || grads.length !== inputs.length)
    throw new ValueError({ op: name, argument: "backward", expected: `${inputs.length} gradients, one a tensor`, got: describe(grads) });
  for (const [k, grad] of grads.entries())
    if (grad !== null && String(grad.shape) !== String(inputs[k]!.shape)) {
      const [expected, got] = [inputs[k]!, grad].map(({ shape }) => formatShape(shape)) as [string, string];
      throw new ShapeError({ op: name, argument: "backward", expected: `a gradient of the shape ${expected}`, got });
    }
  return grads;
}
