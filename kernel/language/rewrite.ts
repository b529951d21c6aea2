/** Rewrites a cell's statements: session names become assignments, enums and namespaces become plain JavaScript, types go. */
import type MagicString from "magic-string";
import type { Class, Function as FunctionNode, VariableDeclaration, VariableDeclarator } from "oxc-parser";
import { Eraser, remaining } from "./erase.js";
import { hasValues, type CellScopes } from "./scope.js";
import { importStatement } from "./imports.js";
import type { Node } from "./syntax.js";

/** What the top level of a cell writes instead of a declared name. */
export type BindingOf = (name: string) => string;

type EnumNode = Extract<Node, { type: "TSEnumDeclaration" }>;
type NamespaceNode = Extract<Node, { type: "TSModuleDeclaration" }>;
type ImportEqualsNode = Extract<Node, { type: "TSImportEqualsDeclaration" }>;

/** Where a declaration stands: at the top of the cell, exported by a namespace, or anywhere else. */
type Place = { readonly at: "cell" } | { readonly at: "export"; readonly namespace: string } | { readonly at: "local" };

const cell: Place = { at: "cell" };
const local: Place = { at: "local" };

export class Rewriter {
  private readonly eraser: Eraser;
  /** Names that earlier declarations of the block being rewritten gave a value. */
  private valuesHere = new Set<string>();
  /** Statements that must move to the start: declarations that a cell may use before they are written. */
  readonly hoisted: Node[] = [];
  /** Whether the cell opens resources with `using` at its top level. */
  usesResources: "no" | "sync" | "async" = "no";
  private inFunction = false;
  private ranCode = false;

  constructor(
    private readonly text: string,
    private readonly output: MagicString,
    private readonly scopes: CellScopes,
    private readonly bindingOf: BindingOf,
  ) {
    this.eraser = new Eraser(text, output);
  }

  /** Rewrites a statement of the cell's top level. */
  topLevel(statement: Node): void {
    const hoists = statement.type === "ImportDeclaration" || declaredFunction(statement) !== null;
    if (hoists && this.ranCode) this.hoisted.push(statement);
    if (!hoists && runsCode(statement)) this.ranCode = true;
    this.statement(statement, cell);
  }

  finish(): void {
    this.eraser.apply();
  }

  private statement(node: Node, place: Place): void {
    switch (node.type) {
      case "ImportDeclaration":
        return this.replaceOrBlank(node, importStatement(node, this.text, this.scopes, this.bindingOf));
      case "ExportNamedDeclaration":
        if (node.declaration) return this.exported(node, node.declaration, place);
        if (node.source && node.exportKind !== "type") return this.replace(node, `;await __cellgrad.import(${node.source.raw});`);
        return this.eraser.blankStatement(node);
      case "ExportAllDeclaration":
        if (node.exportKind === "type") return this.eraser.blankStatement(node);
        return this.replace(node, `;await __cellgrad.import(${node.source.raw});`);
      case "ExportDefaultDeclaration":
        return this.exportDefault(node, place);
      case "TSImportEqualsDeclaration":
        return this.importEquals(node, place);
      case "VariableDeclaration":
        if (place.at === "local") return this.visit(node);
        return this.variables(node, place);
      case "FunctionDeclaration":
        if (node.id) this.valuesHere.add(node.id.name);
        if (place.at === "cell") this.functionAssignment(node);
        return this.visit(node);
      case "ClassDeclaration":
        if (node.id) this.valuesHere.add(node.id.name);
        if (place.at === "cell") this.classAssignment(node);
        return this.visit(node);
      case "TSEnumDeclaration":
        return this.enumeration(node, place);
      case "TSModuleDeclaration":
        return this.namespace(node, place);
      default:
        return this.visit(node);
    }
  }

