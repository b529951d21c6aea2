/** One step of the recurrent networks: what each kind computes, its weights, and the layers that do a single step. */
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { empty, zeros } from "../ops/creation.js";
import { linear } from "../ops/matmul.js";
import { uniform_ } from "./init.js";
import { factory, place, readArguments, requirePositive, type Factory } from "./layer.js";
import type { FactoryOptions } from "./layers.js";
import { Module } from "./module.js";
import { Parameter } from "./parameter.js";

/** "tanh" or "relu". */
export type Nonlinearity = "tanh" | "relu";

export interface CellOptions extends FactoryOptions {
  bias?: boolean;
}
export interface RNNCellOptions extends CellOptions {
  /** Default "tanh". */
  nonlinearity?: Nonlinearity;
}

/** What is carried from step to step: h, and the cell state c of an LSTM. */
export type State = readonly Tensor[];
/** The next state, from what the input gives to the gates [B, gates * H] and what the state gives. */
type Step = (x: Tensor, h: Tensor, state: State) => State;

export interface Kind {
  /** How many blocks of hiddenSize rows the weights have. */
  readonly gates: number;
  /** How many tensors a state is. */
  readonly states: 1 | 2;
  readonly step: Step;
}

export const rnn = (activation: "tanh" | "relu"): Kind => ({ gates: 1, states: 1, step: (x, h) => [x.add(h)[activation]()] });

export const lstm: Kind = {
  gates: 4,
  states: 2,
  step(x, h, [, c]) {
    const [input, forget, candidate, output] = x.add(h).chunk(4, -1) as [Tensor, Tensor, Tensor, Tensor];
    const next = forget.sigmoid().mul(c!).add(input.sigmoid().mul(candidate.tanh()));
    return [output.sigmoid().mul(next.tanh()), next];
  },
};

export const gru: Kind = {
  gates: 3,
  states: 1,
  step(x, h, [before]) {
    const [xReset, xUpdate, xNew] = x.chunk(3, -1) as [Tensor, Tensor, Tensor];
    const [hReset, hUpdate, hNew] = h.chunk(3, -1) as [Tensor, Tensor, Tensor];
    const candidate = xNew.add(xReset.add(hReset).sigmoid().mul(hNew)).tanh();
    return [candidate.add(xUpdate.add(hUpdate).sigmoid().mul(before!.sub(candidate)))];
  },
};

/** Weights as torch names them: from the input, from the state, and a bias of each. */
export function registerWeights(
  module: Module,
  suffix: string,
  gates: number,
  sizes: readonly [number, number],
  bias: boolean,
  options: object,
): void {
  const [inputs, hidden] = sizes;
  const bound = hidden > 0 ? 1 / Math.sqrt(hidden) : 0;
  const add = (name: string, ...shape: number[]): void =>
    module.registerParameter(`${name}${suffix}`, uniform_(new Parameter(empty(shape, options)), -bound, bound) as Parameter);
  add("weight_ih", gates * hidden, inputs);
  add("weight_hh", gates * hidden, hidden);
  if (!bias) return;
  add("bias_ih", gates * hidden);
  add("bias_hh", gates * hidden);
}

export function weightsOf(module: Module, suffix: string): { ih: Tensor; hh: Tensor; biasIh: Tensor | null; biasHh: Tensor | null } {
  const named = module as unknown as Record<string, Tensor | undefined>;
  const [ih, hh] = [named[`weight_ih${suffix}`]!, named[`weight_hh${suffix}`]!];
  return { ih, hh, biasIh: named[`bias_ih${suffix}`] ?? null, biasHh: named[`bias_hh${suffix}`] ?? null };
}

