/** Finds where a value that is not finite came from: walks the graph from it to the first op that made it of finite operands. */
import { AccumulateGrad, type Edge, type Node } from "../../autograd/node.js";
import { withRecording } from "../../autograd/mode.js";
import { callerOf } from "../../autograd/place.js";
import { isFloating } from "../../tensor/dtype.js";
import { InterruptedError } from "../../tensor/errors.js";
import { metaOf, type Tensor } from "../../tensor/tensor.js";
import { trace } from "../../tensor/trace.js";
import { Module } from "../../nn/module.js";
import type { CallSource, SourceLine } from "../../wire/host.js";
import type { BreakOrigin } from "../../wire/run.js";
import { host } from "../live.js";
import { isBad, words, type Kind } from "./held.js";

/** Ops that are not finite at some finite operand: what must not be in the last tensor that they keep. */
const limits: Readonly<Record<string, readonly Kind[]>> = {
  log: ["zeros", "negatives"],
  log2: ["zeros", "negatives"],
  log10: ["zeros", "negatives"],
  div: ["zeros"],
};

/** What the walk came to: the node, and why it stopped there. */
interface Found {
  readonly node: Node;
  readonly why: "made" | "leaf" | "given";
  /** The ops that it may have been, when their results are not kept. */
  readonly among: readonly Node[];
}

/** Ops that hand the elements of their operands on as they are. */
const movers = new Set(
  "view unsafeView t transpose permute expand slice select squeeze unsqueeze clone cat stack split unbind alias index".split(" "),
);

const mostNames = 6;
/** Ops that may have been it, of which it is told what they read. */
const mostFacts = 2;

/** Where the value of `root` came from; null without a graph, or when its graph was freed. Never throws: a loop must not end by being looked at. */
export function originOf(root: Tensor): BreakOrigin | null {
  const node = root.ag?.gradFn as Node | null | undefined;
  if (node == null || node.rule === null || trace !== null) return null;
  try {
    return withRecording(false, () => new Walk(root, node).origin());
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    return null;
  }
}

class Walk {
  private readonly nodes: readonly Node[];
  /** What is still there of the nodes' results. */
  private readonly values = new Map<Node, Tensor[]>();
  private readonly judged = new Map<Tensor, boolean>();

  constructor(
    root: Tensor,
    private readonly last: Node,
  ) {
    this.nodes = ancestors(last);
    for (const node of this.nodes) {
      if (node instanceof AccumulateGrad) this.keep(node, 0, node.leaf);
      for (const t of keptBy(node)) if (t.ag?.gradFn != null) this.keep(t.ag.gradFn as Node, metaOf(t).output, t);
    }
    this.keep(last, metaOf(root).output, root);
  }

  origin(): BreakOrigin | null {
    const { node, why, among } = this.find();
    const op = opOf(node);
    const carried = this.carriers(node);
    const details = carried.length === 0 ? [] : [`carried on by ${list(carried)}`];
    if (why === "leaf") {
      const { leaf } = node as AccumulateGrad;
      const held = words(leaf, ["NaN", "infinities"]);
      details.unshift("if an update made it so: autograd.detectAnomaly around the steps before names the op whose gradient is NaN");
      return { cause: `${nameOf(leaf)} held ${held} before this step`, details, source: null, told: false };
    }
    const { source, told } = sourceOf(node, op);
    if (source === null) details.push("autograd.detectAnomaly around the step tells the line");
    if (why === "given") {
      const given = givenTo(node).find((t) => this.bad(t))!;
      return { cause: `${op} was given ${words(given, ["NaN", "infinities"])}`, details, source, told };
    }
    const before = among.filter((each) => each !== node);
    const facts = [...before.slice(-mostFacts), node].flatMap((each) => this.facts(each));
    const doubt = before.length === 0 ? "" : `, or by ${list(before.map(opOf))} before it, whose results are not kept`;
    return { cause: `made by ${op}${doubt}`, details: [...facts, ...details], source, told };
  }

  /** From the root to the earliest op that the values which are still there lead to. */
  private find(): Found {
    for (let at = this.last; ;) {
      const region = this.unknownFrom(at);
      let next: Node | null = null;
      for (const node of region) {
        if (givenTo(node).some((t) => this.bad(t))) return { node, why: "given", among: [] };
        if (this.beyondLimits(node)) return { node, why: "made", among: [] };
        const bad = node.edges.find((edge) => edge !== null && this.badAt(edge) === true);
        if (bad == null) continue;
        if (bad.node instanceof AccumulateGrad) return { node: bad.node, why: "leaf", among: [] };
        next = bad.node;
        break;
      }
      if (next === null) {
        // An operand without history may have brought it.
        const makers = region.filter((node) => !movers.has(opOf(node)) || node.edges.includes(null));
        return makers.length === 0 ? { node: at, why: "made", among: [at] } : { node: makers.at(-1)!, why: "made", among: makers };
      }
      at = next;
    }
  }

  /** `node` and the nodes before it whose results nobody kept, earliest first. */
  private unknownFrom(node: Node): readonly Node[] {
    return ancestors(node, (edge) => this.badAt(edge) === null).filter((each) => !(each instanceof AccumulateGrad));
  }

  /** Operands are finite, the result cannot be. */
  private beyondLimits(node: Node): boolean {
    const operand = operandsOf(node).at(-1);
    const kinds = limits[opOf(node)];
    return kinds !== undefined && operand !== undefined && !this.bad(operand) && words(operand, kinds) !== null;
  }

