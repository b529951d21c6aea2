/** The points of a run as the browser knows them: the stored ones at once, then every one the kernel has, as they are logged. */
import {
  decodeBytes,
  isRunPayload,
  runMime,
  storedCurves,
  vegaliteMime,
  type FirstBreak,
  type Ghost,
  type GradientStrip,
  type LiveRef,
  type MemoryTrack,
  type PointsReply,
  type Progress,
  type RunPayload,
  type RunStatus,
  type Series,
  type SeriesPoints,
} from "../../src/wire/index.js";
import { Journal } from "./journal.js";
import { Unanswered, type Live, type Scene } from "./view.js";

export interface RunData {
  update(scene: Scene<RunPayload>): void;
  status(): RunStatus;
  /** No kernel can say how the run went on. */
  silent(): boolean;
  progress(): Progress | null;
  series(): readonly Series[];
  curve(series: string): Journal | undefined;
  ghosts(): readonly Ghost[];
  ghostCurve(ghost: string, series: string): Journal | undefined;
  strip(): GradientStrip | null;
  memory(): MemoryTrack | null;
  broken(): FirstBreak | null;
  dispose(): void;
}

/** New points are asked for at most ten times a second, less often while nothing happens. */
const fastestMs = 100;
const slowestMs = 1000;
const stripMs = 1000;
const callsPerQuestion = 20_000;
/** The kernel's own final update has this long to arrive before the view writes the bundle itself. */
const graceMs = 1500;
const longestGraceMs = 10_000;
const ghostPoints = 600;

/** `changed` is called when there is something to draw. Points are pulled only while `root` is on the screen. */
export function createRunData(root: Element, changed: () => void): RunData {
  let scene: Scene<RunPayload>;
  let live: Live | null = null;
  let object: LiveRef | null = null;
  let answer: PointsReply | null = null;
  let journals = new Map<string, Journal>();
  let ghostJournals = new Map<string, Map<string, Journal>>();
  let strip: GradientStrip | null = null;
  let memory: MemoryTrack | null = null;
  let silent = false;
  let disposed = false;
  let visible = true;
  let pulling = 0;
  let wake: (() => void) | null = null;

  const observer = new IntersectionObserver((entries) => {
    visible = entries.at(-1)!.isIntersecting;
    if (visible) wake?.();
  });
  observer.observe(root);

  const status = (): RunStatus => (scene.payload.status === "running" && answer ? answer.status : scene.payload.status);

  /** Asks until the run has ended and every point is here. A later call takes over from an earlier one. */
  async function pull(channel: Live, of: LiveRef): Promise<void> {
    const mine = ++pulling;
    const current = (): boolean => !disposed && mine === pulling;
    let since = 0;
    let pause = fastestMs;
    let stripDue = 0;
    let samples = -1;
    try {
      await pullGhosts(channel, of, current);
      while (current()) {
        const asked = performance.now();
        const reply = await channel.ask(of, { kind: "points", since, limit: callsPerQuestion });
        if (!current()) return;
        if (since === 0) journals = new Map();
        append(journals, reply.points);
        pause = reply.sequence > since ? fastestMs : Math.min(slowestMs, pause * 1.5);
        since = reply.sequence;
        answer = reply;
        silent = false;
        const complete = reply.sequence >= reply.total;
        if (reply.samples !== samples && (asked >= stripDue || reply.status !== "running")) {
          samples = reply.samples;
          stripDue = asked + stripMs;
          const below = await channel.ask(of, { kind: "strip" });
          if (!current()) return;
          strip = below.strip ?? strip;
          memory = below.memory ?? memory;
        }
        changed();
        if (!complete) continue;
        if (reply.status !== "running") return void (await finish(channel, of, current));
        await rest(Math.max(0, pause - (performance.now() - asked)));
      }
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      if (!current()) return;
      silent = error.reason !== "failed";
      changed();
      if (error.reason !== "offline") return;
      await rest(slowestMs * 2);
      if (current()) void pull(channel, of);
    }
  }

  async function pullGhosts(channel: Live, of: LiveRef, current: () => boolean): Promise<void> {
    for (const { id } of scene.payload.ghosts) {
      if (ghostJournals.has(id)) continue;
      const reply = await channel.ask(of, { kind: "range", from: 0, to: Number.MAX_SAFE_INTEGER, size: ghostPoints, ghost: id });
      if (!current()) return;
      const curves = new Map<string, Journal>();
      append(curves, reply.points);
      ghostJournals.set(id, curves);
    }
  }

  /** After a reload nobody else tells the notebook how the run ended. */
  async function finish(channel: Live, of: LiveRef, current: () => boolean): Promise<void> {
    for (let wait = graceMs; scene.payload.status === "running"; wait = Math.min(wait * 2, longestGraceMs)) {
      await rest(wait);
      if (!current() || scene.payload.status !== "running") return;
      const { data, metadata } = await channel.ask(of, { kind: "bundle" });
      const payload = data[runMime];
      // Until the last picture is drawn, the kernel still has the one before.
      if (current() && isRunPayload(payload) && payload.status !== "running") return scene.store?.(data, metadata);
    }
  }

  /** Waits, and while the view is off the screen waits on. */
  async function rest(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (!visible && !disposed) await new Promise<void>((resolve) => (wake = resolve));
    wake = null;
  }

  function readStored(next: Scene<RunPayload>): void {
    journals = new Map();
    ghostJournals = new Map();
    strip = next.payload.strip;
    memory = next.payload.memory ?? null;
    for (const curve of storedCurves(next.bundle[vegaliteMime])) {
      const into = curve.ghost === null ? journals : (ghostJournals.get(curve.ghost) ?? new Map<string, Journal>());
      if (curve.ghost !== null) ghostJournals.set(curve.ghost, into);
      const journal = new Journal();
      journal.append(curve.steps, curve.values);
      into.set(curve.series, journal);
    }
  }

  return {
    update(next) {
      const another = next.payload.live?.id !== object?.id || next.payload.live?.session !== object?.session || !scene;
      const ended = scene && scene.payload.status === "running" && next.payload.status !== "running";
      // log() after the end of its cell: the run goes on.
      const resumed = scene && scene.payload.status !== "running" && next.payload.status === "running";
      scene = next;
      object = next.payload.live;
      if (another) {
        answer = null;
        silent = false;
        readStored(next);
      } else if (!answer) readStored(next);
      if (next.payload.strip) strip = next.payload.strip;
      if (next.payload.memory) memory = next.payload.memory;
      if (another || next.live !== live || (ended && !answer) || resumed) {
        live = next.live;
        pulling++;
        wake?.();
        if (live && object) void pull(live, object);
        else silent = true;
      }
    },
    status,
    silent: () => silent,
    progress: () => answer?.progress ?? null,
    series: () => (answer && answer.sequence >= scene.payload.sequence ? answer.series : scene.payload.series),
    curve: (name) => journals.get(name),
    ghosts: () => answer?.ghosts ?? scene.payload.ghosts,
    ghostCurve: (id, name) => ghostJournals.get(id)?.get(name),
    strip: () => strip,
    memory: () => memory,
    broken: () => answer?.broken ?? scene.payload.broken ?? null,
    dispose() {
      disposed = true;
      wake?.();
      observer.disconnect();
    },
  };
}

function append(journals: Map<string, Journal>, points: readonly SeriesPoints[]): void {
  for (const { name, steps, values } of points) {
    const journal = journals.get(name) ?? new Journal();
    journals.set(name, journal);
    journal.append(new Float64Array(decodeBytes(steps).buffer), new Float32Array(decodeBytes(values).buffer));
  }
}
