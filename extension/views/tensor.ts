/** The view of a tensor: what it is in one line, a picture in the form that suits it, statistics, and sliders for the dims that are not drawn. */
import type { TensorForm, TensorPayload } from "../../src/wire/index.js";
import { create, setText } from "./dom.js";
import { formatBytes, formatCount, formatNumber } from "./format.js";
import { gridLimit, gridPicture } from "./grid.js";
import { heatmapPicture } from "./heatmap.js";
import { imagesPicture } from "./images.js";
import { createLegend, type Limits } from "./legend.js";
import { linePicture } from "./line.js";
import type { CreatePicture, Frame, Picture, Selection } from "./picture.js";
import { createSliders } from "./sliders.js";
import { storedPicture } from "./stored.js";
import { Unanswered, type Silence, type Scene, type View } from "./view.js";

type Form = Exclude<TensorForm, "text"> | "grid";

const pictures: Readonly<Record<Form, CreatePicture>> = {
  line: linePicture,
  heatmap: heatmapPicture,
  images: imagesPicture,
  grid: gridPicture,
};

/** The kernel's answer is worth this wait; then the stored picture stands in until it comes. */
const patienceMs = 400;

/** How long after a question that stayed unanswered the kernel is asked again. */
const againMs = 2000;

/** Badges; how to get a live view back is their tooltip. */
const silences: Readonly<Record<Silence | "saved", string>> = {
  saved: "saved",
  offline: "no kernel",
  freed: "the tensor was freed",
  restarted: "the kernel was restarted",
  failed: "the kernel could not answer",
};

export function tensorView(root: HTMLElement): View<TensorPayload> {
  const head = create("div", "cg-head");
  const badge = create("span", "cg-badge", { role: "status" });
  const refresh = create("button", "cg-button", { type: "button" }, "show now");
  const live = create("div", "cg-picture");
  const stored = create("div", "cg-picture");
  const legend = createLegend((limits) => {
    chosen = limits;
    draw();
  });
  // Not a dl: JupyterLab styles those inside outputs.
  const facts = create("div", "cg-facts", { role: "list", "aria-label": "Statistics" });
  const side = create("div", "cg-side", {}, legend.element, facts);
  const sliders = createSliders((dim, at) => {
    index = index.map((i, d) => (d === dim ? at : i));
    draw();
  });
  const readout = create("div", "cg-readout", { "aria-live": "polite" });
  root.replaceChildren(
    create("div", "cg-row cg-top", {}, head, badge, refresh),
    create("div", "cg-body", {}, create("div", "cg-main", {}, live, stored, sliders.element, readout), side),
  );

  let given: Scene<TensorPayload>;
  let payload: TensorPayload;
  let index: readonly number[] = [];
  let chosen: Limits | null = null;
  let picture: Picture | null = null;
  let form: Form | "text" | null = null;
  let silence: Silence | null = null;
  let drawn = false;
  let impatient = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let askingAgain: ReturnType<typeof setTimeout> | undefined;
  const showStored = storedPicture(stored);

  const frame: Frame = {
    async ask(question) {
      const { live: channel } = given;
      const object = payload.live;
      if (!channel || !object || gone()) return null;
      try {
        const reply = await channel.ask(object, question);
        if (object !== payload.live) return null;
        silence = null;
        if ("tensorVersion" in reply) markChanged(reply.tensorVersion !== payload.tensorVersion);
        return reply;
      } catch (error) {
        if (!(error instanceof Unanswered)) throw error;
        silence = error.reason;
        compose();
        clearTimeout(askingAgain);
        if (silence === "offline") askingAgain = setTimeout(askAgain, againMs);
        return null;
      }
    },
    say: (text) => setText(readout, text),
    drawn() {
      drawn = true;
      compose();
    },
  };

  /** What follows from the state: which picture stands, what the badge says, whether sliders move. */
  function compose(): void {
    const reachable = given.live !== null && payload.live !== null && !gone() && silence !== "offline";
    if (!reachable) clearTimeout(timer);
    const standIn = form === "text" || (!drawn && (!reachable || impatient));
    if (standIn) showStored(given.bundle, given.metadata, payload.summary);
    stored.hidden = !standIn;
    live.hidden = standIn;
    // The stored picture has the statistics in it.
    side.hidden = standIn;
    readout.hidden = standIn;
    legend.element.hidden = form === "line" || payload.scale === null;
    sliders.update(payload.shape, drawnDims(payload), index, reachable);
    // A run without a reader, such as nbconvert's, leaves nothing to ask.
    const reason = payload.live === null ? "saved" : (silence ?? "offline");
    if (!changed()) say(form === "text" || reachable ? "" : silences[reason]);
  }

  /** A kernel that is slow to start, or hung for a while, answers in the end; a connection that comes back is a new scene. */
  function askAgain(): void {
    if (silence !== "offline" || !given.live) return;
    void frame.ask({ kind: "value", index }).then((reply) => {
      if (!reply) return;
      compose();
      draw();
    });
  }

  const gone = (): boolean => silence === "freed" || silence === "restarted";
  const changed = (): boolean => badge.dataset["kind"] === "changed";

  function markChanged(is: boolean): void {
    if (is === changed()) return;
    badge.dataset["kind"] = is ? "changed" : "";
    refresh.hidden = !is;
    say(is ? "changed in place since it was shown" : "");
  }

  function say(text: string): void {
    setText(badge, text);
    badge.hidden = text === "";
    badge.title = Object.values(silences).includes(text) ? "Run the cell again to browse the tensor." : "";
  }

  function draw(): void {
    const limits = chosen ?? payload.images ?? payload.scale ?? { lo: payload.statistics.min ?? 0, hi: payload.statistics.max ?? 1 };
    const [row, column] = drawnDims(payload);
    const selection: Selection = { row: row ?? 0, column: column ?? 0, index, lo: limits.lo, hi: limits.hi };
    legend.update(payload, limits, given.theme);
    sliders.update(payload.shape, drawnDims(payload), index, silence === null && given.live !== null && payload.live !== null);
    picture?.update({ ...given, payload, width: Math.max(160, given.width) }, selection);
  }

  function show(next: TensorPayload): void {
    if (next.shape.length !== index.length || payload?.shape.join() !== next.shape.join()) index = next.shape.map(() => 0);
    if (payload?.live?.id !== next.live?.id || payload?.live?.session !== next.live?.session) {
      drawn = false;
      silence = null;
      chosen = null;
      impatient = false;
    }
    payload = next;
    markChanged(false);
    const wanted = formOf(payload);
    if (wanted !== form) {
      picture?.dispose();
      form = wanted;
      picture = wanted === "text" ? null : pictures[wanted](live, frame);
    }
    describe(head, payload);
    listFacts(facts, payload);
    clearTimeout(timer);
    if (!drawn && form !== "text") {
      timer = setTimeout(() => {
        impatient = true;
        compose();
      }, patienceMs);
    }
  }

  refresh.hidden = true;
  refresh.addEventListener("click", () => {
    void frame.ask({ kind: "tensor" }).then((reply) => {
      if (!reply) return;
      show({ ...reply.payload, live: payload.live });
      draw();
      compose();
    });
  });

  let shown: unknown;
  return {
    update(scene) {
      const reconnected = scene.live !== given?.live;
      given = scene;
      if (reconnected && silence === "offline") silence = null;
      // Another kernel, or the same one after a restart: is the tensor still there, and is it what was drawn?
      if (reconnected && drawn && scene.live) void frame.ask({ kind: "value", index });
      if (scene.payload !== shown) show(scene.payload);
      shown = scene.payload;
      compose();
      draw();
    },
    dispose() {
      clearTimeout(timer);
      clearTimeout(askingAgain);
      picture?.dispose();
      root.replaceChildren();
    },
  };
}

