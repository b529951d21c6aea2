/** Custom ops with a gradient of their own: subclass Function, call `apply`. */
import { AutogradError, ValueError, describe } from "../tensor/errors.js";
import { Tensor, metaOf } from "../tensor/tensor.js";
import { isGradEnabled, withRecording } from "./mode.js";
import { Node, Saved, edgeOf, markChanged } from "./node.js";

/** What `forward` and `backward` share. */
export class FunctionContext {
  /** True for each input that requires grad, in `backward`. */
  needsInputGrad: readonly boolean[] = [];
  /** @internal */ kept: readonly Tensor[] = [];
  /** @internal */ dirty: readonly Tensor[] = [];
  /** @internal */ fixed: readonly Tensor[] = [];
  /** @internal */ node: Node | null = null;
  [key: string]: unknown;

  /** Keeps tensors for `backward`; they are checked against in-place changes. */
  saveForBackward(...tensors: Tensor[]): void {
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

  /** Says that `forward` changed these inputs in place. */
  markDirty(...tensors: Tensor[]): void {
    this.dirty = tensors;
  }

  /** Says that these outputs need no gradient. */
  markNonDifferentiable(...tensors: Tensor[]): void {
    this.fixed = tensors;
  }
}

type Output = Tensor | readonly Tensor[];

/**
 * The base of custom ops (torch.autograd.Function).
 * @example
 * class Cube extends autograd.Function {
 *   static forward(ctx: FunctionContext, x: Tensor) { ctx.saveForBackward(x); return x.pow(3) }
 *   static backward(ctx: FunctionContext, g: Tensor) { const [x] = ctx.savedTensors; return g.mul(x.square()).mul(3) }
 * }
 * Cube.apply(x)
 */
export abstract class Function {
  // Subclasses declare both with parameters of their own.
  static forward(_ctx: FunctionContext, ..._inputs: never[]): Output {
    throw new AutogradError({ op: this.name, expected: "a static forward(ctx, ...inputs)", got: "none" });
  }
  static backward(_ctx: FunctionContext, ..._grads: never[]): Tensor | null | readonly (Tensor | null)[] {
    throw new AutogradError({ op: this.name, expected: "a static backward(ctx, ...grads)", got: "none" });
  }

  /** Runs `forward` unrecorded and records the op with `backward` as its gradient. */
  static apply<R extends Output = Tensor>(...inputs: unknown[]): R {
    const ctx = new FunctionContext();
    const tensors = inputs.filter((input) => input instanceof Tensor);
    const needed = isGradEnabled() && tensors.some((t) => t.requiresGrad);
    const result = withRecording(false, () => this.forward(ctx, ...(inputs as never[])));
    const outputs: readonly Tensor[] = result instanceof Tensor ? [result] : result;
    if (!Array.isArray(outputs) && !(result instanceof Tensor)) {
      throw new ValueError({ op: this.name, argument: "forward", expected: "to return a Tensor or a list of them", got: describe(result) });
    }
    for (const t of ctx.dirty) markChanged(t, this.name);
    if (!needed) return result as R;
    ctx.needsInputGrad = inputs.map((input) => input instanceof Tensor && input.requiresGrad);
    const node: Node = new Node(
      `${this.name}Backward`,
      tensors.map((t) => edgeOf(t)),
      outputs.length,
      (grads) => this.gradients(ctx, inputs, outputs, grads),
      ctx.kept.map((t) => new Saved(t)),
    );
    ctx.node = node;
    // An input returned as it came becomes another tensor, so that it can have a history of its own.
    const made = outputs.map((output, i) => {
      const own = inputs.includes(output) && !ctx.dirty.includes(output) ? output.detach() : output;
      if (!ctx.fixed.includes(output)) {
        const meta = metaOf(own);
        meta.gradFn = node;
        meta.output = i;
      }
      return own;
    });
    return (result instanceof Tensor ? made[0]! : made) as R;
  }

  private static gradients(
    ctx: FunctionContext,
    inputs: readonly unknown[],
    outputs: readonly Tensor[],
    grads: readonly (Tensor | null)[],
  ): (Tensor | null)[] {
    const given = grads.map((grad, i) => grad ?? outputs[i]!.detach().mul(0));
    const answer = this.backward(ctx, ...(given as never[]));
    const list: readonly (Tensor | null | undefined)[] = Array.isArray(answer) ? answer : [answer as Tensor | null];
    if (list.length !== inputs.length && list.length !== inputs.filter((input) => input instanceof Tensor).length) {
      throw new AutogradError({
        op: `${this.name}.backward`,
        expected: `one gradient for each of ${inputs.length} inputs`,
        got: String(list.length),
      });
    }
    const perInput = list.length === inputs.length ? list : null;
    const picked = perInput === null ? list : perInput.filter((_, i) => inputs[i] instanceof Tensor);
    return picked.map((grad) => grad ?? null);
  }
}
