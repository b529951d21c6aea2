/** A recorded run that can be run again: plans, what they need each time, and what they hand out. */
import { grad } from "../autograd/backward.js";
import { runBackward } from "../autograd/engine.js";
import { isGradEnabled } from "../autograd/mode.js";
import { AccumulateGrad, Node, edgeOf, markAllChanged, type Edge } from "../autograd/node.js";
import { save } from "../autograd/saved.js";
import { io, native, words } from "../runtime/addon.js";
import { collect, collectAll } from "../runtime/memory.js";
import { Status, Word } from "../runtime/native.js";
import { Code } from "../tensor/dtype.js";
import { NotImplementedError } from "../tensor/errors.js";
import { zerosLike } from "../ops/creation.js";
import * as launch from "../tensor/launch.js";
import type { Shape } from "../tensor/shape.js";
import { Tensor, metaOf, tagOf } from "../tensor/tensor.js";
import { Recording } from "./recording.js";
import type { RecordedRun } from "./report.js";
import { fill, madeOf, matches, templateOf, type Pattern, type Template } from "./structure.js";

/** A tensor that a plan makes. */
interface Made {
  readonly shape: Shape;
  readonly dt: number;
}

/** A tensor that is the same in every run, or an argument of each. */
type Place = { readonly tensor: Tensor } | { readonly argument: number };

/** The backward pass of what the plan computes, for results whose gradient may be asked for. */
interface Backward {
  readonly plan: number;
  /** Which results get gradients. */
  readonly results: readonly number[];
  /** Whose gradients the plan makes, in order. */
  readonly inputs: readonly Place[];
  readonly made: readonly Made[];
  /** Bytes of what the first plan saves for it. */
  readonly saved: readonly number[];
}

/** How a run leaves the `.grad` of a leaf. */
interface GradEffect {
  readonly leaf: Place;
  readonly value: { readonly made: number } | { readonly tensor: Tensor | null };
}

export class Replay {
  private constructor(
    private readonly name: string,
    private readonly pattern: Pattern,
    private readonly gradMode: boolean,
    private readonly plan: number,
    private readonly made: readonly Made[],
    private readonly template: Template,
    private readonly backward: Backward | null,
    private readonly effects: readonly GradEffect[],
    private readonly changes: readonly { readonly op: string; readonly places: readonly Place[] }[],
    private readonly numbers: readonly (() => readonly number[])[],
    private readonly guards: readonly (() => boolean)[],
    /** Arguments whose `.grad` was null when it was looked at. */
    private readonly withoutGrad: readonly number[],
    /** The function as it is written. */
    private readonly fn: (...args: unknown[]) => unknown,
  ) {}

  /** Makes the replay of a run that has just ended with `result`; a text says why there is none. */
  static of(
    name: string,
    pattern: Pattern,
    given: readonly Tensor[],
    recording: Recording,
    result: unknown,
    madeInRun: ReadonlySet<Tensor>,
    fn: (...args: unknown[]) => unknown,
  ): Replay | string {
    const made: Tensor[] = [];
    const indexOf = (t: Tensor): number => (made.includes(t) ? made.indexOf(t) : made.push(t) - 1);
    const placeOf = (t: Tensor): Place => (given.includes(t) ? { argument: given.indexOf(t) } : { tensor: t });
    const template = templateOf(result, (t) => {
      if (madeInRun.has(t)) return { kind: "made", index: indexOf(t) };
      return given.includes(t) ? { kind: "argument", index: given.indexOf(t) } : { kind: "value", value: t };
    });
    const effects: GradEffect[] = [];
    const withoutGrad: number[] = [];
    const guards = [...recording.guards];
    for (const [leaf, { before, read }] of recording.grads) {
      if (madeInRun.has(leaf)) continue;
      const after = leaf.ag?.grad ?? null;
      const place = placeOf(leaf);
      if (read && "argument" in place) {
        if (before !== null) return "it reads the .grad of an argument";
        withoutGrad.push(place.argument);
      } else if (read) {
        guards.push(() => (leaf.ag?.grad ?? null) === before);
      }
      if (after === before && read) continue;
      effects.push({ leaf: place, value: after !== null && madeInRun.has(after) ? { made: indexOf(after) } : { tensor: after } });
    }
    if (made.some((t) => t.isLeaf && t.requiresGrad)) return "it makes a tensor that requires grad by itself";

    const roots = made.filter((t) => t.ag?.gradFn != null && (t.ag.gradFn as Node).rule !== null);
    if (roots.some((t) => t.numel() === 0)) return "it returns an empty tensor that requires grad";
    const pass = roots.length === 0 ? null : recordBackward(roots, given, recording);
    if (typeof pass === "string") return pass;
    if (recording.refusal !== null) return recording.refusal;

    const handles = [...made, ...(pass?.incoming ?? []), ...(pass?.outgoing ?? [])];
    if (handles.some((t) => t.disposed)) return "it disposes of a tensor that it returns";
    handles.forEach((t, i) => (io[i] = t.handle));
    const plan = recording.end(made.length, pass?.incoming.length ?? 0, pass?.outgoing.length ?? 0);
    if (plan < 0) return "its launches cannot be repeated";
    const saved = Array.from(io.subarray(2, 2 + io[1]!));
    const backward = pass && {
      plan: io[0]!,
      results: roots.map((t) => made.indexOf(t)),
      inputs: pass.inputs.map(placeOf),
      made: pass.outgoing.map(({ shape, dt }) => ({ shape, dt })),
      saved,
    };
    const changes = new Map<string, Place[]>();
    for (const { tensor, op } of recording.changes) {
      if (madeInRun.has(tensor)) continue;
      if (!changes.has(op)) changes.set(op, []);
      changes.get(op)!.push(placeOf(tensor));
    }
    return new Replay(
      name,
      pattern,
      isGradEnabled(),
      plan,
      made.map(({ shape, dt }) => ({ shape, dt })),
      template,
      backward,
      effects,
      Array.from(changes, ([op, places]) => ({ op, places })),
      recording.numbers,
      guards,
      withoutGrad,
      fn,
    );
  }