function formOf(payload: TensorPayload): Form | "text" {
  if (payload.dtype.startsWith("complex")) return payload.form; // two numbers do not fit into a cell of the grid
  if (payload.form === "line" && payload.shape.length === 1 && payload.shape[0]! <= gridLimit.columns) return "grid";
  if (payload.form !== "heatmap") return payload.form;
  const [rows, columns] = payload.shape.slice(-2) as [number, number];
  return columns <= gridLimit.columns && rows * columns <= gridLimit.elements ? "grid" : "heatmap";
}

function drawnDims(payload: TensorPayload): readonly number[] {
  const rank = payload.shape.length;
  if (payload.form === "line") {
    const longest = payload.shape.indexOf(Math.max(...payload.shape));
    return [longest, longest];
  }
  if (payload.form === "images") return payload.shape.map((_, dim) => dim);
  return [rank - 2, rank - 1];
}

function describe(head: HTMLElement, payload: TensorPayload): void {
  const detail = [formatBytes(payload.bytes), payload.device];
  if (payload.gradFn) detail.push(`from ${payload.gradFn}`);
  else if (payload.requiresGrad) detail.push("requires grad");
  head.replaceChildren(
    create("span", "cg-type", {}, payload.dtype),
    " ",
    create("span", "cg-shape", {}, `[${payload.shape.join(", ")}]`),
    create("span", "cg-muted", {}, ` · ${detail.join(" · ")}`),
  );
}

function listFacts(list: HTMLElement, { dtype, statistics: s }: TensorPayload): void {
  const rows: [name: string, value: string, alarming?: boolean][] = [];
  const of = dtype.startsWith("complex") ? "|z| " : "";
  for (const name of ["mean", "std", "min", "max"] as const) {
    const value = s[name];
    if (value !== null) rows.push([of + name, formatNumber(value)]);
  }
  rows.push(["zeros", formatCount(s.zeros)], ["NaN", formatCount(s.nan), s.nan > 0]);
  rows.push([
    "Inf",
    s.positiveInfinity + s.negativeInfinity === 0 ? "0" : `+${formatCount(s.positiveInfinity)} −${formatCount(s.negativeInfinity)}`,
    s.positiveInfinity + s.negativeInfinity > 0,
  ]);
  if (s.firstNaN) rows.push(["first NaN", `[${s.firstNaN.join(", ")}]`, true]);
  list.replaceChildren(
    ...rows.map(([name, value, alarming]) =>
      create(
        "div",
        "cg-fact",
        { role: "listitem" },
        create("span", "cg-muted", {}, name),
        create("span", alarming ? "cg-number cg-bad" : "cg-number", {}, value),
      ),
    ),
  );
}
