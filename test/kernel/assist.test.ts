/** Completion and inspection with what the session holds (rows 54 and 56 of the acceptance list). */
import { expect, test } from "vitest";
import { kernel } from "./kernel.js";

const started = kernel();

/** On a busy machine the kernel answers without what comes too late: then it is asked again. */
const patient = { timeout: 20_000, interval: 50 };
const plainOf = (code: string) => expect.poll(async () => (await inspect(code)).plain, patient);
const markdownOf = (code: string) => expect.poll(async () => (await inspect(code)).markdown, patient);
const signatureOf = (code: string, name: string) => expect.poll(async () => (await signatures(code)).get(name), patient);

/** What is under the cursor at the end of `code`, as text and as Markdown. */
async function inspect(code: string): Promise<{ readonly plain: string; readonly markdown: string }> {
  const { content } = await started.client.request("inspect_request", { code, cursor_pos: [...code].length, detail_level: 0 }).reply;
  const data = content.data as { readonly [mime: string]: string };
  return { plain: data["text/plain"] ?? "", markdown: data["text/markdown"] ?? "" };
}

interface Proposal {
  readonly text: string;
  readonly type: string;
  readonly signature?: string;
}

/** What is proposed at the end of `code`. */
async function proposals(code: string): Promise<readonly Proposal[]> {
  const { content } = await started.client.request("complete_request", { code, cursor_pos: [...code].length }).reply;
  return (content.metadata as { _jupyter_types_experimental: Proposal[] })._jupyter_types_experimental;
}

/** The signature of each proposal at the end of `code`, by its text. */
async function signatures(code: string): Promise<ReadonlyMap<string, string | undefined>> {
  return new Map((await proposals(code)).map(({ text, signature }) => [text, signature]));
}

test("a tensor's dtype, shape and values are told in hover and completion, also inside objects", async () => {
  await started.client.execute('import { zeros, Tensor } from "cellgrad"; const grid = zeros(2, 3); const held = { grid, depth: 2 }');
  await plainOf("grid").toMatch(/const grid: Tensor\n\n= float32 \[2, 3\] \[\[0, 0, 0\], \[0, 0, 0\]\]$/);
  await plainOf("held.grid").toContain("= float32 [2, 3]");
  await plainOf("held").toMatch(/= \{grid: Tensor, depth: 2\}$/);
  await plainOf("grid.shape").toContain("= [2, 3]");
  await signatureOf("gri", "grid").toBe("const grid: Tensor = float32 [2, 3] [[0, 0, 0], [0, 0, 0]]");
  await signatureOf("held.gr", "grid").toBe("(property) grid: Tensor = float32 [2, 3] [[0, 0, 0], [0, 0, 0]]");
});

test("proposals of the library are functions, classes and namespaces, not values that happen to be callable", async () => {
  await started.client.execute('import * as torch from "cellgrad"; import { ones, nn } from "cellgrad"');
  const typeOf = (code: string, name: string) =>
    expect.poll(async () => (await proposals(code)).find(({ text }) => text === name)?.type, patient);
  await typeOf("torch.one", "ones").toBe("function");
  await typeOf("one", "ones").toBe("function");
  await typeOf("torch.Tens", "Tensor").toBe("class");
  await typeOf("torch.nn.Lin", "Linear").toBe("class");
  await typeOf("torch.nn.functional.rel", "relu").toBe("function");
  await typeOf("torch.float3", "float32").toBe("constant");
  await typeOf("nn", "nn").toBe("module");
});

test("nothing of the program runs for it: no getter, no proxy, no toString (row 56)", async () => {
  await started.client.execute(`
    let ran: string[] = [];
    const trap = new Proxy({ inside: 1 }, { get: () => (ran.push("get"), 1), getPrototypeOf: () => (ran.push("proto"), null), ownKeys: () => (ran.push("keys"), []) });
    class Guarded { get danger() { ran.push("getter"); return 1 } get pure() { return 1 } toString() { ran.push("text"); return "" } }
    const guarded = new Guarded(), deep = { trap, guarded }`);
  for (const code of [
    "guarded.danger",
    "guarded.pure",
    "guarded",
    "trap",
    "trap.inside",
    "deep",
    "deep.trap.inside",
    "deep.guarded.danger",
  ]) {
    expect((await inspect(code)).plain).not.toMatch(/\n= 1$/);
  }
  for (const code of ["guarded.", "trap.", "deep.trap.", "deep."]) await signatures(code);
  expect((await started.client.execute("ran")).result).toBe("[]");
});

test("inside a call its signature comes first, with the parameter that is due (row 54)", async () => {
  await started.client.execute(
    "/** Adds. */\nfunction add(first: number, second?: number) { return first + (second ?? 0) }\nconst one = 1",
  );
  const first = "```typescript\nadd(first: number, second?: number): number\n```\n\nhere: **`second?: number`**\n\nAdds.\n\n---";
  await markdownOf("add(one, one").toContain(`${first}\n\n`);
  await markdownOf("add(one, one").toContain("const one: 1");
  await plainOf("add(one, one").toMatch(/const one: 1[^]*here: second\?: number/);
  await markdownOf("add(").toContain("here: **`first: number`**");
});

test("a name that hides one of the host's is told by its own value", async () => {
  await started.client.execute("const crypto = { own: 1 }");
  await plainOf("crypto").toContain("= {own: 1}");
});

test("a name that is only half written is not inspected as any", async () => {
  await plainOf("console.log").toContain("log(");
  expect(await inspect("console.lo")).toEqual({ plain: "", markdown: "" });
  await started.client.execute("const loose: any = { depth: 3 }");
  await plainOf("loose.depth").toBe("any\n\n= 3");
});
