/** A session of cells in this process: transforms and evaluates as the runtime does. */
import { Session, type Runtime } from "node:inspector";
import { languageHooks } from "../../kernel/language/hooks.js";
import { createTransformer, defaultSettings } from "../../kernel/language/transform.js";
import type { TransformSettings, TransformedCell } from "../../kernel/language/types.js";

/** What a cell did. */
export type Outcome = { readonly value: unknown } | { readonly error: string; readonly line: number; readonly column: number };

export interface CellSession {
  /** Runs a cell; its value is undefined unless it ends in an expression. */
  run(code: string): Promise<unknown>;
  /** Runs a cell that must fail. */
  fail(code: string): Promise<{ readonly error: string; readonly line: number; readonly column: number }>;
  /** Every import the cells asked for. */
  readonly imports: { readonly specifier: string; readonly names: readonly string[] | undefined }[];
}

/** Opens a session. Sessions of one process share V8's names, as a kernel's cells do: a test uses names of its own. */
export function openSession(settings: TransformSettings = defaultSettings): CellSession {
  const inspector = new Session();
  inspector.connect();
  const post = <Answer>(method: string, parameters: object) =>
    new Promise<Answer>((resolve, reject) =>
      inspector.post(method, parameters, (error, answer) => (error ? reject(error) : resolve(answer as Answer))),
    );
  const imports: CellSession["imports"] = [];
  Object.defineProperty(globalThis, "__cellgrad", {
    configurable: true,
    value: {
      ...languageHooks,
      meta: { url: "file:///notebook" },
      import(specifier: string, options?: ImportCallOptions, names?: readonly string[]) {
        imports.push({ specifier, names });
        return import(specifier, options);
      },
    },
  });
  const transformer = createTransformer(settings);

  async function evaluate(code: string): Promise<Outcome> {
    const cell = transformer.transform(code);
    if (!cell.ok) return { error: `${cell.name}: ${cell.message}`, line: cell.line, column: cell.column };
    if (cell.prelude) await post("Runtime.evaluate", { expression: cell.prelude, replMode: true });
    transformer.commit(cell);
    Reflect.deleteProperty(globalThis, "lastValue");
    const { result, exceptionDetails } = await post<Runtime.EvaluateReturnType>("Runtime.evaluate", {
      expression: `${cell.js}\n//# sourceURL=cell`,
      replMode: true,
      awaitPromise: true,
    });
    if (exceptionDetails) {
      const description = exceptionDetails.exception?.description ?? exceptionDetails.text;
      return { error: description.split("\n")[0]!.replaceAll("\u200c", ""), ...placeOf(description, cell) };
    }
    if (!cell.hasResult) return { value: undefined };
    if (!result.objectId) return { value: result.value };
    const shown = await post<Runtime.CallFunctionOnReturnType>("Runtime.callFunctionOn", {
      objectId: result.objectId,
      functionDeclaration: "function () { globalThis.lastValue = this }",
    });
    if (shown.exceptionDetails) throw new Error(shown.exceptionDetails.text);
    return { value: Reflect.get(globalThis, "lastValue") as unknown };
  }

  return {
    imports,
    async run(code) {
      const outcome = await evaluate(code);
      if ("error" in outcome) throw new Error(`${outcome.error} at ${outcome.line}:${outcome.column} in\n${code}`);
      return outcome.value;
    },
    async fail(code) {
      const outcome = await evaluate(code);
      if ("error" in outcome) return outcome;
      throw new Error(`expected an error, got ${String(outcome.value)}`);
    },
  };
}

function placeOf(stack: string, cell: TransformedCell) {
  const frame = /\bcell:(\d+):(\d+)/.exec(stack);
  return frame ? cell.map({ line: Number(frame[1]), column: Number(frame[2]) }) : { line: 0, column: 0 };
}
