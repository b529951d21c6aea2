/** The view of a training run: status and progress, live curves over the ghosts of earlier runs, best values, and the gradient strip. */
import type { RunPayload, RunStatus } from "../../src/wire/index.js";
import { createChart, type Chart } from "./chart.js";
import { create, setText } from "./dom.js";
import { formatCount, formatDuration } from "./format.js";
import { chartInputs, ghostLabels, memoryCaption, seriesRows, shownSteps } from "./run-chart.js";
import { createRunData } from "./run-data.js";
import { createSeriesTable } from "./series-table.js";
import { drawBreak } from "./break.js";
import { createStrip } from "./strip.js";
import type { Scene, View } from "./view.js";

const statusTexts: Readonly<Record<RunStatus, string>> = {
  running: "running",
  finished: "finished",
  interrupted: "interrupted",
  failed: "failed",
};

let views = 0;

export function runView(root: HTMLElement): View<RunPayload> {
  const title = create("span", "cg-type");
  const badge = create("span", "cg-badge", { role: "status" });
  const progressText = create("span", "cg-muted");
  const bar = create("progress", "cg-progress", { "aria-label": "Progress of the run" });
  const chartHost = create("div");
  const smoothing = create("input", "cg-slider cg-smoothing", {
    type: "range",
    min: "0",
    max: "0.99",
    step: "0.01",
    value: "0",
    "aria-label": "Smoothing",
  });
  const smoothingText = create("output", "cg-number");
  const broken = create("div", "cg-caption", { role: "note", "aria-label": "First value that is not finite" });
  const ghosts = create("div", "cg-muted cg-caption");
  const memory = create("div", "cg-muted cg-caption");
  const readout = create("div", "cg-readout", { "aria-live": "polite" });
  const table = createSeriesTable((name) => {
    if (!hidden.delete(name)) hidden.add(name);
    draw();
  });
  const strip = createStrip((text) => setText(readout, text));
  const smoothingLabel = create("label", "cg-row", {}, create("span", "cg-muted", {}, "smoothing"), smoothing, smoothingText);
  const below = create("div", "cg-row cg-below", {}, table.element, smoothingLabel);
  root.replaceChildren(
    create("div", "cg-row cg-top", {}, title, badge, bar, progressText),
    chartHost,
    broken,
    ghosts,
    strip.element,
    memory,
    below,
    readout,
  );

  let scene: Scene<RunPayload>;
  let range: readonly [number, number] | null = null;
  let cursor: number | null = null;
  const hidden = new Set<string>();
  const charts: Chart[] = [];
  const group = `cellgrad-run-${++views}`;
  const data = createRunData(root, () => draw());

  function draw(): void {
    const { payload, theme, width } = scene;
    const status = data.status();
    setText(title, payload.name);
    const cut = status === "running" && data.silent();
    setText(badge, cut ? "was running when this was stored" : statusTexts[status]);
    badge.dataset["kind"] = cut ? "interrupted" : status;
    drawProgress(status === "running" && !cut);
    const inputs = chartInputs(data, { range, hidden, theme, width, smoothing: smoothing.valueAsNumber });
    while (charts.length > inputs.length) charts.pop()!.dispose();
    while (charts.length < inputs.length) charts.push(createChart(chartHost, group, zoom, point));
    inputs.forEach((input, i) => charts[i]!.update(input));
    setText(ghosts, ghostLabels(data.ghosts()));
    ghosts.hidden = data.ghosts().length === 0;
    drawBreak(broken, data.broken(), scene.reveal);
    drawTable();
    if (charts.length > 0) strip.update(data.strip(), theme, charts[0]!.area(), shownSteps(data, range));
    setText(memory, memoryCaption(data));
    memory.hidden = memory.textContent === "";
    setText(smoothingText, smoothing.value);
    below.hidden = data.series().length === 0;
  }

  function zoom(next: readonly [number, number] | null): void {
    range = next;
    draw();
  }

  function point(step: number | null): void {
    if (step === cursor) return;
    cursor = step;
    drawTable();
  }

  function drawTable(): void {
    table.update(seriesRows(data, scene.theme, hidden, cursor), cursor);
  }

  function drawProgress(running: boolean): void {
    const progress = running ? data.progress() : null;
    bar.hidden = !progress || progress.total === null;
    progressText.hidden = !progress;
    if (!progress) return;
    if (progress.total !== null) {
      bar.max = progress.total;
      bar.value = progress.step;
    }
    const parts = [`step ${formatCount(progress.step)}${progress.total === null ? "" : ` / ${formatCount(progress.total)}`}`];
    if (progress.epochs > 1) parts.unshift(`epoch ${progress.epoch} / ${progress.epochs}`);
    if (progress.stepsPerSecond !== null) parts.push(`${formatCount(progress.stepsPerSecond)} steps/s`);
    parts.push(
      progress.remainingMs === null ? formatDuration(progress.elapsedMs / 1000) : `${formatDuration(progress.remainingMs / 1000)} left`,
    );
    setText(progressText, parts.join(" · "));
  }

  smoothing.addEventListener("input", () => draw());
  smoothing.addEventListener("keydown", (event) => event.stopPropagation());

  return {
    update(next) {
      scene = next;
      data.update(next);
      draw();
    },
    dispose() {
      data.dispose();
      for (const chart of charts) chart.dispose();
      root.replaceChildren();
    },
  };
}