  /** Erases types below a node and rewrites the declarations inside it. */
  private visit(node: Node): void {
    if (this.eraser.erase(node)) return;
    if (node.type === "VariableDeclaration" && this.isSessionVar(node)) this.hoistedVar(node, "statement");
    if (/^(BlockStatement|StaticBlock|.*Function.*)$/.test(node.type)) {
      this.inBlock(() => {
        this.inFunction ||= node.type !== "BlockStatement";
        this.visitChildren(node);
      });
    } else this.visitChildren(node);
    if (/Statement|Declaration|PropertyDefinition|AccessorProperty/.test(node.type)) this.eraser.endStatement(node);
  }

  private visitChildren(node: Node): void {
    for (const child of remaining(node, this.eraser)) {
      if (child.type === "VariableDeclaration" && node.type.startsWith("For") && this.isSessionVar(child)) {
        this.hoistedVar(child, "loop");
        this.visitChildren(child);
      } else if (child.type === "ClassBody") {
        for (const member of child.body) this.member(member, node as Class);
      } else this.statement(child, local);
    }
  }

  /** A `var` outside functions belongs to the session, however deep in blocks. */
  private isSessionVar(node: VariableDeclaration): boolean {
    return node.kind === "var" && !this.inFunction;
  }

  private replace(node: Node, text: string): void {
    const lines = this.text.slice(node.start, node.end).replace(/[^\n]/g, "");
    this.output.update(node.start, node.end, text + lines);
  }

  private replaceOrBlank(node: Node, text: string | null): void {
    if (text === null) this.eraser.blankStatement(node);
    else this.replace(node, text);
  }

  // ---- Declarations that become assignments -------------------------------------------------------------------------------------------

  private target(name: string, place: Place): string {
    return place.at === "export" ? `${place.namespace}.${name}` : this.bindingOf(name);
  }

  /** `const a = 1, { b } = c` becomes `a = 1, ({ b } = c)`; the names themselves are written with every other occurrence. */
  private variables(node: VariableDeclaration, place: Place): void {
    if (this.eraser.erase(node)) return;
    this.eraser.blank(node.start, node.declarations[0]!.start, ";");
    for (const each of node.declarations) {
      if (node.kind.endsWith("using")) this.resource(node, each);
      this.asAssignment(each, node.kind === "var");
      for (const child of remaining(each, this.eraser)) this.visit(child);
      this.eraser.erase(each);
    }
    if (place.at === "cell") for (const each of node.declarations) this.eraser.endStatement(each);
    this.eraser.endStatement(node);
  }

  private asAssignment(node: VariableDeclarator, keepsValue: boolean): void {
    const { id } = node;
    if (!node.init && !keepsValue && id.type === "Identifier") this.output.appendLeft(id.start + id.name.length, "=void 0");
    if (id.type !== "ObjectPattern") return;
    this.output.appendLeft(node.start, "(");
    this.eraser.close(node.end, ")");
  }

  private resource(node: VariableDeclaration, { init }: VariableDeclarator): void {
    if (!init) return;
    const isAsync = node.kind === "await using";
    this.usesResources = isAsync || this.usesResources === "async" ? "async" : "sync";
    this.output.appendRight(init.start, `__resources.${isAsync ? "useAsync" : "use"}(`);
    this.eraser.close(init.end, ")");
  }

  private hoistedVar(node: VariableDeclaration, where: "statement" | "loop"): void {
    const first = node.declarations[0]!;
    this.eraser.blank(node.start, first.start, where === "statement" ? ";" : "");
    if (where === "statement") for (const each of node.declarations) this.asAssignment(each, true);
  }

  /** `function f` becomes `f=function`, as long as before. */
  private functionAssignment(node: FunctionNode): void {
    if (!node.id) return;
    const keyword = this.text.slice(node.start, node.id.start).trimEnd();
    const head = `${this.bindingOf(node.id.name)}=${keyword}`;
    const length = node.id.end - node.start;
    this.output.update(node.start, node.id.end, head.padEnd(length)).appendLeft(node.end, ";");
  }

