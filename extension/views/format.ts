/** Turns numbers into the short texts a reader can compare at a glance. */

/** Formats with `digits` significant digits; non-finite values are words, zeros carry no noise. */
export function formatNumber(value: number, digits = 4): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+Inf" : "−Inf";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 10 ** digits && size < 1e6) return String(Math.round(value)).replace("-", "−");
  const text =
    size >= 1e6 || size < 1e-4
      ? value
          .toExponential(digits - 1)
          .replace(/\.?0+e/, "e")
          .replace("e+", "e")
      : trimZeros(value.toPrecision(digits));
  return text.replace(/-/g, "−");
}

/** Formats every significant digit of a value as it was stored, for the number under the mouse. */
export function formatExact(value: number): string {
  return Number.isFinite(value) ? String(value).replace(/-/g, "−") : formatNumber(value);
}

/** Formats a count with thin spaces between thousands. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, " ");
}

/** Formats a size in bytes with binary units, as operating systems do. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : trimZeros(size.toPrecision(3))} ${units[unit]}`;
}

/** Formats seconds as `3.2 s`, `4 min 05 s` or `2 h 10 min`. */
export function formatDuration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, "0")} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

function trimZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}
