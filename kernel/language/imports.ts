/** Writes an import declaration as an awaited call of the runtime. */
import type { ImportDeclaration } from "oxc-parser";
import type { CellScopes } from "./scope.js";

/**
 * `import a, { b as c } from "x"` becomes `;({"default":a,"b":c}=await __cellgrad.import("x",undefined,["default","b"]));`.
 * The names asked for are those the cell uses as values; null when the declaration imports types only.
 */
export function importStatement(
  node: ImportDeclaration,
  text: string,
  scopes: CellScopes,
  bindingOf: (name: string) => string,
): string | null {
  const kept = node.specifiers.filter((each) => !isType(node, each, scopes));
  if (kept.length === 0 && (node.importKind === "type" || node.specifiers.length > 0)) return null;
  const attributes = node.attributes.map(({ key, value }) => `${text.slice(key.start, key.end)}:${value.raw}`);
  const options = attributes.length > 0 ? `{with:{${attributes.join()}}}` : "undefined";
  const pairs: string[] = [];
  const required: string[] = [];
  let all = "";
  for (const each of kept) {
    const binding = bindingOf(each.local.name);
    if (each.type === "ImportNamespaceSpecifier") {
      all = `${binding}=`;
      continue;
    }
    const imported =
      each.type === "ImportDefaultSpecifier" ? "default" : "name" in each.imported ? each.imported.name : each.imported.value;
    pairs.push(`${JSON.stringify(imported)}:${binding}`);
    if (uses(each.local.name, scopes).some(({ inType }) => !inType)) required.push(imported);
  }
  const names = pairs.length > 0 ? `,${JSON.stringify(required)}` : "";
  const call = `${all}await __cellgrad.import(${node.source.raw},${options}${names})`;
  return pairs.length > 0 ? `;({${pairs.join()}}=${call});` : `;${call};`;
}

/** An import that the cell names in types only is a type. One it does not name at all is kept: a later cell may use it. */
function isType(node: ImportDeclaration, specifier: ImportDeclaration["specifiers"][number], scopes: CellScopes): boolean {
  if (node.importKind === "type" || (specifier.type === "ImportSpecifier" && specifier.importKind === "type")) return true;
  const named = uses(specifier.local.name, scopes);
  return named.length > 0 && named.every(({ inType }) => inType);
}

function uses(name: string, { occurrences }: CellScopes) {
  return occurrences.filter((each) => each.name === name && each.scope.resolve(name)?.kind === "import");
}
