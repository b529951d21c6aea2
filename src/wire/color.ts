/** How values become colours: one definition for the stored picture and for the live one. */
import type { HolderKind, MemoryPart } from "./devices.js";
import type { ColorScale } from "./tensor.js";

type Rgb = readonly [number, number, number];

/** Colours of values that have no place on a scale; views add the glyphs x, ∞ and −∞ where a cell is large enough. */
export const reservedColors = {
  nan: [214, 39, 140],
  positiveInfinity: [227, 26, 28],
  negativeInfinity: [0, 139, 150],
} as const satisfies Record<string, Rgb>;

// Blue, neutral, orange: told apart with every common colour blindness. The neutral middle is the page's own tone.
const divergingStops: Record<"light" | "dark", readonly Rgb[]> = {
  light: [
    [23, 64, 122],
    [66, 128, 190],
    [158, 196, 226],
    [247, 246, 243],
    [247, 190, 130],
    [221, 121, 40],
    [138, 58, 8],
  ],
  dark: [
    [164, 208, 255],
    [88, 152, 219],
    [40, 84, 138],
    [28, 29, 32],
    [132, 72, 22],
    [216, 126, 52],
    [255, 205, 150],
  ],
};

/** Tabulates a map as 256 RGB triples, from the low to the high end of the scale. */
export function palette(map: ColorScale["map"], theme: "light" | "dark"): Uint8Array {
  const table = new Uint8Array(768);
  for (let i = 0; i < 256; i++) table.set(map === "sequential" ? cividis(i / 255) : interpolate(divergingStops[theme], i / 255), i * 3);
  return table;
}

// Nunez, Anderton, Renslow: Optimizing colormaps with consideration for color vision deficiency (2018); polynomial fit.
function cividis(t: number): Rgb {
  const r = -4.54 - t * (35.34 - t * (2381.73 - t * (6402.7 - t * (7024.72 - t * 2710.57))));
  const g = 32.49 + t * (170.73 + t * (52.82 - t * (131.46 - t * (176.58 - t * 67.37))));
  const b = 81.24 + t * (442.36 - t * (2482.43 - t * (6167.24 - t * (6614.94 - t * 2475.67))));
  return [clamp(r), clamp(g), clamp(b)];
}

function interpolate(stops: readonly Rgb[], t: number): Rgb {
  const position = t * (stops.length - 1);
  const i = Math.min(Math.floor(position), stops.length - 2);
  const [a, b] = [stops[i]!, stops[i + 1]!];
  const mix = (channel: 0 | 1 | 2): number => Math.round(a[channel] + (b[channel] - a[channel]) * (position - i));
  return [mix(0), mix(1), mix(2)];
}

function clamp(value: number): number {
  return Math.round(Math.min(255, Math.max(0, value)));
}

type Tones = { readonly light: string; readonly dark: string };

/** Parts of a device's memory: what a person made in colours (Okabe and Ito), what is not theirs in greys. */
export const memoryColors: Readonly<Record<MemoryPart, Tones>> = {
  tensors: { light: "#0072b2", dark: "#5aaef0" },
  saved: { light: "#009e73", dark: "#3fcf9f" },
  optimizer: { light: "#cc79a7", dark: "#e59cc5" },
  cached: { light: "#a9cfe8", dark: "#2f5573" },
  other: { light: "#b9b9b9", dark: "#626262" },
  free: { light: "#eeeeee", dark: "#2a2a2a" },
};

/** Kinds of holders; those that are parts as well have their colours. */
export const holderColors: Readonly<Record<HolderKind, Tones>> = {
  variable: memoryColors.tensors,
  parameter: { light: "#3a4fa3", dark: "#8fa2ff" },
  gradient: { light: "#d55e00", dark: "#ff9e5e" },
  saved: memoryColors.saved,
  optimizer: memoryColors.optimizer,
  unnamed: { light: "#7d8a94", dark: "#9aa7b1" },
};
