/** The table of a model: shapes, counts, what is alike in one row, what is unusual; the text is PyTorch's. */
import { expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { displaySymbol, type MimeBundle } from "../../src/wire/index.js";

const { nn } = cg;
const bundleOf = (model: cg.nn.Module): MimeBundle => (model as unknown as { [displaySymbol](): MimeBundle })[displaySymbol]();

/** The cells of the table, row by row, and the line below. */
function tableOf(model: cg.nn.Module): { rows: string[][]; summary: string } {
  const html = String(bundleOf(model).data["text/html"]);
  const rows = [...html.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<t[dh][^>]*>(.*?)<\/t[dh]>/g)].map(([, cell]) => cell!.replaceAll("\u00a0", " ")),
  );
  return { rows: rows.slice(1), summary: /<p>(.*)<\/p>/.exec(html)![1]! };
}

it("has a row a module: tensors, parameters, bytes, totals", () => {
  const model = new nn.Sequential(new nn.Linear(2, 3), new nn.BatchNorm1d(3), new nn.ReLU());
  expect(tableOf(model)).toEqual({
    rows: [
      ["Sequential", "", "", "", ""],
      ["\u20030: Linear(in_features=2, out_features=3, bias=True)", "weight [3, 2], bias [3]", "9", "36 B", ""],
      [
        "\u20031: BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, track_running_stats=True)",
        "weight [3], bias [3], running_mean [3], running_var [3], num_batches_tracked []",
        "6",
        "56 B",
        "",
      ],
      ["\u20032: ReLU()", "", "", "", ""],
    ],
    summary: "Sequential · 15 parameters · 7 elements in buffers · 92 B · training",
  });
  expect(bundleOf(model).data["text/plain"]).toBe(model.toString());
});

it("puts modules that are alike into one row, and counts shared tensors once", () => {
  const layer = new nn.Linear(4, 4);
  const { rows, summary } = tableOf(new nn.ModuleList([new nn.Linear(4, 4), new nn.Linear(4, 4), new nn.Linear(4, 2), layer, layer]));
  expect(rows.map(([title, , parameters]) => [title!.replace(/\(.*/, ""), parameters])).toEqual([
    ["ModuleList", ""],
    ["\u20030 … 1: 2 × Linear", "2 × 20"],
    ["\u20032: Linear", "10"],
    ["\u20033 … 4: 2 × Linear", "2 × 20"],
  ]);
  expect(summary).toBe("ModuleList · 70 parameters · 280 B · training");
});

it("says what is frozen, of another dtype, and how the model runs", () => {
  const model = new nn.Linear(2, 2).to("float16").requiresGrad_(false).eval();
  const { rows, summary } = tableOf(model);
  expect(rows[0]![4]).toBe("frozen, float16");
  expect(summary).toBe("Linear · 6 parameters, 6 of them frozen · 12 B · evaluating");
});

it("is a text alone for a module that holds nothing, and stays small for one that holds much", () => {
  expect(Object.keys(bundleOf(new nn.ReLU()).data)).toEqual(["text/plain"]);
  const large = new nn.Sequential(...Array.from({ length: 300 }, (_, i) => new nn.Linear(1, i + 1)));
  expect(tableOf(large).rows.length).toBe(60);
  expect(tableOf(large).summary).toMatch(/ · 241 more rows$/);
  const wide = new nn.Linear(1, 1);
  for (let i = 0; i < 5000; i++) wide.registerParameter(`p${i}`, new nn.Parameter(cg.zeros(1)));
  expect(tableOf(wide).rows[0]![1]).toMatch(/, 4994 more$/);
});