  /** A decorated class stays a declaration, inside a function of its own, because old decorators know no class expressions. */
  private classAssignment(node: Class): void {
    if (!node.id || node.declare) return;
    const binding = this.bindingOf(node.id.name);
    const decorated = node.decorators.length > 0 || node.body.body.some((each) => "decorators" in each && each.decorators.length > 0);
    this.output.appendRight(node.start, decorated ? `${binding}=(()=>{` : `${binding}=`);
    this.output.appendLeft(node.end, decorated ? `;return ${node.id.name}})();` : ";");
  }

  private exported(node: Node, declaration: Node, place: Place): void {
    const inNamespace = place.at === "export";
    const name = "id" in declaration && declaration.id && "name" in declaration.id ? declaration.id.name : null;
    if (this.isTypeOnly(declaration)) return this.eraser.blankStatement(node);
    this.eraser.blank(node.start, node.start + "export".length);
    if (inNamespace && declaration.type === "ClassDeclaration") {
      this.output.appendLeft(declaration.end, `;${place.namespace}.${name}=${name};`);
    }
    if (inNamespace && (declaration.type === "FunctionDeclaration" || declaration.type === "ClassDeclaration")) {
      return this.statement(declaration, local);
    }
    this.statement(declaration, place);
  }

  private isTypeOnly(node: Node): boolean {
    if (node.type === "TSInterfaceDeclaration" || node.type === "TSTypeAliasDeclaration" || node.type === "TSDeclareFunction") return true;
    if (node.type === "TSModuleDeclaration") return !hasValues(node);
    return "declare" in node && node.declare === true;
  }

  private exportDefault(node: Extract<Node, { type: "ExportDefaultDeclaration" }>, place: Place): void {
    const { declaration } = node;
    if (declaration.type === "TSInterfaceDeclaration" || declaration.type === "TSDeclareFunction") return this.eraser.blankStatement(node);
    const named = (declaration.type === "FunctionDeclaration" || declaration.type === "ClassDeclaration") && declaration.id;
    const start = Math.min(declaration.start, node.end);
    const head = /^export\s+default/.exec(this.text.slice(node.start, node.end))![0];
    this.eraser.blank(node.start, node.start + head.length, named ? "" : ";");
    if (named) return this.statement(declaration, place);
    this.output.appendRight(start, "(").appendLeft(declaration.end, ")");
    this.visit(declaration);
  }

  private importEquals(node: ImportEqualsNode, place: Place): void {
    if (node.importKind === "type") return this.eraser.blankStatement(node);
    const name = place.at === "local" ? `const ${node.id.name}` : this.target(node.id.name, place);
    if (node.moduleReference.type === "TSExternalModuleReference") {
      return this.replace(node, `;${name}=(await __cellgrad.import(${node.moduleReference.expression.raw})).default;`);
    }
    this.output.update(node.start, node.id.end, `;${name}`);
  }

  // ---- Enums and namespaces -----------------------------------------------------------------------------------------------------------

  /** The left side of a declaration, and the value that an earlier declaration of the same name left (a second enum or namespace adds to it). */
  private assignee(name: string, place: Place): { readonly head: string; readonly existing: string | null } {
    const target = place.at === "local" ? name : this.target(name, place);
    const again = this.valuesHere.has(name);
    this.valuesHere.add(name);
    return { head: place.at === "local" && !again ? `let ${name}=` : `${target}=`, existing: again ? target : null };
  }

  /** `enum E { A, B = 2 }` becomes `E=__cellgrad.helpers.enumeration({},(E,$)=>[$("A"),$("B",2)]);`. */
  private enumeration(node: EnumNode, place: Place): void {
    if (this.eraser.erase(node)) return;
    const { name } = node.id;
    const { head, existing } = this.assignee(name, place);
    this.output.update(node.start, node.body.start + 1, `;${head}__cellgrad.helpers.enumeration(${existing ?? "{}"},(${name},$)=>[`);
    for (const { id, initializer, start, end } of node.body.members) {
      const key = id.type === "Identifier" ? JSON.stringify(id.name) : this.text.slice(id.start, id.end);
      this.output.update(start, initializer?.start ?? end, initializer ? `$(${key},` : `$(${key})`);
      if (initializer) this.eraser.close(end, ")");
      if (initializer) this.visit(initializer);
    }
    this.output.update(node.end - 1, node.end, "]);");
  }

