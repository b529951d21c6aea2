/** Finds what every name in a cell means: the names it declares, the ones it takes from elsewhere, and what generated code must call them. */
import type {
  AccessorProperty,
  ArrowFunctionExpression,
  Class,
  Function as FunctionExpression,
  MethodDefinition,
  PropertyDefinition,
} from "oxc-parser";
import { children, type Node, type Program } from "./syntax.js";
import type { DeclarationKind } from "./types.js";

/** A name declared somewhere in a cell. */
export interface Variable {
  readonly name: string;
  readonly kind: DeclarationKind | "parameter";
  /** Exists for the checker only: types, `declare`, type-only imports. */
  readonly ambient: boolean;
  /** What code must say instead of the name: `N.x` for the export `x` of a namespace N, `E.A` inside the enum E. */
  readonly target: string | null;
}

/** A place where a name is written. */
export interface Occurrence {
  readonly name: string;
  readonly start: number;
  readonly scope: Scope;
  /** Stands for key and value: `{ x }`. */
  readonly shorthand: boolean;
  /** Inside a type, which is erased. */
  readonly inType: boolean;
  /** Inside a function, which may run later. */
  readonly deferred: boolean;
  /** Inside a function that nothing calls on the spot: what it names may be declared by a later cell. */
  readonly later: boolean;
}

/** Syntax that the transform must treat. */
export interface Features {
  readonly dynamicImports: Node[];
  readonly importMetas: Node[];
  /** `using` below the top level, decorators, `accessor`, JSX. */
  usingInside: boolean;
  decorators: boolean;
  jsx: boolean;
}

export interface CellScopes {
  readonly top: Scope;
  readonly occurrences: readonly Occurrence[];
  readonly features: Features;
}

/** A region in which names are declared. */
export class Scope {
  readonly variables = new Map<string, Variable>();
  /** Names exported by other blocks of the same namespace or enum, with what code must call them. */
  readonly merged: Map<string, string>;

  constructor(
    readonly parent: Scope | null,
    readonly holdsVars: boolean,
    merged?: Map<string, string>,
  ) {
    this.merged = merged ?? new Map();
  }

  /** The declaration a name refers to; null when the cell does not declare it. */
  resolve(name: string): Variable | null {
    const variable = this.variables.get(name);
    if (variable) return variable;
    const target = this.merged.get(name);
    if (target) return { name, kind: "const", ambient: false, target };
    return this.parent?.resolve(name) ?? null;
  }
}

/** Analyses the scopes of a cell. */
export function analyseScopes(program: Program): CellScopes {
  const walker = new Walker();
  for (const statement of program.body) walker.visit(statement);
  return { top: walker.top, occurrences: walker.occurrences, features: walker.features };
}

type EnumNode = Extract<Node, { type: "TSEnumDeclaration" }>;
type NamespaceNode = Extract<Node, { type: "TSModuleDeclaration" }>;

class Walker {
  readonly top = new Scope(null, true);
  readonly occurrences: Occurrence[] = [];
  readonly features: Features = { dynamicImports: [], importMetas: [], usingInside: false, decorators: false, jsx: false };
  private scope = this.top;
  private typeDepth = 0;
  private functionDepth = 0;
  /** Whether the outermost function stands in a call, which may run it at once: `map((x) => f(x))`. */
  private inCall = false;
  /** The namespace whose `export` declaration is being visited. */
  private exporter: string | null = null;
  private readonly mergedOf = new Map<Scope, Map<string, Map<string, string>>>();

