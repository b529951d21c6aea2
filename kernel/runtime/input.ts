/** prompt, confirm and alert for user code: they wait in place, as in a browser, for what the front end answers. */
import { receiveMessageOnPort, type MessagePort } from "node:worker_threads";
import { activeCell } from "./cells.js";
import { emit } from "./channel.js";
import type { InputAnswer } from "./messages.js";

/** Options of {@link prompt}. */
export interface PromptOptions {
  /** What an empty answer stands for. */
  readonly default?: string;
  /** Hide what is typed, as for a password or an access token. */
  readonly password?: boolean;
}

/** Where answers come from: the agent posts one to the port, then wakes the word. */
interface Source {
  readonly word: Int32Array;
  readonly port: MessagePort;
}

let source: Source;
let lastQuestion = 0;

/** Takes the place where answers arrive; called once, before user code runs. */
export function installInput(from: Source): void {
  source = from;
}

/**
 * Asks the person at the notebook for a line of text, and waits for it.
 * @param text what is shown beside the input
 * @param options the answer that an empty line stands for, or {@link PromptOptions}
 * @returns the line, without its end
 * @throws InputError where nobody can answer: under nbconvert, or when the cell has ended
 * @example
 * const name = prompt("Your name?", "Ada")
 * const token = prompt("Access token", { password: true })
 */
export function prompt(text = "", options: string | PromptOptions = {}): string {
  const { default: fallback = "", password = false } = typeof options === "string" ? { default: options } : options;
  return ask("prompt", withSpace(text), password) || fallback;
}

/**
 * Asks a yes-or-no question, and waits for the answer.
 * @returns true for y or yes, false for anything else
 * @throws InputError where nobody can answer
 * @example
 * if (confirm("Start again from the first step?")) step = 0
 */
export function confirm(text = ""): boolean {
  return /^\s*y(es)?\s*$/i.test(ask("confirm", `${withSpace(text)}[y/N] `, false));
}

/**
 * Shows a text and waits until it was seen.
 * @throws InputError where nobody can answer
 */
export function alert(text = ""): void {
  ask("alert", `${withSpace(text)}[Enter] `, false);
}

function ask(name: string, text: string, password: boolean): string {
  const cell = activeCell.getStore();
  if (!cell?.interactive)
    throw new InputError(
      `${name}: nobody can answer here, because this run allows no input (allow_stdin is false, as under nbconvert): ` +
        "run the cell in JupyterLab, VS Code or jupyter console, or put the value into the code",
    );
  const id = ++lastQuestion;
  Atomics.store(source.word, 0, 0);
  emit({ type: "input", id, key: cell.key, prompt: text, password });
  const answer = awaitAnswer(id);
  if (answer.refusal !== null) throw new InputError(`${name}: ${answer.refusal}`);
  return answer.value;
}

/** Blocks this thread; an interrupt ends the wait, and then the answer that still comes is passed over here. */
function awaitAnswer(id: number): InputAnswer {
  for (;;) {
    const received = receiveMessageOnPort(source.port) as { readonly message: InputAnswer } | undefined;
    if (received?.message.id === id) return received.message;
    if (received) continue;
    Atomics.wait(source.word, 0, 0);
    Atomics.store(source.word, 0, 0);
  }
}

function withSpace(text: string): string {
  return text === "" || /\s$/.test(text) ? text : `${text} `;
}

class InputError extends Error {
  override readonly name = "InputError";
}
