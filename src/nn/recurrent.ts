/** Recurrent layers over sequences: RNN, LSTM and GRU, in layers and in both directions. */
import { ShapeError, ValueError, formatShape } from "../tensor/errors.js";
import { sameShape } from "../tensor/shape.js";
import type { Tensor } from "../tensor/tensor.js";
import { dropout } from "../ops/changing.js";
import { zeros } from "../ops/creation.js";
import { cat, stack } from "../ops/joining.js";
import { linear } from "../ops/matmul.js";
import { gru, lstm, registerWeights, rnn, stateOf, statesOf, weightsOf, type Kind, type Nonlinearity, type State } from "./cells.js";
import { factory, place, readArguments, repr, requirePositive, type Factory } from "./layer.js";
import type { FactoryOptions } from "./layers.js";
import { Module } from "./module.js";

export interface RecurrentOptions extends FactoryOptions {
  /** Layers, each on the outputs of the one before. Default 1. */
  numLayers?: number;
  bias?: boolean;
  /** [B,L,..] instead of [L,B,..]. Default false. */
  batchFirst?: boolean;
  /** Of the outputs of all layers but the last, while training. Default 0. */
  dropout?: number;
  /** Also from the end to the start, with weights of its own; the outputs of both stand side by side. Default false. */
  bidirectional?: boolean;
}
export interface RNNOptions extends RecurrentOptions {
  /** Default "tanh". */
  nonlinearity?: Nonlinearity;
}

const layered = "bias: bool = true, batchFirst: bool = false, dropout: float = 0, bidirectional: bool = false";
type Values = readonly [number, number, number, boolean, boolean, number, boolean, ...Factory];

/** What RNN, LSTM and GRU have in common. */
abstract class Recurrent extends Module {
  readonly inputSize: number;
  readonly hiddenSize: number;
  readonly numLayers: number;
  readonly bias: boolean;
  readonly batchFirst: boolean;
  readonly dropout: number;
  readonly bidirectional: boolean;
  declare protected readonly kind: Kind;

  constructor(kind: Kind, values: Values) {
    super();
    const [inputSize, hiddenSize, numLayers, bias, batchFirst, p, bidirectional, device, dtype] = values;
    const op = this.constructor.name;
    requirePositive(op, { inputSize, hiddenSize, numLayers });
    if (!(p >= 0 && p <= 1)) throw new ValueError({ op, argument: "dropout", expected: "in [0, 1]", got: String(p) });
    [this.inputSize, this.hiddenSize, this.numLayers, this.bias] = [inputSize, hiddenSize, numLayers, bias];
    [this.batchFirst, this.dropout, this.bidirectional] = [batchFirst, p, bidirectional];
    Object.defineProperty(this, "kind", { value: kind });
    for (let layer = 0; layer < numLayers; layer++) {
      const inputs = layer === 0 ? inputSize : hiddenSize * this.directions.length;
      for (const direction of this.directions)
        registerWeights(this, `_l${layer}${direction}`, kind.gates, [inputs, hiddenSize], bias, place(device, dtype));
    }
  }

  private get directions(): readonly string[] {
    return this.bidirectional ? ["", "_reverse"] : [""];
  }

  /** Runs all layers; the states of all of them are [directions * numLayers, B, H]. */
  protected run(input: Tensor, given: State | null): { output: Tensor; states: Tensor[] } {
    const batched = input.shape.length === 3;
    if ((!batched && input.shape.length !== 2) || input.shape.at(-1) !== this.inputSize) {
      const expected = `of shape ${this.batchFirst ? "[B, L, I]" : "[L, B, I]"} or [L, I] with I = ${this.inputSize}`;
      throw new ShapeError({ op: this.constructor.name, argument: "input", expected, got: formatShape(input.shape) });
    }
    if (input.shape[batched && this.batchFirst ? 1 : 0] === 0)
      throw new ShapeError({ op: this.constructor.name, argument: "input", expected: "at least one step", got: formatShape(input.shape) });
    let x = batched ? (this.batchFirst ? input.transpose(0, 1) : input) : input.unsqueeze(1);
    const shape = [this.numLayers * this.directions.length, x.shape[1]!, this.hiddenSize];
    const first = given?.map((state) => this.stateFor(state, shape, batched)) ?? this.zeros(shape, input);
    const last: State[] = [];
    for (let layer = 0; layer < this.numLayers; layer++) {
      if (layer > 0 && this.dropout > 0) x = dropout(x, this.dropout, this.training);
      const outputs = this.directions.map((direction) => {
        const start = first.map((state) => state.select(0, last.length));
        const { output, state } = this.walk(x, `_l${layer}${direction}`, start, direction !== "");
        last.push(state);
        return output;
      });
      x = outputs.length === 1 ? outputs[0]! : cat(outputs, 2);
    }
    const states = Array.from({ length: this.kind.states }, (_, i) => stack(last.map((state) => state[i]!)));
    if (!batched) return { output: x.squeeze(1), states: states.map((state) => state.squeeze(1)) };
    return { output: this.batchFirst ? x.transpose(0, 1) : x, states };
  }

