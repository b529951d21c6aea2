/** Says what to write where TypeScript refuses what PyTorch's users write: operators on tensors, brackets, keyword arguments, names of another namespace. */
import type { LspCompletionItem } from "./answers.js";
import type { Document } from "./modules.js";
import { arithmeticAt, isComparison, type Operand } from "./operators.js";
import { offsetAt } from "./positions.js";
import { nameOfPython } from "./python.js";
import type { Diagnostic } from "./types.js";

/** What is asked of T. */
export interface Asks {
  /** The members of a namespace of the library, such as `nn.functional`; the library's own for "". */
  membersOf(path: string): Promise<readonly LspCompletionItem[]>;
  /** What hovering over an offset of the code says. */
  hover(document: Document, offset: number): Promise<string>;
}

const noOperator = 2365;
const notNumbers = new Set([2362, 2363]);
const noIndex = new Set([7053, 7052]);
const unknownNames = new Set([2304, 2552]);
const notExported = new Set([2305, 2724]);
const noProperty = new Set([2339, 2551]);
const notCallable = 2349;
const usesComma = 2695;
const notAssignable = 2345;
const lacksMembers = new Set([2740, 2739, 2345]);

const tensor = /'(?:Tensor|Parameter)(?:<[^']*>)?'/;
/** What hovering says of a tensor, and of a function that returns one. */
const isTensor = /:\s*(?:\w+\.)*(?:Tensor|Parameter)\b(?!\[)/;
const givesTensor = /\)\s*(?::|=>)\s*(?:\w+\.)*(?:Tensor|Parameter)\b(?!\[)/;

/** Where names are looked for; torch's own namespaces. */
const namespaces = [
  "", "nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lrScheduler", "utils", "utils.data", "autograd", "autograd.functional", "func",
  "vision", "vision.datasets", "linalg", "fft", "special", "distributions", "distributed",
]; // prettier-ignore

/** What a tensor is asked for by other names. */
const members: Readonly<Record<string, string>> = {
  numpy: "x.tolist() for nested arrays, x.toTypedArray() for numbers",
  cuda: 'x.to("cuda:0")',
  data: "x.detach()",
  array: "x.tolist()",
  length: "x.size(0) or x.shape.length",
};

export class Advice {
  private names: Promise<ReadonlyMap<string, readonly string[]>> | null = null;

  constructor(private readonly asks: Asks) {}

  /** The same diagnostics, with advice where there is some. */
  async on(diagnostics: readonly Diagnostic[], document: Document, code: string): Promise<Diagnostic[]> {
    const advised: Diagnostic[] = [];
    const rewritten = new Map<number, number>();
    for (const each of diagnostics) {
      const start = offsetAt(code, each);
      const end = offsetAt(code, { line: each.endLine, column: each.endColumn });
      if (each.code === noOperator || notNumbers.has(each.code)) {
        const found = arithmeticAt(code, start, end);
        if (found && rewritten.has(found.start)) continue;
        const text = found?.written(await this.tensorsAmong(found.operands, document));
        if (found && text) {
          rewritten.set(found.start, found.end);
          advised.push({ ...each, message: withoutOperator(found.operator, text) });
          continue;
        }
      }
      const hint = await this.hintFor(each, code, start, end);
      advised.push(hint === null ? each : { ...each, message: `${each.message.split("\n")[0]}\n  ${hint}` });
    }
    // What is wrong with the whole of it follows from the operator.
    return advised.filter((each) => {
      const end = rewritten.get(offsetAt(code, each));
      return each.code !== notAssignable || end !== offsetAt(code, { line: each.endLine, column: each.endColumn });
    });
  }

  private async tensorsAmong(operands: readonly Operand[], document: Document): Promise<ReadonlySet<Operand>> {
    const tensors = new Set<Operand>();
    for (const each of operands) {
      if ((each.isCalled ? givesTensor : isTensor).test(await this.asks.hover(document, each.offset))) tensors.add(each);
    }
    return tensors;
  }

  private async hintFor({ code: number, message }: Diagnostic, code: string, start: number, end: number): Promise<string | null> {
    const text = code.slice(start, end);
    if (noIndex.has(number) && tensor.test(message))
      return 'Index a tensor with at, x.at(0, ":"), and write with setAt, x.setAt([0, ":"], value).';
    if (unknownNames.has(number)) {
      const isArgument = /[(,]\s*$/.test(code.slice(0, start)) && /^\s*=(?![=>])/.test(code.slice(end));
      if (isArgument) return `Keyword arguments are one object at the end: { ${text}: ... }.`;
      const here = nameOfPython(text);
      return here === null ? null : `In TypeScript: ${here}.`;
    }
    if (notExported.has(number) && message.includes('"cellgrad"'))
      return this.placesOf(/'(\w+)'\.|named '(\w+)'/.exec(message)?.slice(1).find(Boolean));
    if (noProperty.has(number)) {
      const [, name, type] = /^Property '(\w+)' does not exist on type '([^]*)'\./.exec(message) ?? [];
      if (name && type === "Tensor" && Object.hasOwn(members, name)) return `Write ${members[name]}.`;
      if (name && type?.startsWith("typeof ")) return this.placesOf(name);
    }
    if (number === notCallable) {
      if (/^\s*\n\s*[`([]/.test(code.slice(end))) return "The next line goes on with this one: end it with a semicolon.";
      const [, type] = /Type '(?:typeof )?(\w+)' has no call signatures/.exec(message) ?? [];
      if (type && (await this.placesOf(type))?.includes("nn.")) return "A module is called by its forward: model.forward(x).";
    }
    if (number === usesComma) return "A tuple is an array here: [2, 3].";
    if (lacksMembers.has(number) && /^(?:Type|Argument of type) 'Tensor' .*'readonly Tensor\[\]'/.test(message))
      return "Write the tensors as an array: [a, b].";
    return null;
  }

  /** Where the library has a name. */
  private async placesOf(name: string | undefined): Promise<string | null> {
    if (!name) return null;
    const names = await (this.names ??= this.namesOfLibrary().catch(() => new Map<string, string[]>()));
    const places = names.get(name) ?? names.get(camelCase(name));
    return places ? `It is ${places.map((path) => `cg.${path}`).join(" or ")}.` : null;
  }

  /** The paths of every export of the library, namespaces included. */
  private async namesOfLibrary(): Promise<Map<string, string[]>> {
    const paths = new Map<string, string[]>();
    for (const namespace of namespaces) {
      for (const { label } of await this.asks.membersOf(namespace)) {
        paths.set(label, [...(paths.get(label) ?? []), namespace ? `${namespace}.${label}` : label]);
      }
    }
    return paths;
  }
}

function withoutOperator(operator: string, text: string): string {
  const number = isComparison(operator) ? ` For one number: x.item() ${operator} ...` : "";
  return `Operator '${operator}' takes no tensors in TypeScript. Write ${text}.${number}`;
}

function camelCase(name: string): string {
  return name.replace(/(?<=[a-z0-9])_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
