/** Points of a run: kept whole, thinned without losing what matters. */
import { describe, expect, test } from "vitest";
import { codeChanges } from "../../src/visualization/run/code-changes.js";
import { Journal, decimate, firstAfter, thin } from "../../src/visualization/run/journal.js";
import { normal } from "./tensors.js";

function journalOf(values: readonly number[]): Journal {
  const journal = new Journal();
  values.forEach((value, step) => {
    journal.push("loss", step, value);
    journal.commit();
  });
  return journal;
}

const noise = normal(5);
const values = Array.from({ length: 10_000 }, () => noise());

test("every point is kept, in the order it was logged, whatever its step", () => {
  const journal = new Journal();
  for (const step of [0, 5, 5, 2]) {
    journal.push("loss", step, step * 10);
    journal.commit();
  }
  const [points] = journal.series;
  expect([...points!.steps.subarray(0, points!.length)]).toEqual([0, 5, 5, 2]);
  expect([...points!.calls.subarray(0, points!.length)]).toEqual([1, 2, 3, 4]);
  expect([0, 1, 3, 4].map((since) => firstAfter(points!, since))).toEqual([0, 1, 3, 4]);
});

describe.each([1, 7, 100, 600])("decimation to %i columns", (columns) => {
  const [points] = journalOf(values).series;
  const kept = decimate(points!, 0, 9999, columns);
  test("keeps the minimum and the maximum of every column", () => {
    expect(kept.length).toBeLessThanOrEqual(3 * columns);
    for (let c = 0; c < columns; c++) {
      const inside = values.filter((_, i) => Math.min(columns - 1, Math.floor((i * columns) / 9999)) === c);
      const drawn = kept.filter((i) => Math.min(columns - 1, Math.floor((i * columns) / 9999)) === c).map((i) => values[i]!);
      expect(Math.min(...drawn)).toBe(Math.min(...inside));
      expect(Math.max(...drawn)).toBe(Math.max(...inside));
    }
  });
});

test("decimation keeps a NaN", () => {
  const [points] = journalOf(values.map((value, i) => (i === 4012 ? NaN : value))).series;
  expect(decimate(points!, 0, 9999, 10)).toContain(4012);
});

test.each([20, 100, 400])("thinning to %i points keeps ends and extremes", (most) => {
  const [points] = journalOf(values.map((value, i) => (i === 100 ? NaN : value))).series;
  const kept = thin(points!, most);
  expect(kept.length).toBeLessThanOrEqual(most);
  expect(kept[0]).toBe(0);
  expect(kept.at(-1)).toBe(9999);
  expect(kept).toContain(values.indexOf(Math.min(...values)));
  expect(kept).toContain(values.indexOf(Math.max(...values)));
  expect(kept).not.toContain(100);
});

test("changes between two versions of a cell are named by what stands before the number", () => {
  const cell = "const opt = new Adam(model.parameters(), { lr: 1e-3 }) // first try\nfor (const b of run.steps(loader, { epochs: 3 })) {}";
  expect(codeChanges(cell, cell)).toEqual([]);
  expect(codeChanges(cell, cell.replace("1e-3", "3e-3").replace("first", "second"))).toEqual(["lr 1e-3 -> 3e-3"]);
  expect(codeChanges(cell, cell.replace("1e-3", "3e-3").replace("epochs: 3", "epochs: 5"))).toEqual(["lr 1e-3 -> 3e-3", "epochs 3 -> 5"]);
  expect(codeChanges(cell, cell.replace("Adam", "SGD"))).toEqual(["code changed"]);
});