  /** The tensors of `args` when this replay is for them, else null. */
  accepts(args: readonly unknown[]): readonly Tensor[] | null {
    const given: Tensor[] = [];
    if (!matches(this.pattern, args, given) || isGradEnabled() !== this.gradMode) return null;
    for (const holds of this.guards) if (!holds()) return null;
    for (const i of this.withoutGrad) if (given[i]!.ag?.grad != null) return null;
    for (let i = 0; i < given.length; i++) io[i] = given[i]!.live(this.name);
    return native.planFits(this.plan, given.length) === 1 ? given : null;
  }

  /** @param given what {@link accepts} found in `args` */
  run(given: readonly Tensor[], args: readonly unknown[]): unknown {
    const numbers = this.numbers.flatMap((next) => next());
    const made = this.made.map(({ shape, dt }) => new Tensor(shape, dt, 0));
    const saved = this.backward === null ? [] : this.backward.saved.map((bytes) => new Tensor([bytes], Code.uint8, 0));
    runPlan(this.name, this.plan, given, numbers, [...made, ...saved]);
    for (const { places, op } of this.changes) markAllChanged(places.map((place) => at(place, given)), op); // prettier-ignore
    if (this.backward !== null) this.record(this.backward, given, made, saved, args);
    for (const { leaf, value } of this.effects) metaOf(at(leaf, given)).grad = "made" in value ? made[value.made]! : value.tensor;
    return fill(this.template, made, given);
  }

  /** A line a launch. */
  launches(): RecordedRun {
    return { forward: native.planText(this.plan), backward: this.backward && native.planText(this.backward.plan) };
  }

  release(): void {
    native.planRelease(this.plan);
    if (this.backward !== null) native.planRelease(this.backward.plan);
  }

  /** Ties the results to the inputs: their gradient is the second plan. */
  private record(
    backward: Backward,
    given: readonly Tensor[],
    made: readonly Tensor[],
    saved: readonly Tensor[],
    args: readonly unknown[],
  ): void {
    const { name } = this;
    const inputs = backward.inputs.map((place) => at(place, given));
    const versions = given.map((t) => tagOf(t).version);
    const rule = (grads: readonly (Tensor | null)[], node: Node): (Tensor | null)[] => {
      inputs.forEach((_, i) => node.tensor(i)); // none may have changed since
      if (isGradEnabled()) {
        const changed = given.some((t, i) => tagOf(t).version !== versions[i]);
        return this.recordedGradients(backward, inputs, grads, args, changed ? "of arguments that were changed in place since" : null);
      }
      const incoming = backward.results.map((index, i) => grads[i]?.contiguous() ?? zerosLike(made[index]!));
      const found = backward.made.map(({ shape, dt }) => new Tensor(shape, dt, 0));
      runPlan(`${name} backward`, backward.plan, [...given, ...saved, ...incoming], [], found);
      return found;
    };
    const edges: (Edge | null)[] = inputs.map(edgeOf);
    const node = new Node(
      "CompiledBackward",
      edges,
      backward.results.length,
      rule,
      inputs.map((t) => save(t)),
    );
    backward.results.forEach((index, output) => {
      const meta = metaOf(made[index]!);
      meta.gradFn = node;
      meta.output = output;
    });
  }

