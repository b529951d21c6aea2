/** A batch of pictures as a contact sheet. */
import { decodeBytes, type ImageLayout, type ImagesReply, type TensorPayload } from "../../src/wire/index.js";
import { create, prepareCanvas, setText } from "./dom.js";
import { latest } from "./latest.js";
import type { Frame, Picture, Selection } from "./picture.js";
import type { Scene } from "./view.js";

const sheetLimit = 64;
const gap = 3;

interface Sheet {
  readonly first: number;
  readonly reply: ImagesReply;
}

export function imagesPicture(host: HTMLElement, frame: Frame): Picture {
  const canvas = create("canvas", "cg-images", { role: "img", tabindex: "0" });
  const back = create("button", "cg-button", { type: "button", "aria-label": "Earlier pictures" }, "‹");
  const forth = create("button", "cg-button", { type: "button", "aria-label": "Later pictures" }, "›");
  const range = create("span", "cg-muted");
  const pager = create("div", "cg-row", {}, back, range, forth);
  host.replaceChildren(canvas, pager);
  const bitmap = create("canvas");
  let scene: Scene<TensorPayload>;
  let limits: Pick<Selection, "lo" | "hi">;
  let sheet: Sheet | null = null;
  let first = 0;
  let cursor: readonly number[] | null = null;
  let asked = "";

  const layout = (): ImageLayout => scene.payload.images!;
  const total = (): number => (layout().batch === null ? 1 : scene.payload.shape[layout().batch!]!);

  const fetch = latest(async () => {
    const from = first;
    const reply = await frame.ask({ kind: "images", first: from, count: Math.min(sheetLimit, total() - from), size: 160, ...limits });
    if (!reply) {
      asked = "";
      return;
    }
    sheet = { first: from, reply };
    draw();
    frame.drawn();
  });

  const fetchValue = latest(async () => {
    const at = cursor;
    if (!at || !scene.live) return;
    const { channel } = layout();
    const channels = channel === null ? [0] : Array.from({ length: Math.min(4, scene.payload.shape[channel]!) }, (_, i) => i);
    const texts: string[] = [];
    for (const i of channels) {
      const reply = await frame.ask({ kind: "value", index: at.map((value, dim) => (dim === channel ? i : value)) });
      if (!reply || cursor !== at) return;
      texts.push(reply.text);
    }
    frame.say(`[${at.map((value, dim) => (dim === channel && channels.length > 1 ? ":" : value)).join(", ")}] = ${texts.join(", ")}`);
  });

  function geometry(reply: ImagesReply): { columns: number; scale: number; width: number; height: number } {
    const available = Math.max(64, Math.min(600, scene.width - 4));
    const comfortable = reply.count === 1 ? 256 : Math.max(36, Math.min(96, Math.sqrt(160_000 / reply.count)));
    const scale = Math.max(
      Math.max(reply.width, reply.height) <= comfortable ? 1 : 0.5,
      Math.floor(comfortable / Math.max(reply.width, reply.height)),
    );
    const [width, height] = [Math.round(reply.width * scale), Math.round(reply.height * scale)];
    return {
      columns: Math.max(1, Math.min(Math.ceil(Math.sqrt(reply.count * 1.6)), Math.floor((available + gap) / (width + gap)))),
      scale,
      width,
      height,
    };
  }

  function draw(): void {
    if (!sheet) return;
    const { reply } = sheet;
    const { columns, width, height } = geometry(reply);
    const rows = Math.ceil(reply.count / columns);
    const context = prepareCanvas(canvas, columns * (width + gap) - gap, rows * (height + gap) - gap);
    context.imageSmoothingEnabled = width < reply.width;
    const rgb = decodeBytes(reply.pixels);
    const pixels = new ImageData(reply.width, reply.height);
    bitmap.width = reply.width;
    bitmap.height = reply.height;
    for (let i = 0; i < reply.count; i++) {
      fill(pixels.data, rgb, i * reply.width * reply.height * 3);
      bitmap.getContext("2d")!.putImageData(pixels, 0, 0);
      context.drawImage(bitmap, (i % columns) * (width + gap), Math.floor(i / columns) * (height + gap), width, height);
    }
    pager.hidden = total() <= sheetLimit;
    setText(range, `${sheet.first}–${sheet.first + reply.count - 1} of ${total()}`);
    back.disabled = sheet.first === 0 || !scene.live;
    forth.disabled = sheet.first + reply.count >= total() || !scene.live;
  }

  function point(event: PointerEvent): void {
    if (!sheet) return;
    const { reply } = sheet;
    const { columns, width, height } = geometry(reply);
    const [column, row] = [Math.floor(event.offsetX / (width + gap)), Math.floor(event.offsetY / (height + gap))];
    const image = row * columns + column;
    const [x, y] = [event.offsetX - column * (width + gap), event.offsetY - row * (height + gap)];
    if (image >= reply.count || column >= columns || x >= width || y >= height || x < 0 || y < 0) return leave();
    const { batch, row: rowDim, column: columnDim } = layout();
    const [h, w] = [scene.payload.shape[rowDim]!, scene.payload.shape[columnDim]!];
    const next = scene.payload.shape.map((_, dim) =>
      dim === batch
        ? sheet!.first + image
        : dim === rowDim
          ? Math.floor((y / height) * h)
          : dim === columnDim
            ? Math.floor((x / width) * w)
            : 0,
    );
    if (cursor?.join() === next.join()) return;
    cursor = next;
    fetchValue();
  }

  function leave(): void {
    cursor = null;
    frame.say("");
  }

  function turn(by: number): void {
    first = Math.max(0, Math.min(total() - 1, first + by));
    fetch();
  }

  canvas.addEventListener("pointermove", point);
  canvas.addEventListener("pointerleave", leave);
  back.addEventListener("click", () => turn(-sheetLimit));
  forth.addEventListener("click", () => turn(sheetLimit));
  pager.hidden = true;

  return {
    update(nextScene, { lo, hi }) {
      scene = nextScene;
      limits = { lo, hi };
      canvas.setAttribute("aria-label", scene.payload.summary);
      const key = JSON.stringify([scene.payload.live, scene.payload.tensorVersion, limits]);
      draw();
      if (scene.live && key !== asked) {
        asked = key;
        fetch();
      }
    },
    dispose: () => host.replaceChildren(),
  };
}

function fill(rgba: Uint8ClampedArray, rgb: Uint8Array, from: number): void {
  for (let i = 0, j = from; i < rgba.length; i += 4, j += 3) {
    rgba[i] = rgb[j]!;
    rgba[i + 1] = rgb[j + 1]!;
    rgba[i + 2] = rgb[j + 2]!;
    rgba[i + 3] = 255;
  }
}
