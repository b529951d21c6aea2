/** What arithmetic on tensors is called where TypeScript's operators take numbers only: `a * b + 1` is `a.mul(b).add(1)`. */
import { children, parseCell, type Node } from "./syntax.js";

/** Arithmetic of which some operands may be tensors. */
export interface Arithmetic {
  readonly start: number;
  readonly end: number;
  readonly operator: string;
  /** The operands that are names, members and calls: where their name stands, and whether it is called. */
  readonly operands: readonly Operand[];
  /** The same by methods of the operands that are tensors; null when an operator has none, or no operand is a tensor. */
  written(tensors: ReadonlySet<Operand>): string | null;
}

export interface Operand {
  readonly offset: number;
  readonly isCalled: boolean;
}

/** Methods by operator; in place for assignments. */
const methods: Readonly<Record<string, string>> = {
  "+": "add", "-": "sub", "*": "mul", "/": "div", "%": "remainder", "**": "pow", "&": "bitwiseAnd", "|": "bitwiseOr", "^": "bitwiseXor",
  "<": "lt", "<=": "le", ">": "gt", ">=": "ge", "<<": "bitwiseLeftShift", ">>": "bitwiseRightShift",
  "+=": "add_", "-=": "sub_", "*=": "mul_", "/=": "div_", "%=": "remainder_", "**=": "pow_",
}; // prettier-ignore

/** What `number OP tensor` is as a method of the tensor. */
const reversed: Readonly<Record<string, (number: string) => string>> = {
  "+": (number) => `.add(${number})`,
  "*": (number) => `.mul(${number})`,
  "-": (number) => `.neg().add(${number})`,
  "/": (number) => (number === "1" ? ".reciprocal()" : `.reciprocal().mul(${number})`),
  "<": (number) => `.gt(${number})`,
  "<=": (number) => `.ge(${number})`,
  ">": (number) => `.lt(${number})`,
  ">=": (number) => `.le(${number})`,
};

/** Whether an operator answers yes or no. */
export function isComparison(operator: string): boolean {
  return /^[<>]=?$/.test(operator);
}

/** The whole of the arithmetic that holds a place of a cell. */
export function arithmeticAt(code: string, start: number, end: number): Arithmetic | null {
  const parsed = parseCell(code, { jsx: false });
  if (!parsed.ok || parsed.wrapped) return null;
  const whole = outermost(parsed.program as unknown as Node, start, end);
  if (!whole) return null;
  const operands = new Map<Node, Operand>();
  collect(whole, operands);
  const written = (tensors: ReadonlySet<Operand>) => {
    const isTensor = (node: Node): boolean => {
      if (isOperation(node)) return isTensor(node.left) || isTensor(node.right);
      const operand = operands.get(node);
      return operand ? tensors.has(operand) : [...operandsIn(node)].some(isTensor);
    };
    return isTensor(whole) ? write(whole, code, isTensor) : null;
  };
  return { start: whole.start, end: whole.end, operator: whole.operator, operands: [...operands.values()], written };
}

type Operation = Node & { readonly operator: string; readonly left: Node; readonly right: Node };

function isOperation(node: Node): node is Operation {
  return (node.type === "BinaryExpression" || node.type === "AssignmentExpression") && Object.hasOwn(methods, node.operator);
}

/** What stands in brackets, after a sign or before `!` counts as what is in there. */
function* operandsIn(node: Node): Generator<Node> {
  if (node.type === "ParenthesizedExpression" || node.type === "TSNonNullExpression") yield node.expression;
  if (node.type === "UnaryExpression") yield node.argument;
}

/** The outermost arithmetic of which a place is part; what stands among the arguments of a call is arithmetic of its own. */
function outermost(node: Node, start: number, end: number): Operation | null {
  for (let at: Node | undefined = node, found: Operation | null = null; ;) {
    if (isOperation(at)) found ??= at;
    else if (!operandsIn(at).next().value) found = null;
    const inner: Node | undefined = [...children(at)].find((child) => child.start <= start && child.end >= end);
    if (!inner) return found;
    if (found && !isOperation(inner) && !operandsIn(inner).next().value) return found;
    at = inner;
  }
}

function collect(node: Node, operands: Map<Node, Operand>): void {
  if (isOperation(node)) {
    collect(node.left, operands);
    collect(node.right, operands);
    return;
  }
  for (const inner of operandsIn(node)) collect(inner, operands);
  const isCalled = node.type === "CallExpression";
  const named = isCalled ? node.callee : node;
  if (named.type === "Identifier") operands.set(node, { offset: named.start, isCalled });
  if (named.type === "MemberExpression") operands.set(node, { offset: named.property.start, isCalled });
}

/** An expression by methods; null when an operator has none. */
function write(node: Node, code: string, isTensor: (node: Node) => boolean): string | null {
  if (!isTensor(node)) return withoutBrackets(code.slice(node.start, node.end), node);
  if (node.type === "ParenthesizedExpression") return write(node.expression, code, isTensor);
  if (node.type === "UnaryExpression") {
    const operand = write(node.argument, code, isTensor);
    return operand !== null && node.operator === "-" ? `${operand}.neg()` : operand;
  }
  if (!isOperation(node)) return code.slice(node.start, node.end);
  const { operator, left, right } = node;
  const [first, second] = [write(left, code, isTensor), write(right, code, isTensor)];
  if (first === null || second === null) return null;
  if (isTensor(left)) return `${first}.${methods[operator]!}(${second})`;
  return Object.hasOwn(reversed, operator) ? second + reversed[operator]!(first) : null;
}

/** An argument stands in the brackets of its call. */
function withoutBrackets(text: string, { type }: Node): string {
  return type === "ParenthesizedExpression" ? text.slice(1, -1).trim() : text;
}
