/** Arithmetic as text, in the part that JavaScript and C share: what custom ops and the rows of native/kernels/*.def are written in. */

/** A parsed expression. */
export type Expression =
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "unary"; readonly operator: "-" | "+" | "!" | "~"; readonly operand: Expression }
  | { readonly kind: "binary"; readonly operator: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "choice"; readonly condition: Expression; readonly yes: Expression; readonly no: Expression }
  | { readonly kind: "call"; readonly name: string; readonly inputs: readonly Expression[] }
  /** `(T)x` of C: a conversion to the type of the computation. */
  | { readonly kind: "cast"; readonly operand: Expression };

const pattern =
  /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|((?:Math\.)?[A-Za-z_$][\w$]*)|(===|!==|==|!=|<=|>=|<<|>>|&&|\|\||\*\*|[-+*/%<>!~&|^?:(),]))/y;

// From the loosest on; operators of one row bind alike, to the left.
const levels: readonly (readonly string[])[] = [
  ["||"],
  ["&&"],
  ["|"],
  ["^"],
  ["&"],
  ["==", "!=", "===", "!=="],
  ["<", ">", "<=", ">="],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "%"],
];

/** Parses an expression. @throws SyntaxError that shows the place */
export function parseExpression(text: string): Expression {
  const tokens: { readonly text: string; readonly at: number }[] = [];
  pattern.lastIndex = 0;
  while (text.slice(pattern.lastIndex).trim() !== "") {
    const at = pattern.lastIndex;
    const match = pattern.exec(text);
    if (match === null) throw new SyntaxError(`cannot read "${text.slice(at).trim().slice(0, 20)}"`);
    tokens.push({ text: (match[1] ?? match[2] ?? match[3])!, at });
  }
  let next = 0;
  const peek = (): string | undefined => tokens[next]?.text;
  const accept = (...wanted: string[]): string | null => (wanted.includes(peek() ?? "") ? tokens[next++]!.text : null);
  const expect = (wanted: string): void => {
    if (accept(wanted) === null)
      throw new SyntaxError(
        `expected "${wanted}" before "${text
          .slice(tokens[next]?.at ?? text.length)
          .trim()
          .slice(0, 20)}"`,
      );
  };

  const choice = (): Expression => {
    const condition = binary(0);
    if (accept("?") === null) return condition;
    const yes = choice();
    expect(":");
    return { kind: "choice", condition, yes, no: choice() };
  };
  const binary = (level: number): Expression => {
    if (level === levels.length) return power();
    let left = binary(level + 1);
    for (let operator; (operator = accept(...levels[level]!)) !== null;) {
      left = { kind: "binary", operator: operator.replace(/(?<=[=!])==$/, "="), left, right: binary(level + 1) };
    }
    return left;
  };
  const power = (): Expression => {
    const base = unary();
    return accept("**") === null ? base : { kind: "call", name: "pow", inputs: [base, power()] };
  };
  const unary = (): Expression => {
    const operator = accept("-", "+", "!", "~") as "-" | null;
    return operator === null ? primary() : { kind: "unary", operator, operand: unary() };
  };
  const primary = (): Expression => {
    const token = peek();
    if (token === undefined) throw new SyntaxError("the expression ends too early");
    if (accept("(") !== null) {
      if (peek() === "T" && tokens[next + 1]?.text === ")") {
        next += 2;
        return { kind: "cast", operand: unary() };
      }
      const inner = choice();
      expect(")");
      return inner;
    }
    next++;
    if (/^[\d.]/.test(token)) return { kind: "number", text: token };
    if (!/^[A-Za-z_$]/.test(token)) throw new SyntaxError(`did not expect "${token}"`);
    const name = token.replace(/^Math\./, "");
    if (accept("(") === null) return { kind: "name", name };
    const inputs: Expression[] = [];
    if (accept(")") === null) {
      do inputs.push(choice());
      while (accept(",") !== null);
      expect(")");
    }
    return { kind: "call", name, inputs };
  };

  const result = choice();
  if (next < tokens.length) throw new SyntaxError(`did not expect "${text.slice(tokens[next]!.at).trim().slice(0, 20)}"`);
  return result;
}

/** True for an expression whose value is a truth: a comparison, or truths joined. */
export function isTruth(e: Expression): boolean {
  if (e.kind === "binary") {
    if (["==", "!=", "<", ">", "<=", ">=", "&&", "||"].includes(e.operator)) return true;
    return ["&", "|", "^"].includes(e.operator) && isTruth(e.left) && isTruth(e.right);
  }
  return e.kind === "unary" && e.operator === "!";
}
