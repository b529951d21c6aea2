/** Draws operands whose shapes do not fit: a box for each size, those that clash hatched. */
import { boxWidth, originText, shortCode, type OperandPicture, type ShapeErrorPayload } from "../../wire/shape-error.js";
import { heading, ink, label, margin, type Drawing } from "../picture/picture.js";

const width = 620;
const boxHeight = 24;
const rowHeight = 58;
const bad = "#b3261e";

export function drawShapeError({ op, operands, fixes }: ShapeErrorPayload): Drawing {
  const head = heading([`${op}: the shapes do not fit`]);
  const hatch = `<pattern id="h" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect width="6" height="6" fill="#fdeceb"/><path d="M0 0V6" stroke="${bad}" stroke-width="2"/></pattern>`;
  const body = [`<defs>${hatch}</defs>`, head.body];
  let y = margin + head.height + 4;
  const widest = Math.max(0, ...operands.map(({ shape }) => widthOf(shape)));
  for (const operand of operands) {
    body.push(drawOperand(operand, y, widest));
    y += rowHeight;
  }
  for (const { code, shape } of fixes) {
    body.push(label(margin, y + 12, "works", { fill: ink.muted, size: 9 }));
    body.push(label(margin + 40, y + 12, `${shortCode(code, 66)}  gives [${shape.join(", ")}]`));
    y += 18;
  }
  return { width, height: y + margin, body: body.join(""), blocks: [], cells: [], colors: 16 };
}

const widthOf = (shape: readonly number[]): number => shape.reduce((sum, size) => sum + boxWidth(size) + 4, 0);

/** Sizes end at one line on the right, as shapes are matched. */
function drawOperand({ argument, code, shape, clash, origin }: OperandPicture, y: number, widest: number): string {
  const out = [label(margin, y + 16, shortCode(code ?? argument, 22))];
  let x = margin + 150 + widest - widthOf(shape);
  if (shape.length === 0) out.push(label(x, y + 16, "a number", { fill: ink.muted }));
  shape.forEach((size, dim) => {
    const [box, clashes] = [boxWidth(size), clash.includes(dim)];
    const fill = clashes ? "url(#h)" : "#eef3fa";
    out.push(`<rect x="${x}" y="${y}" width="${box}" height="${boxHeight}" rx="3" fill="${fill}" stroke="${clashes ? bad : "#7a93b8"}"/>`);
    if (clashes) out.push(`<rect x="${x + box / 2 - 14}" y="${y + 4}" width="28" height="16" rx="3" fill="white"/>`);
    out.push(label(x + box / 2, y + 16, String(size), { anchor: "middle", ...(clashes ? { fill: bad } : {}) }));
    x += box + 4;
  });
  const where = [code === null || code === argument ? "" : argument, origin === null ? "" : originText(origin)].filter(Boolean).join(", ");
  out.push(label(margin + 150, y + boxHeight + 14, shortCode(where, 84), { fill: ink.muted, size: 9 }));
  return out.join("");
}
