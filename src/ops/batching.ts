/** How ops run inside vmap: by a rule on all examples at once, by what they are composed of, or once for each example. */
import { Node } from "../autograd/node.js";
import { CellgradError, NotImplementedError, ValueError, formatShape } from "../tensor/errors.js";
import {
  Batched,
  asRead,
  batching,
  below,
  frameOf,
  framesNow,
  isRead,
  mapTensors,
  setDispatch,
  valueIn,
  type Call,
  type Frame,
} from "../tensor/batched.js";
import { sameShape } from "../tensor/shape.js";
import { Tensor } from "../tensor/tensor.js";
import { Batch } from "./batch.js";
import { isPointwise, ruleOf, sharedTarget } from "./batching-rules.js";
import { registry } from "./define.js";
import { stack } from "./joining.js";
import { defaultGenerator, Generator } from "./random.js";

/** Ops that came to native work with a batched tensor: known to need a run for each example. */
const looped = new Set<string>();

function dispatch(name: string, plain: Call, args: unknown[]): unknown {
  // The op on what lies under a frame: the vmaps around it see it, too.
  const call: Call = (...under) => (batching === null ? plain(...under) : dispatch(name, plain, under));
  if (isRandom(name, args)) return draw(name, call, args, framesNow().at(-1)!);
  const frame = frameOf(args);
  if (frame === null) return plain(...args);
  if (!framesNow().includes(frame)) throw firstBatched(args).gone(name);
  if (name.endsWith("_") || name === "setAt") return change(name, call, args, frame);
  const rule = ruleOf(name);
  if (rule !== undefined) {
    const batch = Batch.of(frame, name, call, args);
    const shared = sharedTarget(name, batch);
    if (shared !== null) throw sharedChange(name, shared);
    const result = tried(() => below(frame, () => rule(batch)));
    return result === undefined ? loop(name, call, args, frame) : wrapped(result, frame);
  }
  if (!looped.has(name)) {
    try {
      return plain(...args); // its parts have rules
    } catch (error) {
      if (!isRead(error)) throw error;
      looped.add(name);
    }
  }
  return loop(name, call, args, frame);
}

setDispatch(dispatch);

/** The result of a rule; undefined when it refused, for the run on one example says better what is wrong. */
function tried(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    if (error instanceof CellgradError) return undefined;
    throw error;
  }
}

const wrapped = (result: unknown, frame: Frame): unknown => mapTensors(result, (t) => new Batched(t, frame));

/** The arguments of example `i`. */
const example = (args: readonly unknown[], frame: Frame, i: number): unknown[] =>
  mapTensors([...args], (t) => valueIn(frame, t)?.select(0, i) ?? t) as unknown[];

/** Runs the op once for each example, and stacks the results. */
function loop(name: string, call: Call, args: readonly unknown[], frame: Frame, before?: () => void): unknown {
  if (frame.size === 0) {
    throw new NotImplementedError({ op: name, expected: "at least one example inside vmap, as it runs once for each", got: "none" });
  }
  return below(frame, () => {
    const results = Array.from({ length: frame.size }, (_, i) => {
      before?.();
      return call(...example(args, frame, i));
    });
    return stacked(name, results, frame);
  });
}

function stacked(name: string, results: readonly unknown[], frame: Frame): unknown {
  const [first] = results;
  const leaves = results.map(tensorsIn);
  const like = leaves[0]!;
  if (like.length === 0 && results.some((result) => !Object.is(result, first))) {
    throw new ValueError({ op: name, expected: "a result that does not depend on values inside vmap", got: "one that differs by example" });
  }
  const odd = leaves.find((list) => list.length !== like.length || list.some((t, k) => !sameShape(t.shape, like[k]!.shape)));
  if (odd !== undefined) {
    const shapes = (list: readonly Tensor[]): string => list.map((t) => formatShape(t.shape)).join(", ");
    throw new ValueError({
      op: name,
      expected: "results of one shape for all examples inside vmap",
      got: `${shapes(like)} and ${shapes(odd)}`,
      hint: "the shape of its result depends on values",
    });
  }
  let k = 0;
  return mapTensors(first, () => {
    const at = k++;
    return new Batched(stack(leaves.map((list) => list[at]!)), frame);
  });
}

function tensorsIn(value: unknown): Tensor[] {
  const found: Tensor[] = [];
  mapTensors(value, (t) => found.push(t));
  return found;
}

