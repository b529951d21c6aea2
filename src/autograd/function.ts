/** Custom ops with a gradient of their own: subclass Function, call `apply`. */
import { Batched, batching } from "../tensor/batched.js";
import { AutogradError, ShapeError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { isDifferentiable } from "../tensor/dtype.js";
import type { Shape } from "../tensor/shape.js";
import { Tensor, metaOf } from "../tensor/tensor.js";
import { ops } from "./engine.js";
import { isGradEnabled, withRecording } from "./mode.js";
import { Node, edgeOf, markChanged, rewriteHistory } from "./node.js";
import { save } from "./saved.js";

/** What `forward` and `backward` share. */
export class FunctionContext {
  /** For each input, whether `backward` must give its gradient. */
  needsInputGrad: readonly boolean[] = [];
  /** @internal */ kept: readonly Tensor[] = [];
  /** @internal */ dirty: readonly Tensor[] = [];
  /** @internal */ fixed: readonly Tensor[] = [];
  /** @internal */ materialize = true;
  /** @internal */ node: Node | null = null;
  [key: string]: unknown;

  /** Keeps tensors for `backward`: inputs and outputs; they are checked against in-place changes. */
  saveForBackward(...tensors: Tensor[]): void {
    for (const t of tensors) {
      if (!(t instanceof Tensor))
        throw new ValueError({ op: "saveForBackward", argument: "tensors", expected: "Tensors", got: describe(t), hint: "keep other values as fields of ctx" }); // prettier-ignore
    }
    this.kept = tensors;
  }

  /** The tensors that {@link saveForBackward} kept. */
  get savedTensors(): readonly Tensor[] {
    const { node } = this;
    if (node === null) return this.kept;
    if (node.rule === null) {
      throw new AutogradError({
        op: node.name,
        expected: "saved tensors that are still there",
        got: "ones freed by an earlier backward",
        hint: "pass { retainGraph: true }",
      });
    }
    return node.saved.map((_, i) => node.tensor(i));
  }

  /** Says that `forward` changed these inputs in place; it must return them. */
  markDirty(...tensors: Tensor[]): void {
    this.dirty = tensors;
  }

  /** Says that these outputs need no gradient. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    this.fixed = tensors;
  }

  /** Whether `backward` gets zeros (default) or null for outputs that have no gradient. */
  setMaterializeGrads(value: boolean): void {
    this.materialize = value;
  }
}

type Output = Tensor | readonly unknown[];

/** What is remembered of a tensor instead of the tensor. */
interface Like {
  readonly shape: Shape;
  readonly dt: number;
}

/**
 * The base of custom ops (torch.autograd.Function). With a static `setupContext(ctx, inputs, output)` the static `forward(...inputs)`
 * gets no context, as in torch.
 * @example
 * class Cube extends autograd.Function {
 *   static forward(ctx: FunctionContext, x: Tensor) { ctx.saveForBackward(x); return x.pow(3) }
 *   static backward(ctx: FunctionContext, g: Tensor) { const [x] = ctx.savedTensors; return g.mul(x.square()).mul(3) }
 * }
 * Cube.apply(x)
 */
export abstract class Function {
  // Subclasses declare both with parameters of their own.
  static forward(..._inputs: never[]): Output {
    throw new AutogradError({ op: this.name, expected: "a static forward(ctx, ...inputs)", got: "none" });
  }
  static backward(_ctx: FunctionContext, ..._grads: never[]): Tensor | null | readonly (Tensor | null | undefined)[] {
    throw new AutogradError({ op: this.name, expected: "a static backward(ctx, ...grads)", got: "none" });
  }
  static setupContext?: (ctx: FunctionContext, inputs: readonly never[], output: never) => void;

  /** Runs `forward` unrecorded and records the op with `backward` as its gradient. It may be kept: `const cube = Cube.apply`. */
  static get apply(): <R extends Output = Tensor>(...inputs: unknown[]) => R {
    return (...inputs) =>
      (batching === null ? this.run(inputs) : batching(`${this.name}.apply`, (...given) => this.run(given), inputs)) as never;
  }

  private static run(inputs: readonly unknown[]): Output {
    const ctx = new FunctionContext();
    const tensors = inputs.filter((input) => input instanceof Tensor);
    const needed = isGradEnabled() && tensors.some((t) => t.requiresGrad);
    ctx.needsInputGrad = inputs.map((input) => needed && input instanceof Tensor && input.requiresGrad);
    const result = withRecording(false, () => this.compute(ctx, inputs));
    if (!Array.isArray(result) && !(result instanceof Tensor)) {
      throw new ValueError({ op: this.name, argument: "forward", expected: "to return a Tensor or a list of them", got: describe(result) });
    }
    for (const t of ctx.dirty) this.requireChangeable(t, inputs, result, needed);
    for (const t of ctx.dirty) markChanged(t, this.name);
    return needed ? this.attach(ctx, inputs, result) : result;
  }

  private static compute(ctx: FunctionContext, inputs: readonly unknown[]): Output {
    const setup = this.setupContext;
    if (setup === undefined) return this.forward(ctx as never, ...(inputs as never[]));
    const output = this.forward(...(inputs as never[]));
    setup.call(this, ctx, inputs as never[], output as never);
    return output;
  }

  private static requireChangeable(t: Tensor, inputs: readonly unknown[], result: Output, needed: boolean): void {
    const problem = !inputs.includes(t)
      ? "a tensor that is not an input"
      : result !== t && !(Array.isArray(result) && result.includes(t))
        ? "an input that forward did not return"
        : needed && t.isLeaf && t.requiresGrad
          ? "a leaf that requires grad"
          : needed && t.ag?.view != null
            ? "a view, whose base would not know"
            : null;
    if (problem !== null) {
      throw new AutogradError({
        op: `${this.name}.markDirty`,
        expected: "inputs that forward changed and returned",
        got: problem,
        hint: "clone() it before",
      });
    }
  }

  /** Makes the outputs results of a node. */
  private static attach(ctx: FunctionContext, inputs: readonly unknown[], result: Output): Output {
    const tensors = inputs.filter((input) => input instanceof Tensor);
    // The graph is that of whole tensors: inside vmap the op runs once for each example.
    for (const t of tensors) if (t instanceof Batched) throw t.gone(this.name);
    const outputs: readonly unknown[] = result instanceof Tensor ? [result] : result;
    // An input returned as it came becomes another tensor, so that it can have a history of its own.
    const made = outputs.map((output) =>
      output instanceof Tensor && inputs.includes(output) && !ctx.dirty.includes(output) ? output.detach() : output,
    );
    const likes = made.map((output): Like | null => (output instanceof Tensor ? { shape: output.shape, dt: output.dt } : null));
    const targets = inputs.map((input): Like | null => (input instanceof Tensor ? { shape: input.shape, dt: input.dt } : null));
    const node: Node = new Node(
      `${this.name}Backward`,
      tensors.map((t) => edgeOf(t)),
      outputs.length,
      (grads) => this.gradients(ctx, targets, likes, grads),
      [],
    );
    const kept = made.filter((output) => output instanceof Tensor);
    // Saved outputs are those that the caller gets, so that their gradient leads back here.
    node.saved = ctx.kept.map((t) => save(outputs.includes(t) ? (made[outputs.indexOf(t)] as Tensor) : t, kept));
    ctx.kept = [];
    ctx.node = node;
    made.forEach((output, i) => {
      if (!(output instanceof Tensor) || ctx.fixed.includes(outputs[i] as Tensor) || !isDifferentiable(output.dt)) return;
      if (ctx.dirty.includes(output)) rewriteHistory(output, { node, output: i });
      else Object.assign(metaOf(output), { gradFn: node, output: i, view: null });
    });
    return result instanceof Tensor ? (made[0] as Tensor) : made;
  }

  private static gradients(
    ctx: FunctionContext,
    inputs: readonly (Like | null)[],
    outputs: readonly (Like | null)[],
    grads: readonly (Tensor | null)[],
  ): (Tensor | null)[] {
    const given = grads.map((grad, i) =>
      grad === null && ctx.materialize && outputs[i] ? ops.zeros(outputs[i].shape, outputs[i].dt) : grad,
    );
    const answer = this.backward(ctx, ...(given as never[]));
    const list: readonly (Tensor | null | undefined)[] = Array.isArray(answer) ? answer : [answer as Tensor | null];
    const tensors = inputs.filter((input) => input !== null);
    // One gradient an input, or, shorter, one a tensor. Nulls at the end are welcome, as in torch.
    const extra = list.slice(inputs.length);
    const perInput = list.length >= inputs.length && extra.every((grad) => grad == null);
    if (!perInput && list.length !== tensors.length) {
      throw new AutogradError({
        op: `${this.name}.backward`,
        expected: `one gradient for each of ${inputs.length} inputs`,
        got: String(list.length),
      });
    }
    const picked = perInput ? list.filter((_, i) => inputs[i] != null) : list;
    return picked.map((grad, i) => this.fit(grad ?? null, tensors[i]!, i));
  }

  /** A gradient in its input's shape and dtype: what was broadcast is summed. */
  private static fit(grad: Tensor | null, { shape, dt }: Like, i: number): Tensor | null {
    if (grad === null) return null;
    if (!(grad instanceof Tensor)) {
      throw new ValueError({ op: `${this.name}.backward`, expected: "to return Tensors and nulls", got: describe(grad) });
    }
    const extra = grad.shape.length - shape.length;
    const fits = extra >= 0 && shape.every((size, d) => size === 1 || size === grad.shape[d + extra]);
    if (!fits) {
      throw new ShapeError({
        op: `${this.name}.backward`,
        expected: `a gradient of shape ${formatShape(shape)} for input ${i}`,
        got: formatShape(grad.shape),
      });
    }
    const summed = extra === 0 && shape.every((size, d) => size === grad.shape[d]) ? grad : ops.sumTo(grad, shape);
    return summed.dt === dt || !isDifferentiable(dt) ? summed : ops.cast(summed, dt);
  }
}
