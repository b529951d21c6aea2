/** Recognizes Python in a cell, and says how TypeScript writes it. */

/** How a line that TypeScript cannot read begins in Python, and what it is here. */
const lines: readonly (readonly [RegExp, (...groups: string[]) => string])[] = [
  [/^from\s+([\w.]+)\s+import\s+([\w, ]+)/, (source, names) => `import { ${names.trim()} } from "${moduleOf(source)}"`],
  [/^import\s+(\w+)(?:\s+as\s+(\w+))?\s*$/, (source, name) => `import * as ${name ?? source} from "${moduleOf(source)}"`],
  [/^(?:async\s+)?def\s+(\w+)\s*\(([^)]*)\)/, (name, parameters) => `function ${name}(${parameters}) { ... }`],
  [/^class\s+(\w+)\(([\w.]+)\)\s*:/, (name, base) => `class ${name} extends ${base} { ... }`],
  [/^class\s+(\w+)\s*:/, (name) => `class ${name} { ... }`],
  [/^for\s+(.+?)\s+in\s+range\((\w+)\)\s*:/, (name, end) => `for (let ${name} = 0; ${name} < ${end}; ${name}++) { ... }`],
  [/^for\s+(.+?)\s+in\s+(.+?)\s*:/, (name, values) => `for (const ${name.includes(",") ? `[${name}]` : name} of ${values}) { ... }`],
  [/^(?:el)?if\s+(?!\()(.+?)\s*:\s*(?:#.*)?$/, (condition) => `if (${condition}) { ... }`],
  [/^while\s+(?!\()(.+?)\s*:\s*(?:#.*)?$/, (condition) => `while (${condition}) { ... }`],
  [/^with\s*\(?\s*(?:\w+\.)?(?:no_grad|noGrad)\(\)/, () => "noGrad(() => { ... })"],
  [/^with\b/, () => "a function that takes the block: noGrad(() => { ... })"],
  [/^(?:try|else|finally)\s*:/, () => "braces around a block: { ... }"],
  [/^elif\b/, () => "else if (...) { ... }"],
  [/^except\b/, () => "catch (error) { ... }"],
  [/^raise\s+(\w+)?/, () => 'throw new Error("...")'],
  [/\bf""/, () => "`text ${value}`"],
  [/^print\s+\S/, () => "console.log(...)"],
  [/\blambda\s+([\w, ]*):/, (parameters) => `(${parameters.trim()}) => ...`],
  [/\bnot\s+\w/, () => "!value"],
  [/[\w)\]]\s+(?:and|or)\s+[\w(]/, () => "&& and ||"],
];

const modules: Readonly<Record<string, string>> = { torch: "cellgrad", "torch.nn": "cellgrad" };

function moduleOf(name: string): string {
  return modules[name] ?? name;
}

/** Words of Python that stand in cells as names. */
const names: Readonly<Record<string, string>> = {
  None: "null",
  True: "true",
  False: "false",
  self: "this",
  print: "console.log",
  len: "x.length, or x.size(0) of a tensor",
  range: "for (let i = 0; i < n; i++), or arange(n) for a tensor",
  enumerate: "values.entries()",
  zip: "a.map((x, i) => [x, b[i]])",
  isinstance: "x instanceof Class",
  str: "String(x)",
  int: "Math.trunc(x)",
  float: "Number(x)",
  list: "[...x]",
  next: "const [first] = values",
  sorted: "x.toSorted() of an array, x.sort() of a tensor",
  any: "x.some((each) => ...) of an array, x.any() of a tensor",
  all: "x.every((each) => ...) of an array, x.all() of a tensor",
  round: "Math.round(x), or x.round() of a tensor",
  open: 'readFileSync(path, "utf8") of "node:fs"',
  dict: "{ key: value }",
  tuple: "[a, b]",
  abs: "Math.abs(x), or x.abs() of a tensor",
  min: "Math.min(a, b), or x.min() of a tensor",
  max: "Math.max(a, b), or x.max() of a tensor",
  sum: "x.sum() of a tensor",
  torch: 'import * as torch from "cellgrad"',
  cg: 'import * as cg from "cellgrad"',
  nn: 'import { nn } from "cellgrad"',
  optim: 'import { optim } from "cellgrad"',
  F: "const F = nn.functional",
  np: "no NumPy here: tensors do its work",
};

/** How TypeScript writes a line of Python; null when it is none. */
export function lineOfPython(line: string): string | null {
  const text = line.replace(/(["'`])(?:\\.|(?!\1).)*\1|\/\/.*/g, '""').trim(); // words in texts are no code
  for (const [pattern, write] of lines) {
    const match = pattern.exec(text);
    if (match) return write(...match.slice(1));
  }
  return comprehension(text);
}

/** `[f(x) for x in xs if c(x)]` as filter and map; null when there is none. */
function comprehension(text: string): string | null {
  const found = /\sfor\s+([\w, ]+?)\s+in\s/.exec(text);
  if (!found) return null;
  const [start, end] = [bracketAround(text, found.index, -1), bracketAround(text, found.index, 1)];
  if (start < 0 || end < 0) return null;
  const value = text.slice(start + 1, found.index).trim();
  const [values = "", condition] = text.slice(found.index + found[0].length, end).split(/\sif\s/);
  const item = found[1]!.includes(",") ? `([${found[1]}])` : `(${found[1]})`;
  const source = `${values.trim()}${condition === undefined ? "" : `.filter(${item} => ${condition.trim()})`}`;
  const [, key, of] = text[start] === "{" ? (/^(.+?)\s*:\s*(.+)$/.exec(value) ?? []) : [];
  return key === undefined ? `${source}.map(${item} => ${value})` : `Object.fromEntries(${source}.map(${item} => [${key}, ${of}]))`;
}

/** The place of the bracket around a place in a text: the one that opens (-1) or the one that closes (1); -1 without one. */
function bracketAround(text: string, place: number, step: 1 | -1): number {
  const [deeper, out] = step === 1 ? ["([{", ")]}"] : [")]}", "([{"];
  let depth = 0;
  for (let i = place; i >= 0 && i < text.length; i += step) {
    if (deeper.includes(text[i]!)) depth++;
    if (out.includes(text[i]!) && depth-- === 0) return i;
  }
  return -1;
}

/** How TypeScript writes what Python calls by a name; null when it is not one of Python's. */
export function nameOfPython(name: string): string | null {
  return Object.hasOwn(names, name) ? names[name]! : null;
}
