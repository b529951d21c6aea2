/** Tensors kept for the backward pass: checked against in-place changes, or handed to the hooks that asked for them. */
import { AutogradError, DisposedError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { markSaved, unmarkSaved } from "../tensor/saved-marks.js";
import { Tensor, metaOf, tagOf, type AutogradMeta, type StorageTag } from "../tensor/tensor.js";
import { savedTensorHooks, withHooks, withRecording, type SavedTensorHooks } from "./mode.js";
import type { Node } from "./node.js";
import { callerOf } from "./place.js";

/** A tensor as a node keeps it. */
export interface Saved {
  /** The tensor again; throws when it was changed since. */
  unpack(node: Node): Tensor;
  /** The tensor as it was saved, to look at; null when it is not there any more, or only hooks could make it. */
  peek(): Tensor | null;
  /** The gradient of the node is computed: what unpacking made may go. */
  forget(): void;
  /** The node lets go of it. */
  drop(): void;
}

/** Saves `value` for `node` through the hooks of the moment. */
export function save(value: Tensor, outputs: readonly (Tensor | null)[] = []): Saved {
  const hooks = savedTensorHooks();
  return hooks === null ? new Kept(value) : new Packed(value, hooks, outputs.indexOf(value));
}

class Kept implements Saved {
  private readonly value: Tensor;
  private readonly tag: StorageTag;
  private readonly version: number;

  constructor(value: Tensor) {
    this.value = value;
    this.tag = tagOf(value);
    this.tag.saved = true;
    this.version = this.tag.version;
    markSaved(value.handle);
  }

  unpack(node: Node): Tensor {
    if (this.tag.version !== this.version) throw changed(node, this.value, this.version, this.tag);
    if (this.value.disposed) throw gone(node, this.value);
    return this.value;
  }

  peek(): Tensor | null {
    return this.tag.version === this.version && !this.value.disposed ? this.value : null;
  }

  forget(): void {}

  drop(): void {
    unmarkSaved(this.value.handle);
  }
}

/** What hooks made of a tensor, and the history to give the tensor that they make of it again. */
class Packed implements Saved {
  private readonly packed: unknown;
  private readonly hooks: SavedTensorHooks;
  private readonly history: Pick<AutogradMeta, "requiresGrad" | "gradFn" | "output" | "leaf"> | null;
  /** Which output of its own node the tensor is, or -1. */
  private readonly own: number;
  /** What unpacking made, for the time that the node's rule runs: a rule may ask twice. */
  private made: Tensor | null = null;

  constructor(value: Tensor, hooks: SavedTensorHooks, own: number) {
    this.hooks = hooks;
    this.own = own;
    const { ag } = value;
    this.history = ag === null ? null : { requiresGrad: ag.requiresGrad, gradFn: ag.gradFn, output: ag.output, leaf: ag.leaf };
    // Detached: what is packed must not keep the graph alive that it belongs to.
    this.packed = withHooks(null, () => withRecording(false, () => hooks.pack(value.detach())));
  }

  unpack(node: Node): Tensor {
    return (this.made ??= this.open(node));
  }

  peek(): null {
    return null;
  }

  forget(): void {
    this.made = null;
  }

  drop(): void {}

  private open(node: Node): Tensor {
    const made = withHooks(null, () => withRecording(false, () => this.hooks.unpack(this.packed)));
    if (!(made instanceof Tensor)) {
      throw new ValueError({ op: "savedTensorsHooks", argument: "unpack", expected: "to return a Tensor", got: describe(made) });
    }
    const value = made.detach();
    if (this.own >= 0) Object.assign(metaOf(value), { gradFn: node, output: this.own });
    else if (this.history !== null) Object.assign(metaOf(value), this.history);
    return value;
  }
}

function changed(node: Node, value: Tensor, version: number, tag: StorageTag): AutogradError {
  const { culprit } = tag;
  const where = culprit === null ? null : callerOf(culprit.place);
  const change =
    culprit === null
      ? ""
      : `: ${culprit.op} on shape ${formatShape(culprit.shape)} changed it in place${where === null ? "" : ` ${where}`}`;
  return new AutogradError({
    op: node.name,
    expected: `the ${value.dtype} tensor of shape ${formatShape(value.shape)} that it saved, at version ${version}`,
    got: `version ${tag.version}${change}`,
    hint: "use the out-of-place form, or clone() before changing",
  });
}

function gone(node: Node, value: Tensor): DisposedError {
  return new DisposedError({
    op: node.name,
    expected: `the ${value.dtype} tensor of shape ${formatShape(value.shape)} that it saved`,
    got: "one that was disposed",
    hint: "dispose of it after backward()",
  });
}