  /** One layer in one direction: [L, B, ..] -> [L, B, H] and the last state. */
  private walk(x: Tensor, suffix: string, start: State, backwards: boolean): { output: Tensor; state: State } {
    const { ih, hh, biasIh, biasHh } = weightsOf(this, suffix);
    const steps = linear(x, ih, biasIh).unbind(0);
    if (backwards) steps.reverse();
    let state = start;
    const outputs = steps.map((step) => (state = this.kind.step(step, linear(state[0]!, hh, biasHh), state))[0]!);
    if (backwards) outputs.reverse();
    return { output: stack(outputs), state };
  }

  private stateFor(state: Tensor, shape: readonly number[], batched: boolean): Tensor {
    const full = batched ? state : state.unsqueeze(1);
    if (sameShape(full.shape, shape)) return full;
    const expected = `of shape ${formatShape(batched ? shape : [shape[0]!, shape[2]!])}`;
    throw new ShapeError({ op: this.constructor.name, argument: "hx", expected, got: formatShape(state.shape) });
  }

  private zeros(shape: readonly number[], input: Tensor): Tensor[] {
    return Array.from({ length: this.kind.states }, () => zeros(shape, { dtype: input.dtype, device: input.device }));
  }

  override extraRepr(): string {
    const parts = [`${this.inputSize}, ${this.hiddenSize}`];
    if (this.numLayers !== 1) parts.push(`num_layers=${this.numLayers}`);
    if (!this.bias) parts.push("bias=False");
    if (this.batchFirst) parts.push("batch_first=True");
    if (this.dropout !== 0) parts.push(`dropout=${repr(this.dropout)}`);
    if (this.bidirectional) parts.push("bidirectional=True");
    return parts.join(", ");
  }
}

type Setting = number | boolean | RecurrentOptions;

/**
 * h = tanh(W_ih x + b_ih + W_hh h + b_hh) for each step of a sequence (Elman).
 * @example const [output, h] = new nn.RNN(10, 20, { batchFirst: true }).forward(x) // [B, L, 10] -> [B, L, 20], [1, B, 20]
 */
export class RNN extends Recurrent {
  readonly nonlinearity: Nonlinearity;

  constructor(inputSize: number, hiddenSize: number, ...rest: (number | boolean | Nonlinearity | RNNOptions)[]) {
    type Given = [number, number, number, Nonlinearity, boolean, boolean, number, boolean, ...Factory];
    const signature = `inputSize: int, hiddenSize: int, numLayers: int = 1, nonlinearity: tanh|relu = tanh, ${layered}, ${factory}`;
    const [inputs, hidden, layers, nonlinearity, ...others] = readArguments<Given>("RNN", signature, [inputSize, hiddenSize, ...rest]);
    super(rnn(nonlinearity), [inputs, hidden, layers, ...others]);
    this.nonlinearity = nonlinearity;
  }

  /** @param input [L, B, I], with batchFirst [B, L, I], without a batch [L, I] @param hx [directions * numLayers, B, H]; default zeros */
  forward(input: Tensor, hx: Tensor | null = null): [output: Tensor, h: Tensor] {
    const { output, states } = this.run(...stateOf(this, input, hx));
    return [output, states[0]!];
  }
}

const signature = `inputSize: int, hiddenSize: int, numLayers: int = 1, ${layered}, ${factory}`;

/**
 * Long short-term memory (Hochreiter and Schmidhuber, 1997), gates in torch's order: input, forget, candidate, output.
 * @example const [output, [h, c]] = new nn.LSTM(10, 20, { batchFirst: true }).forward(x) // [B, L, 10] -> [B, L, 20], two of [1, B, 20]
 */
export class LSTM extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, ...rest: Setting[]) {
    super(lstm, readArguments<[...Values]>("LSTM", signature, [inputSize, hiddenSize, ...rest]));
  }

  /** @param input [L, B, I], with batchFirst [B, L, I], without a batch [L, I] @param hx two of [directions * numLayers, B, H]; default zeros */
  forward(input: Tensor, hx: readonly [h: Tensor, c: Tensor] | null = null): [output: Tensor, state: [h: Tensor, c: Tensor]] {
    const { output, states } = this.run(...statesOf(this, input, hx));
    return [output, states as [Tensor, Tensor]];
  }
}

/**
 * Gated recurrent units (Cho et al., 2014), gates in torch's order: reset, update, candidate.
 * @example const [output, h] = new nn.GRU(10, 20, { batchFirst: true }).forward(x) // [B, L, 10] -> [B, L, 20], [1, B, 20]
 */
export class GRU extends Recurrent {
  constructor(inputSize: number, hiddenSize: number, ...rest: Setting[]) {
    super(gru, readArguments<[...Values]>("GRU", signature, [inputSize, hiddenSize, ...rest]));
  }

  /** @param input [L, B, I], with batchFirst [B, L, I], without a batch [L, I] @param hx [directions * numLayers, B, H]; default zeros */
  forward(input: Tensor, hx: Tensor | null = null): [output: Tensor, h: Tensor] {
    const { output, states } = this.run(...stateOf(this, input, hx));
    return [output, states[0]!];
  }
}
