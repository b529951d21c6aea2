/** Serves the gallery of views: `npm run dev -- [--port N]`; pages reload when a source changes. */
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { context } from "esbuild";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, "build/gallery");

const page = {
  entryPoints: [join(root, "extension/gallery/gallery.ts"), join(root, "extension/gallery/gallery.css")],
  bundle: true,
  format: "esm",
  target: "es2022",
  outdir: out,
  sourcemap: true,
  logLevel: "warning",
};
const items = {
  entryPoints: [join(root, "test/gallery/index.ts")],
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20", // which has no `using`
  packages: "external",
  outfile: join(out, "items.mjs"),
  logLevel: "warning",
};
const types = { ".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".map": "application/json" };

/** Builds and serves the gallery; resolves to its address and a function that ends it. */
export async function serveGallery({ port = 0, watch = false } = {}) {
  const watchers = new Set();
  let gallery = [];
  let builds = 0;
  const load = {
    name: "load",
    setup(build) {
      build.onEnd(async (result) => {
        if (result.errors.length > 0) return;
        const module = await import(`${pathToFileURL(join(out, "items.mjs"))}?${++builds}`);
        gallery = module.galleryItems();
        for (const response of watchers) response.write("data: changed\n\n");
      });
    },
  };
  const contexts = [await context(page), await context({ ...items, plugins: [load] })];
  for (const one of contexts) await one.rebuild();
  if (watch) {
    const notify = {
      name: "notify",
      setup: (build) => build.onEnd(() => watchers.forEach((response) => response.write("data: changed\n\n"))),
    };
    await contexts[0].dispose();
    contexts[0] = await context({ ...page, plugins: [notify] });
    for (const one of contexts) await one.watch();
  }

  const server = createServer((request, response) => {
    respond(request, response).catch((error) => {
      response.writeHead(500, { "content-type": "text/plain" });
      response.end(String(error?.stack ?? error));
    });
  });
  async function respond(request, response) {
    const { pathname } = new URL(request.url, "http://localhost");
    if (pathname === "/items")
      return json(
        response,
        gallery.map(({ name, bundle }) => ({ name, bundle })),
      );
    if (pathname === "/ask") {
      const question = JSON.parse(await body(request));
      const item = gallery.find(({ name }) => name === question.live.id);
      return json(response, item?.answer?.(question) ?? { kind: "gone", request: question.request, reason: "freed" });
    }
    if (pathname === "/changes") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write(": connected\n\n");
      watchers.add(response);
      return void request.on("close", () => watchers.delete(response));
    }
    const file = pathname === "/" ? join(root, "extension/gallery/index.html") : join(out, pathname.slice(1));
    const type = types[file.slice(file.lastIndexOf("."))];
    const content = type && !pathname.includes("..") ? await readFile(file).catch(() => null) : null;
    response.writeHead(content ? 200 : 404, { "content-type": type ?? "text/plain", "cache-control": "no-store" });
    response.end(content ?? "not found");
  }

  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    url: `http://localhost:${server.address().port}/`,
    async close() {
      for (const response of watchers) response.end();
      for (const one of contexts) await one.dispose();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function json(response, value) {
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(JSON.stringify(value));
}

async function body(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: "string", default: "8090" } } });
  const { url } = await serveGallery({ port: Number(values.port), watch: true });
  console.log(`Gallery: ${url}  (Ctrl-C ends it)`);
}
