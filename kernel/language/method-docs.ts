/** Documentation of Tensor's methods. Their types are mapped from functions, and T (7.0) shows no documentation through a mapped type. */
import { readFileSync } from "node:fs";
import { dirname, extname, join } from "node:path";

const originPrefix = "typeof methods.";

/** Where a line of {@link methodDocs} names the function that a method is made of. */
export const originIn = (line: string): number => line.lastIndexOf(originPrefix) + originPrefix.length;

/**
 * A module that declares each method once more, with the documentation of its function: a property of its own type beside the inherited one
 * of the same type. Empty where the library's files cannot be read.
 * @param library the library's index: a declaration file, or the source
 */
export function methodDocs(library: string): string {
  const ops = join(dirname(library), "ops");
  const extension = library.endsWith(".d.ts") ? ".d.ts" : extname(library);
  const read = (module: string): string => readFileSync(join(ops, module.replace(/\.js$/, extension)), "utf8");
  try {
    const declarations = exportsOf(read("./tensor-methods.js")).flatMap(({ from, names }) => {
      const docs = docsIn(read(from));
      const all = names ?? [...docs.keys()].map((name) => ({ name, as: name }));
      return all.flatMap(({ name, as }) => (docs.has(name) ? [`${docs.get(name)} readonly ${as}: Method<${originPrefix}${as}>;`] : []));
    });
    const [tensor, methods] = [join(dirname(ops), "tensor", "tensor.js"), join(ops, "tensor-methods.js")].map((path) =>
      JSON.stringify(path),
    );
    return `import type { Tensor } from ${tensor};
import type * as methods from ${methods};
type Method<F> = F extends (input: Tensor, ...rest: infer A) => infer R ? (...rest: A) => R : never;
declare module ${tensor} { interface Tensor {
${declarations.join("\n")}
} }`;
  } catch {
    return "export {};";
  }
}

interface Export {
  readonly from: string;
  /** Null for all of them. */
  readonly names: readonly { readonly name: string; readonly as: string }[] | null;
}

function exportsOf(text: string): Export[] {
  return [...text.matchAll(/export (?:\*|\{([^}]*)\}) from "([^"]+)"/g)].map(([, listed, from]) => ({
    from: from!,
    names:
      listed === undefined
        ? null
        : listed
            .split(",")
            .map((entry) => entry.trim().split(/\s+as\s+/))
            .filter(([name]) => name !== "")
            .map(([name, as = name]) => ({ name: name!, as: as! })),
  }));
}

/** The comment before each exported function; of an overloaded one, before the first. */
function docsIn(text: string): Map<string, string> {
  const docs = new Map<string, string>();
  for (const [, doc, name] of text.matchAll(/(\/\*\*(?:(?!\*\/)[^])*\*\/)\s*export (?:declare )?(?:const|function) (\w+)/g))
    if (!docs.has(name!)) docs.set(name!, doc!);
  return docs;
}