  /** Gradients that can be differentiated again: the function is run as it is written, and its graph followed. */
  private recordedGradients(
    { results }: Backward,
    inputs: readonly Tensor[],
    grads: readonly (Tensor | null)[],
    args: readonly unknown[],
    changed: string | null,
  ): (Tensor | null)[] {
    const why =
      changed ??
      (this.numbers.length > 0 ? "of one that draws random numbers or steps an optimizer" : null) ??
      (this.changes.length > 0 ? "of one that changes tensors in place" : null) ??
      (this.effects.length > 0 ? "of one that sets gradients" : null);
    if (why !== null) {
      throw new NotImplementedError({
        op: this.name,
        expected: "second derivatives of a compiled function that can be run again",
        got: `createGraph ${why}`,
        hint: "call the function itself, not its compiled form",
      });
    }
    const outputs = madeOf(this.template, this.fn(...args));
    const live = results.map((_, i) => i).filter((i) => grads[i] !== null);
    return grad(
      live.map((i) => outputs[results[i]!]!),
      inputs,
      { gradOutputs: live.map((i) => grads[i]!), createGraph: true, allowUnused: true },
    );
  }
}

const at = (place: Place, given: readonly Tensor[]): Tensor => ("tensor" in place ? place.tensor : given[place.argument]!);

/** Runs a plan into `made`, once more after a full collection when memory ran out. */
function runPlan(op: string, plan: number, given: readonly Tensor[], numbers: readonly number[], made: readonly Tensor[]): void {
  const start = (): number => {
    let n = 0;
    for (const t of given) io[n++] = t.live(op);
    for (const value of numbers) io[n++] = value;
    return native.planRun(plan, given.length, numbers.length, made);
  };
  let status = start();
  if (status === Status.outOfMemory) {
    collectAll();
    status = start();
  }
  if (status < 0) throw launch.failure(op, status, given);
  const handles = made.map((_, i) => io[i]!);
  made.forEach((t, i) => launch.settle(t, handles[i]!));
  if (words[Word.collect] !== 0) collect();
}

/** Runs and records the backward pass of `roots`, for gradients that later runs bring. */
function recordBackward(
  roots: readonly Tensor[],
  given: readonly Tensor[],
  recording: Recording,
): { inputs: readonly Tensor[]; incoming: readonly Tensor[]; outgoing: readonly Tensor[] } | string {
  const inputs = differentiableInputs(roots, given, recording.firstNode);
  if (inputs === null) return "it uses a tensor whose graph was made before the call";
  const before = recording.numbers.length;
  native.traceSplit();
  const incoming = roots.map(({ shape, dt }) => launch.empty("compile", shape, dt, 0));
  const start = roots.map((t, i) => ({ edge: edgeOf(t)!, grad: incoming[i]! }));
  const outgoing = runBackward(start, { retainGraph: true, createGraph: false }, inputs, false);
  if (recording.numbers.length !== before) return "its backward pass draws random numbers";
  if (outgoing.some((t) => t === null)) return "a gradient of it is not defined";
  return { inputs, incoming, outgoing: outgoing as Tensor[] };
}

/** The arguments and leaves that the gradients of `roots` lead to; null when they lead to another graph. */
function differentiableInputs(roots: readonly Tensor[], given: readonly Tensor[], firstNode: number): Tensor[] | null {
  const ends = new Map<Node, Tensor>();
  for (const t of given) if (t.requiresGrad && t.ag!.gradFn !== null) ends.set(t.ag!.gradFn as Node, t);
  const found = new Set<Tensor>();
  const seen = new Set<Node>();
  const stack = roots.map((t) => edgeOf(t)!.node);
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const end = ends.get(node);
    if (node instanceof AccumulateGrad) found.add(node.leaf);
    else if (end !== undefined) found.add(end);
    else if (node.sequence < firstNode) return null;
    else for (const edge of node.edges) if (edge) stack.push(edge.node);
  }
  return [...found];
}
