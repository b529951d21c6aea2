/** Short texts for numbers, and lines of block characters for lists of them. */

const blocks = "▁▂▃▄▅▆▇█";

/** Four significant digits without trailing zeros: 0.1234, 12, 1.5e-7. NaN and infinities are words. */
export function short(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-4)
    return value
      .toExponential(digits - 1)
      .replace(/\.?0+e/, "e")
      .replace("e+", "e");
  return String(Number(value.toPrecision(digits)));
}

/** 1234567 -> "1,234,567". */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

export function percent(share: number): string {
  const value = share * 100;
  return value > 0 && value < 0.1 ? "<0.1 %" : value < 100 && value > 99.9 ? ">99.9 %" : `${Number(value.toFixed(1))} %`;
}

/** Bar heights as block characters; anything above zero is visible. */
export function bars(counts: readonly number[]): string {
  const top = Math.max(...counts, 1);
  return counts.map((n) => (n === 0 ? " " : blocks[Math.min(7, Math.floor((n / top) * 7.999))]!)).join("");
}

/** A curve as at most `width` block characters; a dot stands for no finite value. */
export function sparkline(values: readonly number[], width: number): string {
  const columns = Math.min(width, values.length);
  const cells = Array.from({ length: columns }, (_, i) => {
    const part = values
      .slice(Math.floor((i * values.length) / columns), Math.floor(((i + 1) * values.length) / columns))
      .filter(Number.isFinite);
    return part.length === 0 ? NaN : part.reduce((a, b) => a + b, 0) / part.length;
  });
  const finite = cells.filter(Number.isFinite);
  const lo = Math.min(...finite);
  const span = Math.max(...finite) - lo || 1;
  return cells.map((v) => (Number.isFinite(v) ? blocks[Math.min(7, Math.floor(((v - lo) / span) * 7.999))]! : "·")).join("");
}

/** Adds counts of neighbouring bins until `bins` are left; counts.length must be a multiple of bins. */
export function rebin(counts: readonly number[], bins: number): number[] {
  const width = counts.length / bins;
  return Array.from({ length: bins }, (_, i) => counts.slice(i * width, (i + 1) * width).reduce((a, b) => a + b, 0));
}

/** Round values within [lo, hi], about `wanted` of them, 1, 2 or 5 times a power of ten apart. */
export function ticks(lo: number, hi: number, wanted: number): number[] {
  if (!(hi > lo)) return [lo];
  const rough = (hi - lo) / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999)!;
  const out: number[] = [];
  for (let k = Math.ceil(lo / step - 1e-9); k * step <= hi + step * 1e-9; k++) out.push(Number((k * step).toPrecision(12)));
  return out;
}
