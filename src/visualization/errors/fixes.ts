/** What would make an op fit: candidates, each tried with tensors of these shapes before it is offered. */
import { noGrad } from "../../autograd/mode.js";
import { functional as F } from "../../nn/index.js";
import { registry } from "../../ops/define.js";
import { cat, zeros } from "../../ops/index.js";
import { numelOf, sameShape, type Shape } from "../../tensor/shape.js";
import type { Tensor } from "../../tensor/tensor.js";
import type { ShapeFix } from "../../wire/shape-error.js";

/** An operand, by what the person calls it. */
export interface Named {
  readonly name: string;
  readonly shape: Shape;
}

interface Candidate {
  readonly code: string;
  readonly try: () => Tensor;
  /** Results of other shapes are not what was meant. */
  readonly wanted?: readonly Shape[];
}

const mostFixes = 2;
/** Elements up to which operands are worth a trial: it takes milliseconds then. */
const mostElements = 1 << 22;

const products = new Set(["matmul", "mm", "bmm", "mv", "dot"]);
const joins = new Set(["cat", "concat", "concatenate"]);
const reshapes = new Set(["reshape", "view"]);

/** Up to two changes after which `op` works on these operands. */
export function fixesFor(op: string, operands: readonly Named[]): ShapeFix[] {
  const [a, b] = operands;
  if (a === undefined || b === undefined || operands.some(({ shape }) => numelOf(shape) > mostElements)) return [];
  const found: ShapeFix[] = [];
  for (const candidate of candidatesFor(op, a, b)) {
    if (found.some(({ code }) => code === candidate.code)) continue;
    const shape = tried(candidate);
    if (shape !== null) found.push({ code: candidate.code, shape });
    if (found.length === mostFixes) break;
  }
  return found;
}

function tried({ try: run, wanted }: Candidate): Shape | null {
  try {
    const { shape } = noGrad(run);
    return wanted === undefined || wanted.some((each) => sameShape(each, shape)) ? shape : null;
  } catch {
    return null;
  }
}

/** A tensor of a shape that takes the memory of one element. */
const like = ({ shape }: Named): Tensor => zeros([]).expand([...shape]);

function* candidatesFor(op: string, a: Named, b: Named): Generator<Candidate> {
  if (products.has(op)) yield* forProducts(op, a, b);
  else if (op === "linear") yield* forLinear(a, b);
  else if (op === "conv2d") yield* forConv(a, b);
  else if (joins.has(op)) yield* forJoins(op, a, b);
  else if (reshapes.has(op)) yield* forReshape(op, a, b);
  else yield* forBroadcast(op, a, b);
}

/** Ways to turn an operand, simplest first: its code and itself. */
function turned(x: Named): readonly { readonly code: string; readonly of: () => Tensor }[] {
  const name = /^[\w.$]+(\(.*\))?$/.test(x.name) ? x.name : `(${x.name})`;
  const rank = x.shape.length;
  const ways = [];
  if (rank >= 2) ways.push({ code: `${name}.${rank === 2 ? "t()" : "mT"}`, of: () => like(x).transpose(-1, -2) });
  if (rank > 2) ways.push({ code: `${name}.flatten(1)`, of: () => like(x).flatten(1) });
  for (let dim = 0; dim <= rank; dim++)
    ways.push({ code: `${name}.unsqueeze(${dim - rank - 1})`, of: () => like(x).unsqueeze(dim - rank - 1) });
  return ways.toReversed().sort((p, q) => Number(p.code.includes("unsqueeze")) - Number(q.code.includes("unsqueeze")));
}

/** The op itself, as a method. */
const product = (op: string, a: Tensor, b: Tensor): Tensor => (a as unknown as Record<string, (other: Tensor) => Tensor>)[op]!(b);

function* forProducts(op: string, a: Named, b: Named): Generator<Candidate> {
  for (const way of turned(b)) yield { code: `${a.name}.${op}(${way.code})`, try: () => product(op, like(a), way.of()) };
  for (const way of turned(a)) yield { code: `${way.code}.${op}(${b.name})`, try: () => product(op, way.of(), like(b)) };
  yield { code: `${b.name}.${op}(${a.name})`, try: () => product(op, like(b), like(a)) };
  const rank = b.shape.length;
  const fitting = [...b.shape.slice(0, Math.max(0, rank - 2)), a.shape.at(-1) ?? 1, ...(rank < 2 ? [] : [b.shape.at(-1)!])];
  yield { code: `${b.name} of shape [${fitting.join(", ")}]`, try: () => product(op, like(a), zeros(fitting)) };
  const flat = [a.shape.at(-1) ?? 1, b.shape.at(-1) ?? 1];
  if (rank > 2) yield { code: `${b.name} of shape [${flat.join(", ")}]`, try: () => product(op, like(a), zeros(flat)) };
  const wide = [...a.shape.slice(0, -1), b.shape.at(rank < 2 ? -1 : -2) ?? 1];
  yield { code: `${a.name} of shape [${wide.join(", ")}]`, try: () => product(op, zeros(wide), like(b)) };
}

