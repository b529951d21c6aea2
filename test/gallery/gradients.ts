/** Gradient views of a small convolutional network: healthy, and with every flag. */
import { gradientsMime, toWire, type GradientFlag, type GradientRow, type GradientsPayload } from "../../src/wire/index.js";
import type { GalleryItem } from "./item.js";
import { normal } from "./random.js";

const parameters: readonly (readonly [name: string, shape: readonly number[]])[] = [
  ["features.0.weight", [32, 1, 3, 3]],
  ["features.0.bias", [32]],
  ["features.3.weight", [64, 32, 3, 3]],
  ["features.3.bias", [64]],
  ["classifier.1.weight", [128, 3136]],
  ["classifier.1.bias", [128]],
  ["classifier.4.weight", [10, 128]],
  ["classifier.4.bias", [10]],
];

export function gradientItems(): GalleryItem[] {
  const healthy = rows();
  const flag = (kind: GradientFlag["kind"], rule: string): Partial<GradientRow> => ({ flags: [{ kind, rule }] });
  const troubles: Partial<GradientRow>[] = [
    flag("vanishing", "|g| is below 1e-6 of the largest"),
    { ...flag("none", "no gradient reached it"), grad: null, gradMax: null, zeros: null, ratio: null, history: [] },
    flag("exploding", "|g| is above 10 times its running 95th percentile"),
    { ...flag("frozen", "requiresGrad is false"), grad: null, gradMax: null, zeros: null, ratio: 0, history: [] },
    { ...flag("nonfinite", "3 NaN in the gradient"), grad: "NaN", gradMax: "NaN", nan: 3 },
    { ...flag("dead", "more than 99 % zeros for 20 samples"), zeros: 0.996 },
    flag("ratio", "update ratio is above 1e-2"),
    {},
  ];
  return [
    item("gradients", healthy),
    item(
      "gradients with flags",
      healthy.map((row, i) => ({ ...row, ...troubles[i] })),
    ),
  ];
}

function item(name: string, of: readonly GradientRow[]): GalleryItem {
  const flagged = of.filter((row) => row.flags.length > 0).length;
  const summary = `gradients of ${of.length} parameters · ${flagged === 0 ? "nothing unusual" : `${flagged} unusual`}`;
  const payload: GradientsPayload = { version: 1, summary, total: of.length, rows: of };
  return { name, bundle: { data: { [gradientsMime]: payload, "text/plain": summary } } };
}

function rows(): GradientRow[] {
  const noise = normal(5);
  return parameters.map(([name, shape], depth) => {
    const grad = 0.4 * 10 ** (-0.35 * (parameters.length - depth)) * Math.exp(0.3 * noise());
    const history = Array.from({ length: 40 }, (_, i) => Math.log10(grad) + 0.9 * Math.exp(-i / 12) + 0.08 * noise());
    return {
      name,
      shape,
      weight: toWire(Math.sqrt(shape.reduce((a, b) => a * b, 1)) * 0.05),
      grad,
      gradMax: grad / 6,
      zeros: depth % 2 === 0 ? 0.12 : 0,
      nan: 0,
      infinite: 0,
      ratio: 0.0012 * Math.exp(0.2 * noise()),
      history,
      flags: [],
    };
  });
}
