/** Blanks TypeScript's types out of a cell, so that every character that stays keeps its line and column. */
import type MagicString from "magic-string";
import type {
  AccessorProperty,
  ArrowFunctionExpression,
  Class,
  Function as FunctionNode,
  MethodDefinition,
  PropertyDefinition,
} from "oxc-parser";
import { hasValues } from "./scope.js";
import { children, type Node } from "./syntax.js";

/** Text that is replaced by `lead`, blanks and `tail`. */
interface Blank {
  readonly start: number;
  readonly end: number;
  lead: string;
  tail: string;
}

/** Collects what is blank; `apply` writes it. */
export class Eraser {
  private readonly blanks: Blank[] = [];
  private readonly byEnd = new Map<number, Blank>();
  private readonly closers: { readonly end: number; readonly text: string }[] = [];

  constructor(
    private readonly text: string,
    private readonly output: MagicString,
  ) {}

  /** Blanks `[start, end)`. */
  blank(start: number, end: number, lead = "", tail = ""): void {
    if (end <= start) return;
    const blank = { start, end, lead, tail };
    this.blanks.push(blank);
    this.byEnd.set(end, blank);
  }

  /** Blanks a whole statement; the semicolon keeps its neighbours apart. */
  blankStatement(node: Node): void {
    this.blank(node.start, node.end, ";");
  }

  /** Puts text after an expression, before what is erased at its end. */
  close(end: number, text: string): void {
    this.closers.push({ end, text });
  }

  apply(): void {
    for (const { end, text } of this.closers) {
      const blank = this.byEnd.get(end);
      if (blank) blank.lead = text + blank.lead;
      else this.output.appendLeft(end, text);
    }
    for (const { start, end, lead, tail } of this.blanks) {
      const spaces = this.text.slice(start + lead.length, end - tail.length).replace(/[^\r\n]/g, " ");
      this.output.update(start, end, lead + spaces + tail);
    }
  }

  /** Erases what is type-only about one node; true when nothing of it is left to look at. */
  erase(node: Node): boolean {
    switch (node.type) {
      case "TSInterfaceDeclaration":
      case "TSTypeAliasDeclaration":
      case "TSDeclareFunction":
      case "TSExportAssignment":
      case "TSNamespaceExportDeclaration":
      case "TSAbstractMethodDefinition":
      case "TSAbstractPropertyDefinition":
      case "TSAbstractAccessorProperty":
      case "TSIndexSignature":
        this.blankStatement(node);
        return true;
      case "VariableDeclaration":
      case "TSEnumDeclaration":
        if (node.declare) this.blankStatement(node);
        return node.declare ?? false;
      case "TSModuleDeclaration":
        if (hasValues(node)) return false;
        this.blankStatement(node);
        return true;
      case "TSTypeAnnotation":
      case "TSTypeParameterDeclaration":
      case "TSTypeParameterInstantiation":
        this.blank(node.start, node.end);
        return true;
      case "TSAsExpression":
      case "TSSatisfiesExpression":
        this.blank(node.expression.end, node.end);
        return false;
      case "TSTypeAssertion":
        this.blank(node.start, node.expression.start, "(");
        this.close(node.expression.end, ")");
        return false;
      case "TSNonNullExpression":
        this.blank(node.end - 1, node.end);
        return false;
      case "BinaryExpression":
        this.keepPrecedence(node.left);
        return false;
      case "Identifier":
        if ((node as { optional?: boolean }).optional) this.mark("?", node.start + node.name.length);
        return false;
      case "VariableDeclarator":
        if (node.definite) this.mark("!", node.id.type === "Identifier" ? node.id.start + node.id.name.length : node.id.start);
        return false;
      case "ClassDeclaration":
      case "ClassExpression":
        return this.classHead(node);
      case "MethodDefinition":
      case "PropertyDefinition":
      case "AccessorProperty":
        return this.member(node);
      case "TSParameterProperty":
        this.blank(node.start, node.parameter.start);
        return false;
      case "FunctionDeclaration":
      case "FunctionExpression":
      case "ArrowFunctionExpression":
        this.parameters(node);
        return false;
      default:
        return false;
    }
  }

  /** Puts a semicolon where a statement ended by a line break right after something erased: the next line must not continue it. */
  endStatement(node: Node): void {
    const blank = this.byEnd.get(node.end);
    if (blank && this.text[node.end - 1] !== ";" && !blank.lead.endsWith(";")) blank.lead += ";";
  }