function* forLinear(x: Named, w: Named): Generator<Candidate> {
  for (const way of turned(x))
    if (!way.code.includes("unsqueeze")) yield { code: `${way.code} as the input`, try: () => F.linear(way.of(), like(w)) };
  const [k, n] = [x.shape.at(-1) ?? 1, w.shape[0] ?? 1];
  yield { code: `new nn.Linear(${k}, ${n})`, try: () => F.linear(like(x), zeros(n, k)) };
  const wide = [...x.shape.slice(0, -1), w.shape[1] ?? 1];
  yield { code: `an input of shape [${wide.join(", ")}]`, try: () => F.linear(zeros(wide), like(w)) };
}

function* forConv(x: Named, w: Named): Generator<Candidate> {
  const images = x.shape.slice(-3);
  const channelsLast = images.length === 3 && images[2]! <= Math.min(images[0]!, images[1]!);
  if (channelsLast && x.shape.length === 4)
    yield { code: `${x.name}.permute(0, 3, 1, 2)`, try: () => F.conv2d(like(x).permute(0, 3, 1, 2), like(w)) };
  if (channelsLast && x.shape.length === 3)
    yield { code: `${x.name}.permute(2, 0, 1)`, try: () => F.conv2d(like(x).permute(2, 0, 1), like(w)) };
  for (const dim of [1, 0]) yield { code: `${x.name}.unsqueeze(${dim})`, try: () => F.conv2d(like(x).unsqueeze(dim), like(w)) };
  const [channels, size] = [x.shape.at(-3) ?? 1, w.shape.slice(2)];
  yield {
    code: `new nn.Conv2d(${channels}, ${w.shape[0]}, ${size[0]})`,
    try: () => F.conv2d(like(x), zeros([w.shape[0] ?? 1, channels, ...size])),
  };
  const fitting = [...x.shape.slice(0, -3), w.shape[1] ?? 1, ...x.shape.slice(-2)];
  yield { code: `an input of shape [${fitting.join(", ")}]`, try: () => F.conv2d(zeros(fitting), like(w)) };
}

function* forJoins(op: string, a: Named, b: Named): Generator<Candidate> {
  for (let dim = 0; dim < a.shape.length; dim++)
    yield { code: `${op}([${a.name}, ${b.name}], ${dim})`, try: () => cat([like(a), like(b)], dim) };
  for (const way of turned(b))
    for (let dim = 0; dim < a.shape.length; dim++)
      yield { code: `${op}([${a.name}, ${way.code}], ${dim})`, try: () => cat([like(a), way.of()], dim) };
  if (a.shape.length !== b.shape.length)
    yield { code: `${op}([${a.name}.flatten(), ${b.name}.flatten()])`, try: () => cat([like(a).flatten(), like(b).flatten()]) };
  for (const way of turned(a))
    for (let dim = 0; dim < b.shape.length; dim++)
      yield { code: `${op}([${way.code}, ${b.name}], ${dim})`, try: () => cat([way.of(), like(b)], dim) };
  const fitting = [1, ...a.shape.slice(1)];
  yield { code: `${b.name} of shape [${fitting.join(", ")}]`, try: () => cat([like(a), zeros(fitting)]) };
}

/** One size at a time is left to be found. */
function* forReshape(op: string, x: Named, sizes: Named): Generator<Candidate> {
  for (let i = sizes.shape.length - 1; i >= 0; i--) {
    const free = sizes.shape.map((size, k) => (k === i ? -1 : size));
    yield { code: `${x.name}.${op}(${free.join(", ")})`, try: () => like(x).contiguous().reshape(free) };
  }
  if (op === "view") yield { code: `${x.name}.reshape(${sizes.shape.join(", ")})`, try: () => like(x).reshape([...sizes.shape]) };
  const [first] = x.shape;
  if (first !== undefined && x.shape.length > 1)
    yield { code: `${x.name}.${op}(${first}, -1)`, try: () => like(x).contiguous().reshape(first, -1) };
  yield { code: `${x.name}.${op}(-1)`, try: () => like(x).reshape(-1) };
}

/** The result has the shape of an operand: an outer product is rarely what was meant. */
function* forBroadcast(op: string, a: Named, b: Named): Generator<Candidate> {
  const inPlace = op.endsWith("_");
  const wanted = inPlace ? [a.shape] : [a.shape, b.shape];
  const isMethod = registry.get(inPlace ? op.slice(0, -1) : op)?.params[1]?.name === "other";
  const join = (x: string, y: string): string => (isMethod ? `${x}.${op}(${y})` : `${x} with ${y}`);
  for (const way of turned(b)) yield { code: join(a.name, way.code), try: () => like(a).add(way.of()), wanted };
  if (b.shape.length === 1)
    for (let after = 2; after < a.shape.length; after++) {
      const sizes = [b.shape[0]!, ...new Array<number>(after).fill(1)];
      yield { code: join(a.name, `${b.name}.view(${sizes.join(", ")})`), try: () => like(a).add(zeros(sizes)), wanted };
    }
  if (!inPlace) for (const way of turned(a)) yield { code: join(way.code, b.name), try: () => way.of().add(like(b)), wanted: [b.shape] };
  yield { code: `${b.name} of shape [${a.shape.join(", ")}]`, try: () => like(a).add(zeros([...a.shape])) };
  if (a.shape.at(-1) !== undefined)
    yield { code: `${b.name} of shape [${a.shape.at(-1)}]`, try: () => like(a).add(zeros([a.shape.at(-1)!])) };
}
