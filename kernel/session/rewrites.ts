/** Lines that were written over before anybody saw them: progress bars write one line many times. */

const escape = String.fromCharCode(27);
const escapes = new RegExp(`${escape}\\[[0-9;?]*[A-Za-z]`, "g");
/** Escapes that move the cursor or erase: what they write over cannot be told from the text alone. */
const moves = new RegExp(`${escape}\\[[0-9;?]*[A-HJSTfsu]`);

/** Drops what a later part of the same line covers, as a terminal draws `\r`. */
export function dropRewritten(text: string): string {
  if (!text.includes("\r")) return text;
  return text
    .split("\n")
    .map((line) => (moves.test(line) ? line : lastWrites(line)))
    .join("\n");
}

/** The parts between `\r` that no later and longer one covers; the first stays, because what comes before it may be out already. */
function lastWrites(line: string): string {
  const end = line.endsWith("\r") ? "\r" : "";
  const [first, ...parts] = line.slice(0, line.length - end.length).split("\r");
  const kept: string[] = [];
  let covered = 0;
  for (const part of parts.reverse()) {
    const width = part.includes(`${escape}[K`) || part.includes(`${escape}[2K`) ? Infinity : part.replace(escapes, "").length;
    if (width <= covered && kept.length > 0) continue;
    kept.unshift(part);
    covered = Math.max(covered, width);
  }
  return [first, ...kept].join("\r") + end;
}