  visit(node: Node | null | undefined): void {
    if (!node) return;
    const exporter = this.exporter;
    this.exporter = null;
    switch (node.type) {
      case "Identifier":
        this.occur(node.name, node.start);
        this.visit(node.typeAnnotation);
        return;
      case "VariableDeclaration":
        if (node.kind.endsWith("using") && this.scope !== this.top) this.features.usingInside = true;
        for (const { id, init } of node.declarations) {
          this.pattern(id, node.kind === "await using" ? "using" : node.kind, { ambient: node.declare, exporter });
          this.visit(init);
        }
        return;
      case "FunctionDeclaration":
      case "TSDeclareFunction":
        if (node.id) this.declare(node.id.name, "function", { ambient: node.declare, exported: exporter });
        return this.functionBody(node);
      case "FunctionExpression":
      case "TSEmptyBodyFunctionExpression":
      case "ArrowFunctionExpression":
        return this.functionBody(node);
      case "ClassDeclaration":
        if (node.id) this.declare(node.id.name, "class", { ambient: node.declare, exported: exporter });
        return this.classBody(node);
      case "ClassExpression":
        return this.classBody(node);
      case "MethodDefinition":
      case "TSAbstractMethodDefinition":
      case "PropertyDefinition":
      case "TSAbstractPropertyDefinition":
      case "AccessorProperty":
      case "TSAbstractAccessorProperty":
        return this.member(node);
      case "BlockStatement":
      case "ForStatement":
      case "ForInStatement":
      case "ForOfStatement":
      case "SwitchStatement":
      case "StaticBlock":
        return this.inside(new Scope(this.scope, node.type === "StaticBlock"), () => this.all(children(node)));
      case "CatchClause":
        return this.inside(new Scope(this.scope, false), () => {
          if (node.param) this.pattern(node.param, "let");
          this.all(children(node.body));
        });
      case "ImportDeclaration":
        for (const each of node.specifiers) {
          const typeOnly = node.importKind === "type" || (each.type === "ImportSpecifier" && each.importKind === "type");
          this.declare(each.local.name, "import", { ambient: typeOnly });
        }
        return;
      case "TSImportEqualsDeclaration":
        this.declare(node.id.name, "import", { ambient: node.importKind === "type", target: exporter });
        if (node.moduleReference.type !== "TSExternalModuleReference") this.visit(node.moduleReference);
        return;
      case "ExportNamedDeclaration":
        this.exporter = this.namespaceName;
        this.visit(node.declaration);
        this.exporter = null;
        if (!node.source)
          for (const { local } of node.specifiers) if (local.type === "Identifier") this.occur(local.name, local.start, { inType: true });
        return;
      case "ExportAllDeclaration":
      case "BreakStatement":
      case "ContinueStatement":
      case "TSExternalModuleReference":
      case "TSNamespaceExportDeclaration":
        return;
      case "LabeledStatement":
        return this.visit(node.body);
      case "CallExpression":
      case "NewExpression":
        return this.call(node);
      case "MemberExpression":
        this.visit(node.object);
        if (node.computed) this.visit(node.property);
        return;
      case "Property":
        if (node.computed) this.visit(node.key);
        return this.propertyValue(node);
      case "MetaProperty":
        if (node.meta.name === "import") this.features.importMetas.push(node);
        return;
      case "ImportExpression":
        this.features.dynamicImports.push(node);
        return this.all(children(node));
      case "Decorator":
        this.features.decorators = true;
        return this.visit(node.expression);
      case "JSXElement":
      case "JSXFragment":
        this.features.jsx = true;
        return this.all(children(node));
      case "JSXOpeningElement":
        this.jsxName(node.name);
        this.visit(node.typeArguments);
        return this.all(node.attributes);
      case "JSXClosingElement":
        return this.jsxName(node.name);
      case "JSXAttribute":
        return this.visit(node.value);
      case "TSEnumDeclaration":
        return this.enumBody(node, exporter);
      case "TSModuleDeclaration":
        return this.namespaceBody(node, exporter);
      case "TSInterfaceDeclaration":
      case "TSTypeAliasDeclaration":
        this.declare(node.id.name, node.type === "TSTypeAliasDeclaration" ? "type" : "interface", { ambient: true });
        return this.inside(new Scope(this.scope, false), () => this.types([...children(node)].slice(1)));
      case "TSAsExpression":
      case "TSSatisfiesExpression":
      case "TSTypeAssertion":
        this.visit(node.expression);
        return this.types([node.typeAnnotation]);
      case "TSNonNullExpression":
        return this.visit(node.expression);
      case "TSInstantiationExpression":
        this.visit(node.expression);
        return this.types([node.typeArguments]);
      default:
        if (node.type.startsWith("TS")) return this.type(node);
        return this.all(children(node));
    }
  }

