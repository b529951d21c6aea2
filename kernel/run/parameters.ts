/** Values for the cell tagged `parameters`, as papermill does it: a cell after it sets them, checked against the types it declares. */
import { createTransformer } from "../language/transform.js";
import { textOf, linesOf, type Cell, type Notebook } from "./notebook.js";

/** A value from the command line, before its type is known. */
export interface Parameter {
  readonly name: string;
  readonly text: string;
}

export function parseParameter(argument: string): Parameter {
  const [, name, text] = /^([\p{ID_Start}$_][\p{ID_Continue}$]*)=([^]*)$/u.exec(argument) ?? [];
  if (name === undefined || text === undefined) throw new Error(`-p ${argument}: expected name=value`);
  return { name, text };
}

/** The place of the cell tagged `parameters`; throws when it does not declare all that are given. */
export function findParameters(notebook: Notebook, given: readonly Parameter[]): number {
  const index = notebook.cells.findIndex((cell) => cell.cell_type === "code" && hasTag(cell, "parameters"));
  if (given.length === 0) return index;
  if (index < 0) throw new Error("the notebook has no cell tagged parameters");
  const declared = declaredNames(textOf(notebook.cells[index]!.source));
  for (const { name } of given) {
    if (!declared.has(name)) throw new Error(`-p ${name}: the notebook's parameters are ${[...declared.keys()].join(", ")}`);
  }
  return index;
}

export function hasTag({ metadata }: Cell, tag: string): boolean {
  return metadata.tags?.includes(tag) ?? false;
}

/** The values a cell declares, by name, with whether they can be assigned. */
function declaredNames(code: string): ReadonlyMap<string, boolean> {
  const script = createTransformer().transform(code);
  if (!script.ok) throw new Error(`the cell tagged parameters: ${script.message}`);
  const variables = script.names.filter(({ kind }) => kind === "const" || kind === "let" || kind === "var");
  return new Map(variables.map(({ name, kind }) => [name, kind !== "const"]));
}

/** The cell that sets the parameters; `types` says how TypeScript writes the type of each. */
export function injectedCell(parameters: Cell, given: readonly Parameter[], types: ReadonlyMap<string, string>): Cell {
  const assignable = declaredNames(textOf(parameters.source));
  const lines = given.map(({ name, text }) => {
    const type = widened(types.get(name) ?? "unknown");
    const value = literal(text, type);
    return assignable.get(name) ? `${name} = ${value}` : `const ${name}: ${type} = ${value}`;
  });
  return {
    cell_type: "code",
    id: "injected-parameters",
    metadata: { tags: ["injected-parameters"] },
    source: linesOf(["// Parameters", ...lines].join("\n")),
    outputs: [],
    execution_count: null,
  };
}

/** The type of a `const` is its literal's; other values must fit too. */
function widened(type: string): string {
  if (/^-?[\d.]/.test(type)) return type.endsWith("n") ? "bigint" : "number";
  if (/^["'`]/.test(type) && !type.includes("|")) return "string";
  return type === "true" || type === "false" ? "boolean" : type;
}

/** The text as a literal of TypeScript: a string where the type is one, else JSON or a number, and a string when it is neither. */
function literal(text: string, type: string): string {
  if (type === "string") return JSON.stringify(text);
  if (type === "bigint" && /^-?\d+n?$/.test(text)) return text.endsWith("n") ? text : `${text}n`;
  if (/^(NaN|undefined|-?Infinity)$/.test(text) || isNumeric(text)) return text.trim();
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return JSON.stringify(text);
  }
}

function isNumeric(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Number(text));
}
