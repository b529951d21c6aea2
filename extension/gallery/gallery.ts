/** The gallery: every view with the payloads of test/gallery, beside each other in light and dark, with or without a kernel. */
import {
  devicesMime,
  gradientsMime,
  isDevicesPayload,
  isGradientsPayload,
  isRunPayload,
  isShapeErrorPayload,
  isTensorPayload,
  isViewReply,
  runMime,
  shapeErrorMime,
  tensorMime,
  type LiveRef,
  type MimeBundle,
  type ReplyTo,
} from "../../src/wire/index.js";
import { readTheme } from "../theme.js";
import { create } from "../views/dom.js";
import { devicesView } from "../views/devices/panel.js";
import { gradientsView } from "../views/gradients.js";
import { runView } from "../views/run.js";
import { shapeErrorView } from "../views/shape-error.js";
import { tensorView } from "../views/tensor.js";
import { Unanswered, type Live, type Question, type Scene, type View } from "../views/view.js";

interface Item {
  readonly name: string;
  readonly bundle: MimeBundle;
}

/** One mounted view, as the tests see it: `update` draws its bundle again, or another one. */
interface Exhibit {
  readonly name: string;
  readonly root: HTMLElement;
  update(bundle?: MimeBundle): void;
  dispose(): void;
}

const parameters = new URLSearchParams(location.search);

/** Asks the gallery's server as an extension asks the kernel. */
const server: Live = {
  async ask<K extends keyof ReplyTo>(live: LiveRef, question: Question<K>): Promise<ReplyTo[K]> {
    const response = await fetch("/ask", { method: "POST", body: JSON.stringify({ ...question, live, request: 1 }) });
    const reply: unknown = await response.json();
    if (!isViewReply(reply)) throw new Unanswered("failed", "not a reply");
    if (reply.kind === "gone") throw new Unanswered(reply.reason, "gone");
    if (reply.kind === "failed") throw new Unanswered("failed", reply.reason);
    return reply as ReplyTo[K];
  },
};

function mount(item: Item, parent: HTMLElement): Exhibit {
  const root = create("div", "cg-view");
  parent.append(root);
  const [view, payloadOf] = open(item.bundle, root);
  let bundle = item.bundle;
  const update = (next?: MimeBundle): void => {
    bundle = next ?? bundle;
    const theme = readTheme(root);
    root.style.setProperty("--cg-bad", theme.bad);
    const live = parameters.get("live") === "0" ? null : server;
    const width = root.clientWidth - 16;
    view.update({ payload: payloadOf(bundle), bundle: bundle.data, metadata: bundle.metadata ?? {}, theme, live, width });
  };
  update();
  return { name: item.name, root, update, dispose: () => view.dispose() };
}

/** The guard proves the type of the payload for the view beside it. */
function open({ data }: MimeBundle, root: HTMLElement): [View<unknown>, (bundle: MimeBundle) => unknown] {
  const pair = <P>(mime: string, is: (value: unknown) => value is P, createView: (root: HTMLElement) => View<P>) => {
    if (!is(data[mime])) throw new TypeError(`not a payload of ${mime}`);
    const view = createView(root);
    const any: View<unknown> = { update: (scene) => view.update(scene as Scene<P>), dispose: () => view.dispose() };
    return [any, (bundle: MimeBundle) => bundle.data[mime]] as [View<unknown>, (bundle: MimeBundle) => unknown];
  };
  if (tensorMime in data) return pair(tensorMime, isTensorPayload, tensorView);
  if (devicesMime in data) return pair(devicesMime, isDevicesPayload, devicesView);
  if (shapeErrorMime in data) return pair(shapeErrorMime, isShapeErrorPayload, shapeErrorView);
  if (runMime in data) return pair(runMime, isRunPayload, runView);
  return pair(gradientsMime, isGradientsPayload, gradientsView);
}

async function show(): Promise<Exhibit[]> {
  const items = (await (await fetch("/items")).json()) as Item[];
  const wanted = parameters.get("item");
  const themes = parameters.get("theme")?.split(",") ?? ["light", "dark"];
  const exhibits: Exhibit[] = [];
  document.body.style.setProperty("--columns", String(themes.length));
  for (const item of items) {
    if (wanted !== null && item.name !== wanted) continue;
    const row = create("section", "row", { "aria-label": item.name }, create("h2", "", {}, item.name));
    document.getElementById("items")!.append(row);
    for (const theme of themes) {
      const panel = create("div", "panel", {
        "data-jp-theme-light": String(theme === "light"),
        "data-jp-theme-name": theme === "contrast" ? "High Contrast" : theme,
      });
      row.append(panel);
      exhibits.push(mount(item, panel));
    }
  }
  return exhibits;
}

declare global {
  interface Window {
    exhibits: Promise<Exhibit[]>;
  }
}
window.exhibits = show();
addEventListener("resize", () => void window.exhibits.then((all) => all.forEach((exhibit) => exhibit.update())));
new EventSource("/changes").onmessage = () => location.reload();