/** What the cells have in common. */
abstract class Cell extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly bias: boolean;
  declare private readonly kind: Kind;

  constructor(kind: Kind, [inputSize, hiddenSize, bias, device, dtype]: readonly [number, number, boolean, ...Factory]) {
    super();
    requirePositive(this.constructor.name, { inputSize, hiddenSize });
    [this.inputSize, this.hiddenSize, this.bias] = [inputSize, hiddenSize, bias];
    Object.defineProperty(this, "kind", { value: kind });
    registerWeights(this, "", kind.gates, [inputSize, hiddenSize], bias, place(device, dtype));
  }

  /** The next state from an input [B, I] or [I] and a state of tensors [B, H] or [H], by default zeros. */
  protected next(input: Tensor, given: State | null): State {
    const op = this.constructor.name;
    if (input.shape.length > 2 || input.shape.at(-1) !== this.inputSize) {
      const expected = `of shape [B, I] or [I] with I = ${this.inputSize}`;
      throw new ShapeError({ op, argument: "input", expected, got: formatShape(input.shape) });
    }
    const shape = [...input.shape.slice(0, -1), this.hiddenSize];
    const wrong = given?.find((state) => !sameShape(state.shape, shape));
    if (wrong !== undefined)
      throw new ShapeError({ op, argument: "hx", expected: `of shape ${formatShape(shape)}`, got: formatShape(wrong.shape) });
    const { dtype, device } = input;
    const state = given ?? Array.from({ length: this.kind.states }, () => zeros(shape, { dtype, device }));
    const { ih, hh, biasIh, biasHh } = weightsOf(this, "");
    return this.kind.step(linear(input, ih, biasIh), linear(state[0]!, hh, biasHh), state);
  }

  override extraRepr(): string {
    return `${this.inputSize}, ${this.hiddenSize}${this.bias ? "" : ", bias=False"}`;
  }
}

/** The arguments of a forward whose state is one tensor. */
export function stateOf(module: Module, input: Tensor, hx: Tensor | null): [Tensor, State | null] {
  const op = `${module.constructor.name}.forward`;
  const [x, h] = readArguments<[Tensor, Tensor | null]>(op, "input: tensor, hx: tensor? = null", [input, hx]);
  return [x, h === null ? null : [h]];
}

/** The arguments of a forward whose state is two tensors. */
export function statesOf(module: Module, input: Tensor, hx: State | null): [Tensor, State | null] {
  const op = `${module.constructor.name}.forward`;
  const [x, states] = readArguments<[Tensor, State | null]>(op, "input: tensor, hx: tensors? = null", [input, hx]);
  if (states !== null && states.length !== 2)
    throw new ValueError({ op, argument: "hx", expected: "two tensors, [h, c]", got: `${states.length}` });
  return [x, states];
}

/** One step of an {@link RNN}: tanh(W_ih x + b_ih + W_hh h + b_hh). @example h = cell.forward(x, h) // [B, I], [B, H] -> [B, H] */
export class RNNCell extends Cell {
  readonly nonlinearity: Nonlinearity;

  constructor(inputSize: number, hiddenSize: number, ...rest: (boolean | Nonlinearity | RNNCellOptions)[]) {
    const signature = `inputSize: int, hiddenSize: int, bias: bool = true, nonlinearity: tanh|relu = tanh, ${factory}`;
    type Values = [number, number, boolean, Nonlinearity, ...Factory];
    const [inputs, hidden, bias, nonlinearity, ...where] = readArguments<Values>("RNNCell", signature, [inputSize, hiddenSize, ...rest]);
    super(rnn(nonlinearity), [inputs, hidden, bias, ...where]);
    this.nonlinearity = nonlinearity;
  }

  forward(input: Tensor, hx: Tensor | null = null): Tensor {
    return this.next(...stateOf(this, input, hx))[0]!;
  }

  override extraRepr(): string {
    return `${super.extraRepr()}${this.nonlinearity === "tanh" ? "" : `, nonlinearity=${this.nonlinearity}`}`;
  }
}

const plain = `inputSize: int, hiddenSize: int, bias: bool = true, ${factory}`;
type Plain = [number, number, boolean, ...Factory];

/** One step of an {@link LSTM}. @example [h, c] = cell.forward(x, [h, c]) // [B, I], two of [B, H] -> two of [B, H] */
export class LSTMCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, ...rest: (boolean | CellOptions)[]) {
    super(lstm, readArguments<Plain>("LSTMCell", plain, [inputSize, hiddenSize, ...rest]));
  }

  forward(input: Tensor, hx: readonly [h: Tensor, c: Tensor] | null = null): [h: Tensor, c: Tensor] {
    return [...this.next(...statesOf(this, input, hx))] as [Tensor, Tensor];
  }
}

/** One step of a {@link GRU}. @example h = cell.forward(x, h) // [B, I], [B, H] -> [B, H] */
export class GRUCell extends Cell {
  constructor(inputSize: number, hiddenSize: number, ...rest: (boolean | CellOptions)[]) {
    super(gru, readArguments<Plain>("GRUCell", plain, [inputSize, hiddenSize, ...rest]));
  }

  forward(input: Tensor, hx: Tensor | null = null): Tensor {
    return this.next(...stateOf(this, input, hx))[0]!;
  }
}
