/** A profile as a notebook shows it. */
import { decode } from "fast-png";
import { expect, test } from "vitest";
import { matmul, ones, profile, type Profile } from "../../src/index.js";
import { bundleBytes, budget } from "../../src/visualization/tensor/bundle.js";
import { displaySymbol, type MimeBundle } from "../../src/wire/host.js";

const shown = (of: Profile): MimeBundle => (of as unknown as { [displaySymbol](): MimeBundle })[displaySymbol]();

test("shows a timeline in the colours of its kernels, and their table", () => {
  const x = ones(64, 64);
  const seen = profile(() => {
    for (let i = 0; i < 40; i++) matmul(x, x).exp();
  });
  const bundle = shown(seen);
  expect(bundleBytes(bundle)).toBeLessThanOrEqual(budget.output);
  const html = String(bundle.data["text/html"]);
  expect(html).toMatch(/^<img src="data:image\/png;base64,[^"]+" width="\d+" height="\d+" alt="Timeline of native calls: 80 calls/);
  expect(html).toMatch(/<td[^>]*>matmul<\/td><td[^>]*>cpu<\/td><td>40<\/td>/);
  expect(bundle.data["text/plain"]).toBe(seen.table());
  // A picture's palette has the colours that it shows.
  const { palette } = decode(Buffer.from(String(bundle.data["image/png"]), "base64"));
  const colors = palette!.map((color) => color.slice(0, 3).join());
  for (const kernel of ["0,114,178", "213,94,0"]) expect(colors).toContain(kernel);
});

test("of nothing is its text", () => {
  expect(Object.keys(shown(profile(() => 1)).data)).toEqual(["text/plain"]);
});
