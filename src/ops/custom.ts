/** Ops of a person's own, from one line of arithmetic: one program on devices, the library's ops on the CPU, gradients everywhere. */
import { io, native } from "../runtime/addon.js";
import { ownKernels } from "../runtime/observe.js";
import { isFloating } from "../tensor/dtype.js";
import { DTypeError, ValueError, describe } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import { Tensor, type Scalar } from "../tensor/tensor.js";
import { castTo, dispatched, record, recordedAny } from "./define.js";
import { isTruth, parseExpression, type Expression } from "./expression.js";
import { gradOfComposition, promoteAll, scalarTensor } from "./pointwise.js";
import * as methods from "./tensor-methods.js";
import { where } from "./ternary.js";

// Functions of Math, and what else the rows know, by the op that computes the same.
const unaries =
  "abs exp expm1 log log1p log2 log10 sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh sqrt sign floor ceil trunc sigmoid erf relu";
const binaries: Readonly<Record<string, string>> = { min: "minimum", max: "maximum", pow: "pow", atan2: "atan2", hypot: "hypot" };
const operators: Readonly<Record<string, string>> = {
  "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "fmod", "<": "lt", ">": "gt", "<=": "le", ">=": "ge", "==": "eq", "!=": "ne",
  "&&": "logicalAnd", "||": "logicalOr",
}; // prettier-ignore
const functions = new Set([...unaries.split(" "), ...Object.keys(binaries)]);
const constants: Readonly<Record<string, number>> = { PI: Math.PI, E: Math.E, LN2: Math.LN2, SQRT2: Math.SQRT2 };

const call = (name: string, inputs: readonly Tensor[]): Tensor =>
  (methods as unknown as Record<string, (...x: readonly Tensor[]) => Tensor>)[name]!(...inputs);

/** The value of an expression, by the library's ops; constants are 0-d tensors like `like`. */
function evaluate(e: Expression, values: ReadonlyMap<string, Tensor>, like: Tensor): Tensor {
  const constant = (value: number): Tensor => scalarTensor(value, like.dt, like.dev);
  const truth = (x: Expression): Tensor => evaluate(x, values, like);
  const number = (x: Expression): Tensor => castTo(truth(x), like.dt);
  switch (e.kind) {
    case "number":
      return constant(Number(e.text));
    case "name":
      return values.get(e.name) ?? constant(constants[e.name]!);
    case "cast":
      return number(e.operand);
    case "unary":
      if (e.operator === "!") return call("logicalNot", [truth(e.operand)]);
      return e.operator === "-" ? call("neg", [number(e.operand)]) : number(e.operand);
    case "binary":
      if (e.operator === "&&" || e.operator === "||") return call(operators[e.operator]!, [truth(e.left), truth(e.right)]);
      return call(operators[e.operator]!, [number(e.left), number(e.right)]);
    case "choice":
      return where(truth(e.condition).to("bool"), number(e.yes), number(e.no));
    case "call":
      return call(binaries[e.name] ?? e.name, e.inputs.map(number));
  }
}

/** The expression in the words of the .def rows, its inputs called as `names` says. */
function toRow(e: Expression, names: ReadonlyMap<string, string>): string {
  switch (e.kind) {
    case "number":
      return `(T)${e.text}`;
    case "name":
      return names.get(e.name) ?? `(T)${constants[e.name]}`;
    case "cast":
      return `(T)(${toRow(e.operand, names)})`;
    case "unary":
      return `${e.operator}(${toRow(e.operand, names)})`;
    case "binary": {
      const [left, right] = [toRow(e.left, names), toRow(e.right, names)];
      return e.operator === "%" ? `fmod(${left}, ${right})` : `(${left} ${e.operator} ${right})`;
    }
    case "choice":
      return `(${toRow(e.condition, names)} ? ${toRow(e.yes, names)} : ${toRow(e.no, names)})`;
    case "call": {
      if (e.name === "relu") return `maximum(${toRow(e.inputs[0]!, names)}, (T)0)`;
      if (e.name === "sign") return `(T)((${toRow(e.inputs[0]!, names)} > 0) - (${toRow(e.inputs[0]!, names)} < 0))`;
      const name = e.name === "min" || e.name === "max" ? binaries[e.name]! : e.name;
      return `${name}(${e.inputs.map((input) => toRow(input, names)).join(", ")})`;
    }
  }
}

