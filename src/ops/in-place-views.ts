/** Views that a tensor becomes itself: squeeze_, unsqueeze_, t_, transpose_ ..., which change its shape and keep its storage. */
import { isGradEnabled } from "../autograd/mode.js";
import { edgeOf, markChanged, rewriteHistory } from "../autograd/node.js";
import { native } from "../runtime/addon.js";
import { release } from "../runtime/memory.js";
import { AutogradError, formatShape } from "../tensor/errors.js";
import * as launch from "../tensor/launch.js";
import type { Shape } from "../tensor/shape.js";
import { metaOf, type Tensor } from "../tensor/tensor.js";
import { trace } from "../tensor/trace.js";
import { swapaxes, swapdims, t, transpose } from "./arrange.js";
import { requireTensor } from "./define.js";
import { inPlaceForms } from "./pointwise.js";
import { asStrided } from "./strided.js";
import { squeeze, unsqueeze, writeSizes } from "./views.js";

type View = (input: Tensor, ...rest: never[]) => Tensor;

/**
 * Gives `target` the sizes, the strides and the history of a view of it. The handle is another one afterwards: a recording cannot follow.
 * Differs: views that were made before keep their values, but not their way back to `target` when it is changed later.
 */
export function become(name: string, target: Tensor, make: (input: Tensor) => Tensor): Tensor {
  target.live(name);
  const base = target.ag?.view?.base ?? target;
  if (isGradEnabled() && base.isLeaf && base.requiresGrad) {
    const hint = "work on a view of it instead";
    throw new AutogradError({ op: name, expected: "a tensor that is not a leaf requiring grad", got: formatShape(target.shape), hint });
  }
  trace?.refuse(`${name} gives a tensor another shape`);
  const view = make(target);
  const before = target.handle;
  const strides = view.stride();
  writeSizes([...view.shape, ...strides, view.storageOffset()]);
  launch.finish(name, target, native.asStrided(view.handle, view.shape.length, target), target);
  release(target, before);
  (target as { shape: Shape }).shape = view.shape;
  if (target.ag?.view != null) metaOf(target).view = view.ag!.view;
  if (target.requiresGrad) rewriteHistory(target, edgeOf(view));
  markChanged(target, name);
  return target;
}

function register(name: string, view: View): void {
  const make = view as (input: Tensor, ...rest: unknown[]) => Tensor;
  inPlaceForms.set(`${name}_`, (target: Tensor, ...rest: unknown[]) => {
    requireTensor(`${name}_`, "input", target);
    return become(`${name}_`, target, (input) => make(input, ...rest));
  });
}

const views = { squeeze, unsqueeze, t, transpose, swapaxes, swapdims, asStrided };
for (const [name, view] of Object.entries(views)) register(name, view as View);

/** The names of the forms: `squeeze` has `squeeze_`. */
export type ViewNames = keyof typeof views;
