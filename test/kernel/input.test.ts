/** Questions that cells ask (rows 32 and 52 of the acceptance list): prompt, confirm, alert, and where nobody can answer. */
import { beforeEach, describe, expect, test } from "vitest";
import type { Message } from "../../kernel/protocol/message.js";
import { kernel } from "./kernel.js";

const started = kernel();
let asked: Message[];

/** Answers the questions of the next cells with these lines, in turn; leaves later ones open. */
function answers(...lines: string[]): void {
  started.client.onInput = (question) => {
    asked.push(question);
    return lines.shift() ?? null;
  };
}

beforeEach(() => {
  asked = [];
  answers();
});

describe("where somebody watches (row 52)", () => {
  test("prompt waits for a line in a synchronous cell, and an empty line is the default", async () => {
    answers("Ada é😀", "", "");
    const { result } = await started.client.execute('[prompt("Name?"), prompt("Town?", "Paris"), prompt()]');
    expect(result).toBe("[ 'Ada é😀', 'Paris', '' ]");
    expect(asked.map(({ content }) => content)).toEqual([
      { prompt: "Name? ", password: false },
      { prompt: "Town? ", password: false },
      { prompt: "", password: false },
    ]);
  });

  test("a password is asked for as one", async () => {
    answers("secret", "");
    const { result } = await started.client.execute(
      '[prompt("Token", { password: true }), prompt("Token", { password: true, default: "none" })]',
    );
    expect(result).toBe("[ 'secret', 'none' ]");
    expect(asked[0]!.content).toEqual({ prompt: "Token ", password: true });
  });

  test("confirm is true for y and yes only, alert waits for Enter", async () => {
    answers("y", " YES ", "n", "", "yellow", "");
    const { result } = await started.client.execute('[confirm("Go?"), confirm(), confirm(), confirm(), confirm(), alert("Seen?")]');
    expect(result).toBe("[ true, true, false, false, false, undefined ]");
    expect(asked.at(0)!.content.prompt).toBe("Go? [y/N] ");
    expect(asked.at(-1)!.content.prompt).toBe("Seen? [Enter] ");
  });

  test("a question carries the cell's header, and the cell's output before it was published", async () => {
    const { client } = started;
    const seen = new Promise<string>((resolve) => {
      client.onInput = (question) => {
        asked.push(question);
        resolve("seen");
        return "x";
      };
    });
    const cell = client.start('console.log("before"); prompt("?")');
    await client.printed(cell, "before");
    await seen;
    expect(asked[0]!.parent.msg_id).toBe(cell.id);
    await cell.published;
  });

  test("the answer to an earlier question is passed over", async () => {
    const { client } = started;
    const question = new Promise<Message>((resolve) => (client.onInput = (message) => (resolve(message), null)));
    const first = client.start('prompt("first")');
    const stale = await question;
    await client.interrupt();
    await first.published;
    client.onInput = (message) => {
      void client.reply(stale, "stale").then(() => client.reply(message, "fresh"));
      return null;
    };
    expect((await client.execute('prompt("second")')).result).toBe("'fresh'");
  });

  test("the kernel's own names can be taken", async () => {
    expect((await started.client.execute('const prompt = "mine"; prompt')).result).toBe("'mine'");
  });
});

test("an interrupt ends the wait for an answer, and the next cell can ask (row 32)", async () => {
  const { client } = started;
  for (const code of ['globalThis.prompt("?")', 'try { globalThis.prompt("?") } catch {} for (;;);']) {
    const question = new Promise<void>((resolve) => (client.onInput = () => (resolve(), null)));
    const cell = client.start(`// @ts-nocheck\n${code}`);
    await question;
    void client.interrupt();
    expect((await cell.reply).content).toMatchObject({ status: "error", ename: "KeyboardInterrupt" });
    await cell.published;
  }
  answers("again");
  const next = await client.execute("// @ts-nocheck\nglobalThis.prompt()");
  expect([next.result, next.stderr]).toEqual(["'again'", ""]);
});

describe("where nobody can answer, asking is an error at once (row 52):", () => {
  test("input is not allowed", async () => {
    for (const name of ["confirm", "alert"]) {
      const { error } = await started.client.execute(`${name}("?")`, { allow_stdin: false });
      expect(error).toMatchObject({ ename: "InputError" });
      expect(error!.evalue).toMatch(new RegExp(`^${name}: nobody can answer here.*allow_stdin is false.*JupyterLab`));
    }
    expect(asked).toEqual([]);
  });

  test("the cell has ended", async () => {
    const { client } = started;
    const cell = client.start(
      'setTimeout(() => { try { alert("?") } catch (error) { console.log((error as Error).message) } }, 20)\nvoid 0',
    );
    const { content } = await client.printed(cell, "alert");
    expect(content.text).toBe("alert: the cell has ended, so that no front end shows an input for it\n");
  });
});