/** Complains about what an op cannot be made of. */
function check(name: string, e: Expression, inputs: ReadonlySet<string>): void {
  const wrong = (expected: string, got: string): never => {
    throw new ValueError({ op: "customOp", argument: name, expected, got });
  };
  switch (e.kind) {
    case "number":
      return;
    case "name":
      if (!inputs.has(e.name) && !(e.name in constants)) wrong(`made of ${[...inputs].join(", ")} and numbers`, e.name);
      return;
    case "call":
      if (!functions.has(e.name)) wrong(`made of the functions ${[...functions].join(", ")}`, `${e.name}()`);
      if (e.inputs.length !== (e.name in binaries ? 2 : 1))
        wrong(`a call of ${e.name} with ${e.name in binaries ? 2 : 1} arguments`, String(e.inputs.length));
      return e.inputs.forEach((input) => check(name, input, inputs));
    case "binary":
      if (!(e.operator in operators)) wrong(`made of the operators ${Object.keys(operators).join(" ")}`, e.operator);
      return [e.left, e.right].forEach((input) => check(name, input, inputs));
    case "unary":
      if (e.operator === "~") wrong("floating arithmetic", "~");
      return check(name, e.operand, inputs);
    case "cast":
      return check(name, e.operand, inputs);
    case "choice":
      return [e.condition, e.yes, e.no].forEach((input) => check(name, input, inputs));
  }
}

/** The parameters and the one expression of an arrow function. */
function read(name: string, formula: unknown): { parameters: string[]; expression: Expression } {
  const text = typeof formula === "function" ? Function.prototype.toString.call(formula) : "";
  const match = /^\(?\s*([\w$\s,]*?)\s*\)?\s*=>\s*([^{][\s\S]*)$/.exec(text);
  const parameters = match?.[1]!.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()])) ?? [];
  if (match === null || parameters.length < 1 || parameters.length > 3) {
    throw new ValueError({
      op: "customOp",
      argument: "formula",
      expected: "an arrow function of 1 to 3 numbers with one expression, such as (x, y) => x * Math.exp(y)",
      got: text === "" ? describe(formula) : text.slice(0, 60),
    });
  }
  let expression: Expression;
  try {
    expression = parseExpression(match[2]!);
  } catch (error) {
    throw new ValueError({ op: "customOp", argument: "formula", expected: "one expression", got: `${name}: ${(error as Error).message}` });
  }
  check("formula", expression, new Set(parameters));
  if (isTruth(expression)) throw new ValueError({ op: "customOp", argument: "formula", expected: "a number", got: "a truth" });
  return { parameters, expression };
}

const rowNames: readonly (readonly string[])[] = [["x"], ["a", "b"], ["a", "b", "c"]];

/**
 * Makes an op from arithmetic on numbers: it broadcasts, promotes and differentiates as the library's own do. On a device it is
 * one program, compiled when first called; on the CPU the library's ops compute it.
 * @param name for errors and the graph
 * @param formula an arrow function of one to three numbers whose body is one expression: + - * / % **, comparisons, ?:, functions of Math, sigmoid, erf
 * @returns a function of tensors and numbers, at least one a tensor
 * @example
 * const snake = customOp("snake", (x: number, a: number) => x + Math.sin(a * x) ** 2 / a)
 * snake(tensor([1, 2]), 0.5)
 */
export function customOp(name: string, formula: (...x: number[]) => number): (...inputs: (Tensor | Scalar)[]) => Tensor {
  if (typeof name !== "string" || name === "")
    throw new ValueError({ op: "customOp", argument: "name", expected: "a name", got: describe(name) });
  const { parameters, expression } = read(name, formula);
  const row = native.addRow(
    toRow(expression, new Map(parameters.map((parameter, i) => [parameter, rowNames[parameters.length - 1]![i]!]))),
    parameters.length,
  );
  ownKernels.custom[row] = name;
  const compose = (inputs: readonly Tensor[]): Tensor =>
    evaluate(expression, new Map(parameters.map((key, i) => [key, inputs[i]!])), inputs[0]!);

  return dispatched(`customOp ${name}`, (...inputs: (Tensor | Scalar)[]) => {
    if (inputs.length !== parameters.length)
      throw new ValueError({ op: name, expected: `${parameters.length} inputs (${parameters.join(", ")})`, got: String(inputs.length) });
    for (const [i, input] of inputs.entries())
      if (!(input instanceof Tensor) && typeof input !== "number")
        throw new ValueError({ op: name, argument: parameters[i]!, expected: "a Tensor or a number", got: describe(input) });
    const { tensors, shape, dt } = promoteAll(name, inputs);
    if (!isFloating(dt)) throw new DTypeError({ op: name, expected: "floating inputs", got: launch.dtypeName(dt) });
    const dev = tensors[0]!.dev;
    const given = tensors.map((t) => castTo(t, dt));
    const computed = (): Tensor => compose(tensors.map((t) => (t.dt === dt ? t : t.to(launch.dtypeName(dt) as "float32")))).expand(shape);
    if (dev === 0) return computed();
    const out = launch.tryMade(name, shape, dt, dev, given, (owner) => {
      given.forEach((t, i) => (io[i] = t.live(name)));
      return native.custom(row, given.length, dt, owner);
    });
    if (out === null) return computed();
    if (!recordedAny(tensors)) return out;
    return record(name, out, tensors, tensors, ([g], node) => {
      const saved = tensors.map((_, i) => node.tensor(i));
      return gradOfComposition(g!, saved, (...x) =>
        compose(x.map((t) => (t.dt === dt ? t : t.to(launch.dtypeName(dt) as "float32")))).expand(shape),
      );
    });
  });
}