const firstBatched = (args: unknown): Batched => tensorsIn(args).find((t) => t instanceof Batched)!;

// -- in place

const reshaping: readonly string[] = ["squeeze_", "unsqueeze_", "t_", "transpose_", "swapaxes_", "swapdims_", "asStrided_"];

/** Changes all examples of the first argument. */
function change(name: string, call: Call, args: readonly unknown[], frame: Frame): unknown {
  const [target, ...others] = args;
  if (valueIn(frame, target) === null) {
    throw asRead(sharedChange(name));
  }
  if (reshaping.includes(name)) {
    throw new NotImplementedError({ op: name, expected: "the out-of-place form inside vmap", got: "a change of shape in place" });
  }
  const batch = Batch.of(frame, name, call, args);
  const rank = (target as Tensor).shape.length;
  if (isPointwise(name.slice(0, -1)) && tensorsIn(others).every((t) => t.shape.length <= rank)) {
    below(frame, () => call(...(batch.aligned([...args], rank) as unknown[])));
  } else {
    below(frame, () => {
      for (let i = 0; i < frame.size; i++) call(...example(args, frame, i));
    });
  }
  return target;
}

const sharedChange = (op: string, argument?: string): ValueError =>
  new ValueError({
    op,
    ...(argument === undefined ? {} : { argument }),
    expected: "a batched tensor to change inside vmap",
    got: "one that all examples share",
    hint:
      argument === undefined
        ? "use the out-of-place form, or make the tensor inside with zerosLike() of a batched one"
        : "call eval(), leave running statistics out, or map over them, too",
  });

// -- random numbers

function isRandom(name: string, args: readonly unknown[]): boolean {
  const options = args.at(-1) as { training?: unknown; dropoutP?: unknown } | null | undefined;
  const training = args.find((a) => typeof a === "boolean") ?? options?.training;
  if (name === "dropout" || name === "dropout_") return training !== false;
  if (name === "rrelu" || name === "rrelu_") return training === true;
  if (name === "scaledDotProductAttention") return Number((typeof args[4] === "number" ? args[4] : options?.dropoutP) ?? 0) > 0;
  return registry.get(name)?.params.some((param) => param.name === "generator") === true;
}

/** Draws for the innermost vmap: as its randomness says. */
function draw(name: string, call: Call, args: unknown[], frame: Frame): unknown {
  if (frame.randomness === "error") {
    throw new ValueError({
      op: name,
      expected: `{ randomness: "different" } or { randomness: "same" } for a vmap whose function draws random numbers`,
      got: `"error"`,
    });
  }
  const batched = tensorsIn(args).some((t) => valueIn(frame, t) !== null);
  const inPlace = name.endsWith("_");
  if (inPlace && (batched || frame.randomness === "different") && valueIn(frame, args[0]) === null) return change(name, call, args, frame);
  if (frame.randomness === "same") {
    if (!batched) return below(frame, () => call(...args));
    const stream = generatorOf(args);
    const state = stream.getState();
    const restart = (): void => void stream.setState(state);
    if (!inPlace) return loop(name, call, args, frame, restart);
    below(frame, () => {
      for (let i = 0; i < frame.size; i++) {
        restart();
        call(...example(args, frame, i));
      }
    });
    return args[0];
  }
  if (inPlace && tensorsIn(args).length === 1) {
    below(frame, () => call(...(Batch.of(frame, name, call, args).aligned([...args], 0) as unknown[])));
    return args[0];
  }
  if (inPlace) return change(name, call, args, frame);
  const rule = ruleOf(name);
  const result = rule && tried(() => below(frame, () => rule(Batch.of(frame, name, call, args))));
  return result === undefined ? loop(name, call, args, frame) : wrapped(result, frame);
}

function generatorOf(args: readonly unknown[]): Generator {
  const options = args.at(-1) as { generator?: unknown } | null | undefined;
  return options?.generator instanceof Generator ? options.generator : defaultGenerator;
}

// -- gradients

/** @internal The rule of a node on batched gradients; once for each example where it does native work of its own. */
export function applyRule(node: Node, grads: (Tensor | null)[]): readonly (Tensor | null)[] {
  try {
    return node.rule!(grads, node);
  } catch (error) {
    const frame = frameOf(grads);
    if (!isRead(error) || frame === null) throw error;
    const run = (...one: unknown[]): unknown => node.rule!(one as (Tensor | null)[], node);
    return loop(node.name, run, grads, frame) as (Tensor | null)[];
  }
}