  /** What is still there of what a node read and gave. */
  private facts(node: Node): string[] {
    const op = opOf(node);
    const operands = operandsOf(node);
    if (this.beyondLimits(node)) return [`its ${op === "div" ? "divisor" : "operand"} held ${words(operands.at(-1)!, limits[op]!)!}`];
    const read = node.edges.flatMap((edge) => (edge === null ? [] : (this.values.get(edge.node)?.[edge.output] ?? [])));
    const facts = [...new Set([...operands, ...read])].flatMap((t) => words(t, ["zeros", "negatives", "range"]) ?? []);
    if (node.edges.includes(null) && givenTo(node).length === 0) facts.push("an operand without history, which is not kept");
    const results = (this.values.get(node) ?? []).flatMap((t) => words(t, ["NaN", "infinities"]) ?? []);
    return [...facts.map((fact) => `${op} read ${fact}`), ...results.map((result) => `${op} gave ${result}`)];
  }

  /** The ops between, in their order, with the parameters that they read. */
  private carriers(node: Node): string[] {
    const reached = new Set<Node>([node]);
    const names: string[] = [];
    for (const each of this.nodes) {
      if (!each.edges.some((edge) => edge !== null && reached.has(edge.node) && this.badAt(edge) !== false)) continue;
      reached.add(each);
      const parameters = each.edges.flatMap((edge) => (edge === null ? [] : leafOf(edge)) ?? []).map((leaf) => parameterName(leaf));
      const named = parameters.filter((name) => name !== null);
      names.push(named.length === 0 ? opOf(each) : `${opOf(each)} (${named.join(", ")})`);
    }
    return names;
  }

  private keep(node: Node, output: number, t: Tensor): void {
    const values = this.values.get(node) ?? [];
    values[output] = t;
    this.values.set(node, values);
  }

  /** Null: nobody kept it. */
  private badAt({ node, output }: Edge): boolean | null {
    const value = this.values.get(node)?.[output];
    return value === undefined ? null : this.bad(value);
  }

  private bad(t: Tensor): boolean {
    const known = this.judged.get(t) ?? isBad(t);
    this.judged.set(t, known);
    return known;
  }
}

/** `from` and what it leads to by the edges that `follow` lets pass, earliest first. */
function ancestors(from: Node, follow: (edge: Edge) => boolean = () => true): Node[] {
  const found = new Set<Node>([from]);
  // A set goes on to what is added while it is walked through.
  for (const node of found) for (const edge of node.edges) if (edge !== null && follow(edge)) found.add(edge.node);
  return [...found].sort((a, b) => a.sequence - b.sequence);
}

const keptBy = (node: Node): Tensor[] => node.saved.flatMap((saved) => saved.peek() ?? []).filter((t) => isFloating(t.dt) && t.numel() > 0);

const operandsOf = (node: Node): Tensor[] => keptBy(node).filter((t) => t.ag?.gradFn !== node);

/** Operands without history. A node whose inputs all have one keeps only what it computed itself. */
const givenTo = (node: Node): Tensor[] => (node.edges.includes(null) ? operandsOf(node).filter((t) => t.ag === null) : []);

/** The leaf that an edge leads to, directly or through a view of it. */
function leafOf({ node }: Edge): Tensor | null {
  if (node instanceof AccumulateGrad) return node.leaf;
  const [only] = node.edges;
  return node.edges.length === 1 && only?.node instanceof AccumulateGrad ? only.node.leaf : null;
}

/** `LogBackward0` is `log`. */
function opOf({ name }: Node): string {
  const op = name.replace(/Backward\d*$/, "");
  return op === "UnsafeView" ? "matmul" : `${op.slice(0, 1).toLowerCase()}${op.slice(1)}`;
}

const nameOf = (leaf: Tensor): string => parameterName(leaf) ?? "a leaf of the graph";

/** What the notebook calls a leaf: `model.0.weight`. */
function parameterName(leaf: Tensor): string | null {
  for (const [name, value] of host()?.variables() ?? []) {
    if (value === leaf) return name;
    if (!(value instanceof Module)) continue;
    for (const [parameter, t] of value.namedParameters()) if (t === leaf) return `${name}.${parameter}`;
  }
  return null;
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).join(", ");
  return names.length > mostNames ? `${shown} and ${names.length - mostNames} more` : shown;
}

/** The line of a node: anomaly mode noted it; else the cells may have just one call of its op. */
function sourceOf(node: Node, op: string): { readonly source: SourceLine | null; readonly told: boolean } {
  const place = /Cell \[(\d+)\]:(\d+):(\d+)/.exec((node.place === null ? null : callerOf(node.place)) ?? "");
  const call = place === null ? null : host()?.callAt(Number(place[1]), Number(place[2]), Number(place[3]));
  if (call != null) return { source: lineOf(call), told: true };
  const calls = [op, `${op}_`].flatMap((name) => host()?.callsOf(name) ?? []).filter(isOfTensors);
  return { source: calls.length === 1 ? lineOf(calls[0]!) : null, told: false };
}

const lineOf = ({ cell, cellId, line, text }: CallSource): SourceLine => ({ cell, cellId, line, text });

/** `console.log`, `Math.exp` and `run.log({ loss })` are no ops. */
const isOfTensors = (call: CallSource): boolean => !/^(console|Math)$/.test(call.receiver ?? "") && !call.arguments[0]?.startsWith("{");
