/** Chooses ticks: integers for indices, round numbers for values. */

/** Indices in [from, to) at a step of 1, 2 or 5 times a power of ten, at most `limit` of them. */
export function indexTicks(from: number, to: number, limit: number): number[] {
  const step = Math.max(1, niceStep((to - from) / Math.max(1, limit)));
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick < to; tick += step) ticks.push(tick);
  return ticks;
}

/** A tick's text: round thousands are short, so that they keep clear of the axis's name. */
export function indexText(tick: number): string {
  return tick >= 10_000 && tick % 100 === 0 ? `${tick / 1000}k` : String(tick);
}

/** Round values in [lo, hi], about `count` of them. */
export function valueTicks(lo: number, hi: number, count: number): number[] {
  if (!(hi > lo)) return [lo];
  const step = niceStep((hi - lo) / count);
  const ticks: number[] = [];
  for (let i = Math.ceil(lo / step - 1e-9); i * step <= hi + step * 1e-9; i++) ticks.push(i * step);
  return ticks;
}

function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const fraction = raw / power;
  return (fraction <= 1 ? 1 : fraction <= 2 ? 2 : fraction <= 5 ? 5 : 10) * power;
}
