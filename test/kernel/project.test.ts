/** What a notebook's folder decides through the whole kernel: its compiler options, and what a type error means. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { mappedTo } from "../../kernel/runtime/path-mapping.js";
import { withKernel } from "./kernel.js";

const wrong = "const size: number = 'large' as any as string; size";

test.each([
  [
    "a type error is only a warning where typeErrors is warn (rows 41, 43)",
    "warn",
    /TS2322[^]*Type 'string' is not assignable to type 'number'/,
  ],
  ["a type error is nothing where typeErrors is off (rows 41, 43)", "off", /^$/],
])("%s", async (_, typeErrors, said) => {
  const folder = mkdtempSync(join(tmpdir(), "cellgrad project é-"));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ cellgrad: { typeErrors } }));
  const use = async (client: Parameters<Parameters<typeof withKernel>[0]>[0]) => {
    const { result, stderr } = await client.execute(wrong);
    expect(result).toBe("'large'");
    expect(stderr).toMatch(said);
  };
  await withKernel(use, { folder });
  rmSync(folder, { recursive: true });
});

test("the folder's compiler options are the cells' (row 43)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cellgrad project é-"));
  writeFileSync(join(folder, "tsconfig.json"), '{ // a comment\n "compilerOptions": { "strict": false, "experimentalDecorators": true } }');
  await withKernel(
    async (client) => {
      expect((await client.execute("function loose(x) { return x.anything }\nlet none: string = null; none")).result).toBe("null");
      const decorated =
        "function old(target: any, key: string) { target.seen = key }\nclass C { @old field = 1 }\n(C.prototype as any).seen";
      expect((await client.execute(decorated)).result).toBe("'field'");
    },
    { folder },
  );
  rmSync(folder, { recursive: true });
});

const modules = {
  "tsconfig.json":
    '{ "compilerOptions": { "baseUrl": "./src", "paths": { "@/*": ["./*"] }, "experimentalDecorators": true, "jsx": "react", "jsxFactory": "h", "target": "es2022", } }',
  "package.json": '{ "type": "commonjs" }',
  "src/names/index.ts": "export enum Name { Ada, Alan }",
  "src/greet.ts": 'import { Name } from "@/names"; export const greet = (name: Name): string => "hello " + Name[name];',
  "src/view.tsx": "const h = (tag: string, props: object | null) => ({ tag, ...props }); export const view = (n: number) => <b id={n} />;",
  "src/marked.ts":
    "function mark(target: any, key: string) { target.marked = key }\nexport class Marked { declare marked: string; @mark method() {} }",
  "src/closing.ts":
    "export const log: string[] = [];\nexport function close() {\n  using _ = { [Symbol.dispose]: () => void log.push('closed') };\n  log.push('open');\n}",
};

test("the folder's compiler options are its modules', when they load too: paths, baseUrl, JSX, decorators (row 43)", async () => {
  const folder = mkdtempSync(join(tmpdir(), "cellgrad project é-"));
  mkdirSync(join(folder, "src/names"), { recursive: true });
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, name), text);
  await withKernel(
    async (client) => {
      const value = async (code: string) => {
        const { result, error } = await client.execute(code);
        return error ? error.traceback.join("\n") : result;
      };
      expect(await value('import { greet } from "@/greet"; import { Name } from "names"; greet(Name.Alan)')).toBe("'hello Alan'");
      expect(await value('import { view } from "./src/view"; view(3)')).toBe("{ tag: 'b', id: 3 }");
      expect(await value('import { Marked } from "marked"; new Marked().marked')).toBe("'method'");
      expect(await value('import { close, log } from "@/closing"; close(); log')).toBe("[ 'open', 'closed' ]");
      expect(await value('import { join } from "path"; typeof join')).toBe("'function'");
      writeFileSync(join(folder, "tsconfig.json"), '{ "compilerOptions": { "paths": { "~/*": ["./src/*"] } } }');
      await expect.poll(() => value('import { greet as again } from "~/greet"; again(0)'), { timeout: 10_000 }).toBe("'hello Ada'");
    },
    { folder },
  );
  rmSync(folder, { recursive: true });
});

test.each([
  ["@/a/b", ["/s/a/b"]],
  ["@/x.js", ["/js/x"]],
  ["exact", ["/e"]],
  ["exactly", ["/any/exactly", "/other/exactly"]],
])("%s is what paths makes of it: the exact pattern, else the longest text before the star", (specifier, files) => {
  const paths = { "*": ["/any/*", "/other/*"], exact: ["/e"], "@/*": ["/s/*"], "@/x*js": ["/js/x"] };
  expect(mappedTo(specifier, paths)).toEqual(files);
});
