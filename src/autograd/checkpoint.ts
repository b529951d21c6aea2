/** Checkpoints: parts of a forward pass keep only their inputs, and run again when the backward pass needs what they would have saved. */
import { batching } from "../tensor/batched.js";
import { AutogradError, ValueError, describe, formatShape } from "../tensor/errors.js";
import { type Tensor } from "../tensor/tensor.js";
import { requireFunction } from "./arguments.js";
import { ops } from "./engine.js";
import { isGradEnabled, withHooks, withRecording } from "./mode.js";

/** Options of {@link checkpoint}. */
export interface CheckpointOptions {
  /** Draws the same random numbers again, for dropout. Default true. */
  preserveRngState?: boolean;
  /** "none" does not compare what the second run saves with the first. Default "default". */
  determinismCheck?: "default" | "none";
  /** torch's two implementations; there is one here, which works like `false`. */
  useReentrant?: boolean;
}

const optionNames = new Set(["preserveRngState", "determinismCheck", "useReentrant"]);

/** Ends the second run as soon as all that was saved is there again. */
class Enough extends Error {}

function run<A extends unknown[], R>(fn: (...args: A) => R, ...rest: [...A, CheckpointOptions?]): R {
  requireFunction("checkpoint", "fn", fn);
  const last: unknown = rest.at(-1);
  const own = typeof last === "object" && last !== null && Object.keys(last).length > 0 && Object.keys(last).every((key) => optionNames.has(key)); // prettier-ignore
  const { preserveRngState = true, determinismCheck = "default" } = own ? (rest.pop() as CheckpointOptions) : {};
  const args = rest as unknown as A;
  // The backward pass comes when the vmap around it is over: nothing could be run again then.
  if (!isGradEnabled() || batching !== null) return fn(...args);

  const randomness = preserveRngState ? ops.rngState() : null;
  const kept: { readonly shape: readonly number[]; readonly dtype: string }[] = [];
  let again: Map<number, Tensor> | null = null;

  const recompute = (): Map<number, Tensor> => {
    const saved = new Map<number, Tensor>();
    const pack = (t: Tensor): null => {
      const first = kept[saved.size];
      if (determinismCheck === "default" && (first === undefined || !same(first, t))) throw differs(first, t);
      saved.set(saved.size, t);
      if (saved.size === kept.length) throw new Enough();
      return null;
    };
    const now = ops.rngState();
    if (randomness !== null) ops.setRngState(randomness);
    try {
      withHooks({ pack, unpack: unreachable }, () => withRecording(true, () => fn(...args)));
    } catch (error) {
      if (!(error instanceof Enough)) throw error;
    } finally {
      if (randomness !== null) ops.setRngState(now);
    }
    if (saved.size !== kept.length) throw differs(kept[saved.size], undefined);
    return saved;
  };

  const pack = ({ shape, dtype }: Tensor): number => kept.push({ shape, dtype }) - 1;
  // Each tensor is handed out once: its node keeps it for as long as its gradient takes, then it is free.
  const unpack = (index: unknown): Tensor => {
    if (again?.has(index as number) !== true) again = recompute();
    const t = again.get(index as number)!;
    again.delete(index as number);
    return t;
  };
  const result = withHooks({ pack, unpack }, () => fn(...args));
  if (result instanceof Promise) {
    throw new ValueError({
      op: "checkpoint",
      argument: "fn",
      expected: "a function that is not async",
      got: "one that returned a Promise",
    });
  }
  return result;
}

const same = (a: { shape: readonly number[]; dtype: string }, b: Tensor): boolean =>
  a.dtype === b.dtype && formatShape(a.shape) === formatShape(b.shape);

function unreachable(): never {
  throw new AutogradError({ op: "checkpoint", expected: "no backward pass inside the function", got: "one while it ran again" });
}

function differs(first: { shape: readonly number[]; dtype: string } | undefined, second: Tensor | undefined): AutogradError {
  const say = (t: { shape: readonly number[]; dtype: string } | undefined): string =>
    t === undefined ? "nothing more" : `a ${t.dtype} tensor of shape ${formatShape(t.shape)}`;
  return new AutogradError({
    op: "checkpoint",
    expected: `the second run to save ${say(first)}, as the first did`,
    got: say(second),
    hint: "the function must do the same each time: no outside state, no in-place change of its inputs",
  });
}

type Step = ((x: Tensor) => Tensor) | { forward(x: Tensor): Tensor };

/**
 * Runs a chain in `segments` checkpointed parts (torch.utils.checkpoint.checkpoint_sequential); the last part is not checkpointed.
 * @param functions functions or modules, or a Sequential
 * @example checkpoint.checkpointSequential(model, 4, x)
 */
function checkpointSequential(functions: readonly Step[] | { children(): Iterable<unknown> }, segments: number, input: Tensor): Tensor {
  const steps = [...(Array.isArray(functions) ? functions : (functions as { children(): Iterable<unknown> }).children())] as Step[];
  if (!Number.isInteger(segments) || segments < 1) {
    throw new ValueError({
      op: "checkpointSequential",
      argument: "segments",
      expected: "an integer of at least 1",
      got: describe(segments),
    });
  }
  const chain =
    (from: number, to: number) =>
    (x: Tensor): Tensor =>
      steps.slice(from, to).reduce((value, step) => (typeof step === "function" ? step(value) : step.forward(value)), x);
  const size = Math.max(1, Math.floor(steps.length / segments));
  let at = 0;
  let x = input;
  for (let segment = 0; segment < segments - 1 && at + size < steps.length; segment++, at += size) x = run(chain(at, at + size), x);
  return chain(at, steps.length)(x);
}

/**
 * Runs `fn(...args)` without keeping what its ops save: the backward pass runs it again (torch.utils.checkpoint.checkpoint). Costs one
 * more forward pass and saves its memory. Random numbers are drawn again as they were; nesting, autograd.grad and higher derivatives work.
 * @throws AutogradError in the backward pass when the second run saves other tensors than the first
 * @example const y = utils.checkpoint((h) => block.forward(h), x)
 */
export const checkpoint = Object.assign(run, { checkpoint: run, checkpointSequential });