  private type(node: Node): void {
    switch (node.type) {
      case "TSTypeParameter":
        this.declare(node.name.name, "type", { ambient: true });
        return this.types([node.constraint, node.default]);
      case "TSFunctionType":
      case "TSConstructorType":
      case "TSCallSignatureDeclaration":
      case "TSConstructSignatureDeclaration":
      case "TSMethodSignature":
        return this.inside(new Scope(this.scope, false), () => {
          if (node.type === "TSMethodSignature" && node.computed) this.types([node.key]);
          this.types([node.typeParameters]);
          this.typeDepth++;
          for (const parameter of node.params) this.pattern(parameter, "parameter");
          this.typeDepth--;
          this.types([node.returnType]);
        });
      case "TSPropertySignature":
        if (node.computed) this.types([node.key]);
        return this.types([node.typeAnnotation]);
      case "TSIndexSignature":
        return this.types([...node.parameters.map((each) => each.typeAnnotation), node.typeAnnotation]);
      case "TSMappedType":
        return this.inside(new Scope(this.scope, false), () => {
          this.declare(node.key.name, "type", { ambient: true });
          this.types([node.constraint, node.nameType, node.typeAnnotation]);
        });
      case "TSConditionalType":
        return this.inside(new Scope(this.scope, false), () => this.types(children(node)));
      case "TSQualifiedName":
        return this.types([node.left]);
      case "TSTypePredicate":
        return this.types([node.typeAnnotation]);
      case "TSImportType":
        return this.types([node.typeArguments]);
      case "TSNamedTupleMember":
        return this.types([node.elementType]);
      default:
        return this.types(children(node));
    }
  }

  private types(nodes: Iterable<Node | null | undefined>): void {
    this.typeDepth++;
    this.all(nodes);
    this.typeDepth--;
  }

  private all(nodes: Iterable<Node | null | undefined>): void {
    for (const node of nodes) this.visit(node);
  }

  private inside(scope: Scope, body: () => void): void {
    const outer = this.scope;
    this.scope = scope;
    body();
    this.scope = outer;
  }

  private call(node: Node): void {
    const outer = this.inCall;
    if (this.functionDepth === 0) this.inCall = true;
    this.all(children(node));
    this.inCall = outer;
  }

  private functionBody(node: FunctionExpression | ArrowFunctionExpression): void {
    this.inside(new Scope(this.scope, true), () => {
      if (node.type === "FunctionExpression" && node.id) this.declare(node.id.name, "function", {});
      this.visit(node.typeParameters);
      this.functionDepth++;
      for (const parameter of node.params) this.pattern(parameter, "parameter");
      this.visit(node.returnType);
      if (node.body?.type === "BlockStatement") this.all(children(node.body));
      else this.visit(node.body);
      this.functionDepth--;
    });
  }

  private classBody(node: Class): void {
    this.all(node.decorators);
    this.inside(new Scope(this.scope, false), () => {
      if (node.id) this.declare(node.id.name, "class", {});
      this.visit(node.typeParameters);
      this.visit(node.superClass);
      this.visit(node.superTypeArguments);
      this.types(node.implements ?? []);
      this.all(node.body.body);
    });
  }

  private member(node: MethodDefinition | PropertyDefinition | AccessorProperty): void {
    if (node.type === "AccessorProperty" || node.type === "TSAbstractAccessorProperty") this.features.decorators = true;
    this.all(node.decorators);
    if (node.computed) this.visit(node.key);
    if ("typeAnnotation" in node) this.visit(node.typeAnnotation);
    if (!node.static) this.functionDepth++;
    this.visit(node.value);
    if (!node.static) this.functionDepth--;
  }

  private propertyValue(node: Extract<Node, { type: "Property" }>): void {
    const value: Node = node.value;
    if (!node.shorthand) return this.visit(value);
    const name = value.type === "AssignmentPattern" ? value.left : value;
    if (name.type === "Identifier") this.occur(name.name, name.start, { shorthand: true });
    if (value.type === "AssignmentPattern") this.visit(value.right);
  }

  private jsxName(node: Node): void {
    if (node.type === "JSXMemberExpression") return this.jsxName(node.object);
    if (node.type === "JSXIdentifier" && /^[^a-z]/.test(node.name)) this.occur(node.name, node.start);
  }

