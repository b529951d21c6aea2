/** Shows a module in a notebook: the tree as a table with shapes, counts and bytes. */
import { Module } from "../../nn/module.js";
import { formatBytes } from "../../tensor/errors.js";
import { displaySymbol, type MimeBundle } from "../../wire/host.js";
import { escapeMarkup } from "../../wire/markup.js";
import { count } from "../picture/numbers.js";
import { moduleRows, moduleTotals, type ModuleRow, type ModuleTensor } from "./rows.js";

const mostRows = 60;
const mostTensors = 8;

/** A text alone for a module without tensors or modules below. */
function moduleBundle(model: Module): MimeBundle {
  const rows = moduleRows(model);
  const html = rows.length === 1 && rows[0]!.tensors.length === 0 ? {} : { "text/html": table(model, rows) };
  return { data: { ...html, "text/plain": model.toString() } };
}

/** Semantic, without script or style sheet. */
function table(model: Module, rows: readonly ModuleRow[]): string {
  const cells = (tag: string, texts: readonly string[]): string =>
    texts.map((text, i) => `<${tag}${isWords(i) ? ' style="text-align:left"' : ""}>${escapeMarkup(text)}</${tag}>`).join("");
  const body = rows.slice(0, mostRows).map((row) => `<tr>${cells("td", cellsOf(row))}</tr>`);
  const more = rows.length > mostRows ? ` · ${count(rows.length - mostRows)} more rows` : "";
  const head = cells("th", ["module", "tensors", "parameters", "bytes", ""]);
  return `<table><thead><tr>${head}</tr></thead><tbody>${body.join("")}</tbody></table><p>${escapeMarkup(summary(model) + more)}</p>`;
}

function summary(model: Module): string {
  const { parameters, frozen, buffers, bytes } = moduleTotals(model);
  const parts = [
    `${count(parameters)} parameters${frozen === 0 ? "" : `, ${count(frozen)} of them frozen`}`,
    ...(buffers === 0 ? [] : [`${count(buffers)} elements in buffers`]),
    formatBytes(bytes),
    model.training ? "training" : "evaluating",
  ];
  return `${model.constructor.name} · ${parts.join(" · ")}`;
}

const unbroken = (text: string): string => text.replaceAll(" ", "\u00a0");

const isWords = (column: number): boolean => column < 2 || column === 4;

function cellsOf({ keys, depth, title, tensors }: ModuleRow): string[] {
  const times = keys.length > 1 ? `${keys.length} × ` : "";
  const key = keys.length > 1 ? `${keys[0]} … ${keys.at(-1)}: ` : keys.length === 1 ? `${keys[0]}: ` : "";
  const learned = tensors.filter(({ isBuffer }) => !isBuffer).reduce((sum, { tensor }) => sum + tensor.numel(), 0);
  const bytes = tensors.reduce((sum, { tensor }) => sum + tensor.numel() * tensor.itemsize, 0);
  return [
    `${"\u2003".repeat(depth)}${key}${times}${title}`,
    [
      ...tensors.slice(0, mostTensors).map(({ name, tensor }) => `${name} [${tensor.shape.join(", ")}]`),
      ...(tensors.length > mostTensors ? [`${tensors.length - mostTensors} more`] : []),
    ].join(", "),
    learned === 0 ? "" : unbroken(times + count(learned)),
    bytes === 0 ? "" : unbroken(times + formatBytes(bytes)),
    notes(tensors),
  ];
}

/** What is not as usual: frozen parameters, other dtypes and devices. */
function notes(tensors: readonly ModuleTensor[]): string {
  const parameters = tensors.filter(({ isBuffer }) => !isBuffer).map(({ tensor }) => tensor);
  const frozen = parameters.length > 0 && parameters.every((p) => !p.requiresGrad) ? ["frozen"] : [];
  const kinds = parameters.flatMap((p) => [...(p.dtype === "float32" ? [] : [p.dtype]), ...(p.device === "cpu" ? [] : [p.device])]);
  return [...new Set([...frozen, ...kinds])].join(", ");
}

Object.defineProperty(Module.prototype, displaySymbol, {
  configurable: true,
  writable: true,
  value(this: Module): MimeBundle {
    return moduleBundle(this);
  },
});
