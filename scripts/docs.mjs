/** `npm run docs`: writes the reference, one page of HTML a namespace, from the TSDoc of the built declarations into build/docs. */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { inClone } from "./environment.mjs";
import { setUp } from "./setup.mjs";

const declarations = inClone("build/js/src");
const out = inClone("build/docs");
const pages = new Map(); // title -> exported names with their texts

await setUp();
const { parseSync } = await import("oxc-parser");

/** Gathers what a module exports under a title; `export * as name` becomes a page of its own. */
function collect(title, file) {
  if (pages.has(title)) return;
  const entries = [];
  pages.set(title, entries);
  const visited = new Set();
  visit(file, null);
  entries.sort((a, b) => a.name.localeCompare(b.name, "en"));

  function visit(path, wanted) {
    const key = `${path} ${wanted?.name ?? "*"}`;
    if (visited.has(key) || !existsSync(path)) return;
    visited.add(key);
    const { text, body, comments } = read(path);
    const imported = new Map();
    for (const node of body) {
      if (node.type === "ImportDeclaration")
        for (const each of node.specifiers)
          imported.set(each.local.name, { from: node.source.value, name: each.imported?.name ?? each.type });
    }
    for (const node of body) {
      if (node.type === "ExportAllDeclaration") {
        const next = target(path, node.source.value);
        if (node.exported) collect(`${title}.${node.exported.name}`, next);
        else visit(next, wanted);
      } else if (node.type === "ExportNamedDeclaration" && node.declaration) {
        for (const name of namesOf(node.declaration)) {
          if (wanted && wanted.name !== name) continue;
          entries.push({ name: wanted?.as ?? name, doc: docBefore(node.start, comments, text), code: text.slice(node.start, node.end) });
        }
      } else if (node.type === "ExportNamedDeclaration") {
        for (const { local, exported } of node.specifiers) {
          if (wanted && wanted.name !== exported.name) continue;
          const as = wanted?.as ?? exported.name;
          const origin = node.source ? { from: node.source.value, name: local.name } : imported.get(local.name);
          if (!origin) declare(local.name, as);
          else if (origin.name === "ImportNamespaceSpecifier") collect(`${title}.${as}`, target(path, origin.from));
          else if (origin.from.startsWith(".")) visit(target(path, origin.from), { name: origin.name, as });
        }
      }
    }

    function declare(name, as) {
      for (const node of body) {
        if (!namesOf(node).includes(name)) continue;
        entries.push({ name: as, doc: docBefore(node.start, comments, text), code: text.slice(node.start, node.end) });
      }
    }
  }
}

function read(path) {
  const text = readFileSync(path, "utf8");
  const { program, comments } = parseSync(path, text);
  return { text, body: program.body, comments };
}

const target = (from, name) => resolve(dirname(from), name.replace(/\.js$/, ".d.ts"));

function namesOf(node) {
  if (node.type === "VariableDeclaration") return node.declarations.map(({ id }) => id.name);
  return node.id?.name ? [node.id.name] : [];
}

/** The text of the TSDoc comment that ends right before a position. */
function docBefore(position, comments, text) {
  const comment = comments.findLast(({ end, type, value }) => end <= position && type === "Block" && value.startsWith("*"));
  if (!comment || text.slice(comment.end, position).trim() !== "") return "";
  return comment.value
    .replace(/^\*/, "")
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim();
}

function page(title, entries) {
  const list = [...pages.keys()].map(
    (name) => `<a href="${fileOf(name)}"${name === title ? ' aria-current="page"' : ""}>${escape(name)}</a>`,
  );
  const body = entries.map(
    ({ name, doc, code }) => `<section id="${name}"><h2>${escape(name)}</h2>${prose(doc)}<pre>${highlightDocs(code)}</pre></section>`,
  );
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
  body { display: grid; grid-template-columns: 14rem minmax(0, 60rem); gap: 2rem; margin: 1rem 2rem }
  nav a { display: block } nav a[aria-current] { font-weight: 700 }
  pre { overflow: auto; padding: .75rem; border-radius: 6px; background: color-mix(in srgb, currentColor 8%, transparent); font-size: .85rem }
  .doc { opacity: .7 } dt { font-weight: 600 }
</style>
<nav>${list.join("\n")}</nav>
<main><h1>${escape(title)}</h1>
${body.join("\n")}
</main></html>
`;
}

/** Paragraphs, `code`, and one definition a block tag. Examples keep their lines. */
function prose(doc) {
  const [text = "", ...tags] = doc.split(/^(?=@\w+)/m);
  const items = tags.map((tag) => {
    const [, name, rest] = /^@(\w+)\s*([^]*)$/.exec(tag);
    const example = /^(?:```\w*\n)?([^]*?)(?:```\s*)?$/.exec(rest.trim())[1];
    return `<dt>${name}</dt><dd>${name === "example" ? `<pre>${escape(example.trimEnd())}</pre>` : inline(rest.trim())}</dd>`;
  });
  return `<p>${inline(text.trim()).replaceAll("\n\n", "</p><p>")}</p>${items.length > 0 ? `<dl>${items.join("")}</dl>` : ""}`;
}

const inline = (text) =>
  escape(text)
    .replace(/\{@link\s+([^}\s]+)[^}]*\}/g, "<code>$1</code>")
    .replace(/`([^`]+)`/g, "<code>$1</code>");
const highlightDocs = (code) => escape(code).replace(/\/\*\*[^]*?\*\//g, '<span class="doc">$&</span>');
const escape = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
const fileOf = (title) => `${title}.html`;

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });

collect("cellgrad", join(declarations, "index.d.ts"));
for (const [title, entries] of pages) writeFileSync(join(out, fileOf(title)), page(title, entries));
const documented = [...pages.values()].flat();
console.log(
  `${documented.length} exports on ${pages.size} pages, ${documented.filter(({ doc }) => doc === "").length} without a comment: ${pathToFileURL(join(out, "cellgrad.html"))}`,
);