  /** Declares the names of a binding pattern. */
  private pattern(
    node: Node,
    kind: DeclarationKind | "parameter",
    options: { ambient?: boolean; exporter?: string | null; shorthand?: boolean } = {},
  ): void {
    if ("decorators" in node) this.all(node.decorators ?? []);
    switch (node.type) {
      case "Identifier":
        if (node.name !== "this") {
          this.declare(node.name, kind, { ambient: options.ambient, target: options.exporter });
          this.occur(node.name, node.start, { shorthand: options.shorthand });
        }
        return this.visit(node.typeAnnotation);
      case "TSParameterProperty":
        return this.pattern(node.parameter, kind, options);
      case "AssignmentPattern":
        this.pattern(node.left, kind, options);
        return this.visit(node.right);
      case "RestElement":
        this.pattern(node.argument, kind, { ...options, shorthand: false });
        return this.visit(node.typeAnnotation);
      case "ArrayPattern":
        for (const element of node.elements) if (element) this.pattern(element, kind, { ...options, shorthand: false });
        return this.visit(node.typeAnnotation);
      case "ObjectPattern":
        for (const property of node.properties) {
          if (property.type === "Property" && property.computed) this.visit(property.key);
          const target = property.type === "Property" ? property.value : property;
          this.pattern(target, kind, { ...options, shorthand: property.type === "Property" && property.shorthand });
        }
        return this.visit(node.typeAnnotation);
      default:
        return this.visit(node);
    }
  }

  private declare(
    name: string,
    kind: DeclarationKind | "parameter",
    options: { ambient?: boolean; target?: string | null; exported?: string | null },
  ): void {
    let scope = this.scope;
    if (kind === "var") while (!scope.holdsVars) scope = scope.parent!;
    const target = options.target ? `${options.target}.${name}` : null;
    const known = scope.variables.get(name);
    const ambient = options.ambient ?? false;
    if (!known || known.ambient) scope.variables.set(name, { name, kind, ambient, target });
    const exportedBy = options.target ?? options.exported;
    if (exportedBy && !ambient) scope.merged.set(name, `${exportedBy}.${name}`);
  }

  private occur(name: string, start: number, options: { shorthand?: boolean; inType?: boolean } = {}): void {
    const inType = options.inType ?? this.typeDepth > 0;
    const shorthand = options.shorthand ?? false;
    this.occurrences.push({
      name,
      start,
      scope: this.scope,
      shorthand,
      inType,
      deferred: this.functionDepth > 0,
      later: this.functionDepth > 0 && !this.inCall,
    });
  }

  private enumBody(node: EnumNode, exporter: string | null): void {
    const { name } = node.id;
    this.declare(name, "enum", { ambient: node.declare, target: exporter });
    const scope = new Scope(this.scope, false, this.mergedBlocks(name));
    this.inside(scope, () => {
      for (const { id } of node.body.members) {
        if (id.type === "Identifier") scope.merged.set(id.name, `${name}.${id.name}`);
        else if (id.type === "Literal") scope.merged.set(String(id.value), `${name}[${id.raw}]`);
      }
      for (const { initializer } of node.body.members) this.visit(initializer);
    });
  }

  private namespaceBody(node: NamespaceNode, exporter: string | null): void {
    if (node.id.type === "Literal" || node.global) return;
    const path: string[] = [];
    for (let id: Node = node.id; ; id = id.left) {
      if (id.type === "TSQualifiedName") path.unshift(id.right.name);
      else if (id.type === "Identifier") path.unshift(id.name);
      if (id.type !== "TSQualifiedName") break;
    }
    const ambient = node.declare || !hasValues(node);
    this.declare(path[0]!, "namespace", { ambient, target: exporter });
    const outer = this.scope;
    for (const name of path) this.scope = new Scope(this.scope, true, this.mergedBlocks(name));
    const namespaceName = this.namespaceName;
    this.namespaceName = path.at(-1)!;
    if (ambient) this.types(node.body ? [node.body] : []);
    else this.all(node.body?.body ?? []);
    this.namespaceName = namespaceName;
    this.scope = outer;
  }

  private namespaceName: string | null = null;

  /** The exports that all blocks of a namespace or enum in the current scope share. */
  private mergedBlocks(name: string): Map<string, string> {
    const inScope = this.mergedOf.get(this.scope) ?? new Map<string, Map<string, string>>();
    this.mergedOf.set(this.scope, inScope);
    const merged = inScope.get(name) ?? new Map<string, string>();
    inScope.set(name, merged);
    return merged;
  }
}

/** Whether a namespace exists at run time: it holds anything but types. */
export function hasValues(node: NamespaceNode): boolean {
  if (node.declare) return false;
  const statements: readonly Node[] = node.body?.body ?? [];
  return statements.some((statement) => {
    const inner = statement.type === "ExportNamedDeclaration" && statement.declaration ? statement.declaration : statement;
    if (inner.type === "TSModuleDeclaration") return hasValues(inner);
    return inner.type !== "TSInterfaceDeclaration" && inner.type !== "TSTypeAliasDeclaration";
  });
}
