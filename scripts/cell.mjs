/** Runs one cell through the real kernel over real sockets, and prints what a front end would get. */
import { existsSync, readFileSync } from "node:fs";

const built = new URL("../build/js/kernel/client/client.js", import.meta.url);
if (!existsSync(built)) fail("The kernel is not built: npm run build");
const code = process.argv.length > 2 ? process.argv.slice(2).join(" ") : process.stdin.isTTY ? "" : readFileSync(0, "utf8");
if (code.trim() === "") fail("Usage: npm run cell -- 'code'");

const { Client } = await import(built);
const client = await Client.start({ folder: process.cwd() });
const started = performance.now();
const { reply, messages } = await client.execute(code);
const elapsed = performance.now() - started;
for (const { header, content } of messages) console.log(header.msg_type.padEnd(20), summary(content));
console.log("execute_reply".padEnd(20), summary(reply));
console.log(`${elapsed.toFixed(1)} ms`);
await client.stop();
process.exitCode = reply.status === "ok" ? 0 : 1;

/** Text as it is, long strings (pictures) by their length. */
function summary(content) {
  if (content.name === "stdout" || content.name === "stderr") return `${content.name}\n${content.text.trimEnd()}`;
  if (content.traceback && content.status === undefined) return `\n${content.traceback.join("\n")}`;
  return JSON.stringify(content, (_, value) =>
    typeof value === "string" && value.length > 300 ? `${value.slice(0, 60)}… (${value.length} characters)` : value,
  );
}

function fail(message) {
  console.error(message);
  process.exit(2);
}