  /** `namespace N { export const a = 1 }` becomes `N=((N)=>{N.a=1;return N})({});`. */
  private namespace(node: NamespaceNode, place: Place): void {
    if (this.eraser.erase(node) || !node.body) return;
    const path = namespacePath(node.id);
    const innermost = path.at(-1)!;
    const { head, existing } = this.assignee(path[0]!, place);
    const opens = path.map((name, i) => (i === 0 ? `${head}((${name})=>{` : `${path[i - 1]}.${name}=((${name})=>{`));
    const closes = path.map((name, i) => `;return ${name}})(${i === 0 ? (existing ?? "{}") : `${path[i - 1]}.${name}??{}`});`);
    const functions = node.body.body.flatMap((each) => (each.type === "ExportNamedDeclaration" ? (declaredFunction(each) ?? []) : []));
    const exports = functions.map((name) => `${innermost}.${name}=${name};`);
    this.output.update(node.start, node.body.start + 1, `;${opens.join("")}${exports.join("")}`);
    this.inBlock(() => {
      this.inFunction = true;
      for (const statement of node.body!.body) {
        this.statement(statement, statement.type === "ExportNamedDeclaration" ? { at: "export", namespace: innermost } : local);
      }
    });
    this.output.update(node.end - 1, node.end, closes.reverse().join(""));
  }

  private inBlock(body: () => void): void {
    const { inFunction, valuesHere } = this;
    this.valuesHere = new Set();
    body();
    this.valuesHere = valuesHere;
    this.inFunction = inFunction;
  }

  // ---- Classes ------------------------------------------------------------------------------------------------------------------------

  private member(node: Node, owner: Class): void {
    if (node.type === "MethodDefinition" && node.kind === "constructor") this.parameterProperties(node.value, owner);
    this.visit(node);
  }

  /** `constructor(private x)` also assigns `this.x`, after `super()` in a derived class. */
  private parameterProperties(node: FunctionNode, owner: Class): void {
    const names = node.params.flatMap((each) => {
      if (each.type !== "TSParameterProperty") return [];
      const target: Node = each.parameter.type === "AssignmentPattern" ? each.parameter.left : each.parameter;
      return target.type === "Identifier" ? [target.name] : [];
    });
    if (!node.body || names.length === 0) return;
    const assignments = names.map((name) => `this.${name}=${name};`).join("");
    const superCall = owner.superClass ? node.body.body.find(isSuperCall) : undefined;
    if (superCall) this.output.appendLeft(superCall.end, `;${assignments}`);
    else this.output.appendLeft(node.body.start + 1, assignments);
  }
}

function namespacePath(id: Node): string[] {
  if (id.type === "TSQualifiedName") return [...namespacePath(id.left), id.right.name];
  return id.type === "Identifier" ? [id.name] : [];
}

function isSuperCall(statement: Node): boolean {
  return (
    statement.type === "ExpressionStatement" &&
    statement.expression.type === "CallExpression" &&
    statement.expression.callee.type === "Super"
  );
}

/** The name of the function that a statement declares, exported or not. */
function declaredFunction(node: Node): string | null {
  if (node.type === "ExportNamedDeclaration" && node.declaration) return declaredFunction(node.declaration);
  if (node.type === "ExportDefaultDeclaration") return declaredFunction(node.declaration);
  return node.type === "FunctionDeclaration" && node.id ? node.id.name : null;
}

/** Whether a top-level statement does anything when the cell reaches it. */
function runsCode(node: Node): boolean {
  if (node.type === "ExpressionStatement") return !node.directive;
  return !["EmptyStatement", "TSInterfaceDeclaration", "TSTypeAliasDeclaration", "TSDeclareFunction"].includes(node.type);
}
