/** What a notebook's folder decides through the whole kernel: its compiler options, and what a type error means. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
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