  /** `a + b as T * c`: the operand must stay one. */
  private keepPrecedence(left: Node): void {
    if (left.type !== "TSAsExpression" && left.type !== "TSSatisfiesExpression") return;
    this.output.appendRight(left.start, "(");
    this.close(left.end, ")");
  }

  /** Blanks the `?` or `!` that follows a name. */
  private mark(mark: "?" | "!", from: number): void {
    const at = this.text.indexOf(mark, from);
    this.blank(at, at + 1);
  }

  private classHead(node: Class): boolean {
    if (node.declare) {
      this.blankStatement(node);
      return true;
    }
    const bodyless = this.text.slice(node.start, node.body.start);
    if (node.abstract) {
      const from = node.decorators.at(-1)?.end ?? node.start;
      const at = this.text.indexOf("abstract", from);
      this.blank(at, at + "abstract".length);
    }
    const last = node.implements?.at(-1);
    if (last) {
      const clause = /\bimplements\b/g;
      clause.lastIndex = (node.superTypeArguments ?? node.superClass ?? node.typeParameters ?? node.id ?? node).end - node.start;
      if (clause.lastIndex > bodyless.length) clause.lastIndex = 0;
      const at = node.start + (clause.exec(bodyless)?.index ?? 0);
      this.blank(at, last.end);
    }
    return false;
  }

  private member(node: MethodDefinition | PropertyDefinition | AccessorProperty): boolean {
    const bodyless = node.type === "MethodDefinition" && node.value.body === null;
    if (bodyless || ("declare" in node && node.declare)) {
      this.blankStatement(node);
      return true;
    }
    const start = node.decorators.at(-1)?.end ?? node.start;
    const head = this.text.slice(start, node.key.start);
    const modifiers = [...head.matchAll(/\b(public|private|protected|readonly|override)\b/g)];
    for (const { index, 0: word } of modifiers) this.blank(start + index, start + index + word.length);
    // `x = 1` <line break> `private ["y"] = 2` must not become one expression.
    const kept = head.replace(/\b(public|private|protected|readonly|override)\b/g, "").trimStart();
    const first = this.byEnd.get(start + (modifiers[0]?.index ?? 0) + (modifiers[0]?.[0].length ?? 0));
    if (first && /^[[*]/.test(kept)) first.lead = ";";
    const afterKey = node.computed ? this.text.indexOf("]", node.key.end) + 1 : node.key.end;
    if (node.type === "MethodDefinition" && node.optional) this.mark("?", afterKey);
    if (node.type === "PropertyDefinition" && node.optional) this.mark("?", afterKey);
    if ("definite" in node && node.definite) this.mark("!", afterKey);
    return false;
  }

  private parameters(node: FunctionNode | ArrowFunctionExpression): void {
    const [first, second] = node.params;
    if (first?.type === "Identifier" && first.name === "this") {
      const end = second?.start ?? this.text.indexOf(")", first.end);
      this.blank(first.start, end);
    }
    if (node.type !== "ArrowFunctionExpression") return;
    // A line break before `=>` or after `async` or `return` would end the expression: the parenthesis moves over the break.
    const { returnType, typeParameters } = node;
    if (returnType && this.text.slice(returnType.start, returnType.end).includes("\n")) {
      const close = this.text.lastIndexOf(")", returnType.start);
      this.blank(close, returnType.end, "", ")");
    }
    if (typeParameters && this.text.slice(typeParameters.start, typeParameters.end).includes("\n")) {
      const open = this.text.indexOf("(", typeParameters.end);
      this.blank(typeParameters.start, open + 1, "(");
    }
  }

  /** Whether a child is already covered by what `erase` did to its parent. */
  covers(parent: Node, child: Node): boolean {
    if (parent.type === "TSAsExpression" || parent.type === "TSSatisfiesExpression" || parent.type === "TSTypeAssertion") {
      return child !== parent.expression;
    }
    if (child.type === "TSClassImplements") return true;
    if (child.type === "Identifier" && child.name === "this") return true;
    if (parent.type !== "ArrowFunctionExpression") return false;
    return (child === parent.returnType || child === parent.typeParameters) && this.text.slice(child.start, child.end).includes("\n");
  }
}

/** The child nodes of a node that erasing leaves. */
export function* remaining(node: Node, eraser: Eraser): Generator<Node> {
  for (const child of children(node)) if (!eraser.covers(node, child)) yield child;
}
