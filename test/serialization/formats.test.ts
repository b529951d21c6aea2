/** npy, npz, safetensors and tables: what comes back, what is mapped, what is refused. */
import { mkdtempSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";

const folder = mkdtempSync(join(tmpdir(), "cellgrad-formats-"));
const at = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const all = (without: readonly string[] = []) =>
  Object.fromEntries(cg.dtypes.filter((dtype) => !without.includes(dtype)).map((dtype) => [dtype, cg.arange(6).remainder(2).to(dtype).reshape(2, 3)])); // prettier-ignore

describe.each([
  ["npz", ["bfloat16"]],
  ["safetensors", ["complex128"]],
  ["pt", []],
])("%s", (suffix, lacks) => {
  it("brings all its dtypes back, views and transposed tensors too", () => {
    const state = {
      ...all(lacks),
      t: cg.arange(6).reshape(2, 3).T,
      row: cg.arange(6).reshape(2, 3).at(1),
      none: cg.zeros(0, 3),
      one: cg.tensor(7),
    };
    cg.save(state, at(`a.${suffix}`));
    for (const mmap of [false, true]) {
      const loaded = cg.load(at(`a.${suffix}`), { mmap });
      expect(Object.keys(loaded).sort()).toEqual(Object.keys(state).sort());
      for (const [key, t] of Object.entries(state))
        expect([key, loaded[key]!.dtype, loaded[key]!.shape, loaded[key]!.tolist()]).toEqual([key, t.dtype, t.shape, t.tolist()]);
    }
  });

  it.each(lacks)("refuses %s, and the file that was there stays", (dtype) => {
    cg.save({ a: cg.ones(3) }, at(`b.${suffix}`));
    expect(() => cg.save({ a: cg.ones(2).to(dtype as cg.DType) }, at(`b.${suffix}`))).toThrow(cg.SerializationError);
    expect(cg.load(at(`b.${suffix}`))["a"]!.shape).toEqual([3]);
  });

  it("maps large tensors: their memory is the file's until they are written to, and the file stays as it is", () => {
    const state = { a: cg.arange(200_000, { dtype: "float32" }), b: cg.ones(100_000, { dtype: "int64" }) };
    cg.save(state, at(`m.${suffix}`));
    const before = readFileSync(at(`m.${suffix}`));
    const live = cg.memoryStats().allocated;
    const loaded = cg.load(at(`m.${suffix}`), { mmap: true });
    expect(cg.memoryStats().allocated - live).toBeLessThan(1000);
    loaded["a"]!.mul_(2);
    expect([loaded["a"]!.at(199_999).item(), loaded["b"]!.sum().item()]).toEqual([399_998, 100_000]);
    expect(readFileSync(at(`m.${suffix}`)).equals(before)).toBe(true);
    cg.save({ a: cg.zeros(1) }, at(`m.${suffix}`)); // a new file in the old one's place
    expect(loaded["a"]!.at(199_999).item()).toBe(399_998);
  });
});

describe("npz", () => {
  const sizes = { a: cg.zeros(1000, 100), b: cg.arange(5) };

  it("is compressed on request, in pieces that are one stream", () => {
    cg.save(sizes, at("small.npz"), { compress: true });
    expect(statSync(at("small.npz")).size).toBeLessThan(3000);
    expect(cg.load(at("small.npz"))["a"]!.equal(sizes.a)).toBe(true);
    const random = cg.randint(0, 255, [5_000_000], { dtype: "uint8" }); // more than a piece
    cg.save({ random }, at("large.npz"), { compress: true });
    expect(cg.load(at("large.npz"))["random"]!.equal(random)).toBe(true);
  });

  it("reads the arrays that are asked for", () => {
    cg.save(sizes, at("keys.npz"));
    expect(Object.keys(cg.load(at("keys.npz"), { keys: ["b"] }))).toEqual(["b"]);
    expect(() => cg.load(at("keys.npz"), { keys: ["c"] })).toThrow(/an entry "c"/);
  });

  it("inflates to no more than is allowed, and no entry to more than deflate can give", () => {
    cg.save({ a: cg.zeros(2_000_000, { dtype: "uint8" }) }, at("bomb.npz"), { compress: true });
    expect(cg.load(at("bomb.npz"))["a"]!.shape).toEqual([2_000_000]);
    expect(() => cg.load(at("bomb.npz"), { maxBytes: 1_000_000 })).toThrow(/at most 1000000 bytes of arrays.*maxBytes/);
    const bytes = readFileSync(at("bomb.npz"));
    bytes.writeUInt32LE(0xfffffff0, bytes.indexOf("PK\x01\x02") + 24);
    writeFileSync(at("bomb.npz"), bytes);
    expect(() => cg.load(at("bomb.npz"), { maxBytes: 2 ** 40 })).toThrow(/a size that fits/);
  });

  it("with a damaged array is refused by its checksum", () => {
    cg.save(sizes, at("sum.npz"));
    const bytes = readFileSync(at("sum.npz"));
    bytes[bytes.indexOf("PK\x03\x04") + 300]! ^= 1;
    writeFileSync(at("sum.npz"), bytes);
    expect(() => cg.load(at("sum.npz"))).toThrow(/checksum/);
  });
});

describe("safeOpen", () => {
  it("shows names, shapes and dtypes first, and reads a tensor when it is asked for", () => {
    cg.save({ w: cg.arange(6).reshape(2, 3), h: cg.ones(4, { dtype: "bfloat16" }) }, at("s.safetensors"), { metadata: { by: "me" } });
    const file = cg.safeOpen(at("s.safetensors"));
    expect([file.keys(), file.metadata(), file.getShape("w"), file.getDtype("h")]).toEqual([["w", "h"], { by: "me" }, [2, 3], "bfloat16"]); // prettier-ignore
    const w = file.getTensor("w");
    file.close();
    expect(w.sum().item()).toBe(15);
    expect(() => cg.safeOpen(at("s.safetensors")).getTensor("v")).toThrow(/one of \["?w"?, "?h"?\].*"v"/);
  });

  it("reads no data that nobody asks for", () => {
    cg.save({ a: cg.ones(1000, 1000), b: cg.ones(3) }, at("lazy.safetensors"));
    const live = cg.memoryStats().allocated;
    const b = cg.safeOpen(at("lazy.safetensors")).getTensor("b");
    expect([b.tolist(), cg.memoryStats().allocated - live < 1000]).toEqual([[1, 1, 1], true]);
  });
});

describe("csv", () => {
  const columns = (text: string, options: cg.LoadOptions = {}, name = "t.csv"): Record<string, unknown> => {
    writeFileSync(at(name), text);
    const loaded = cg.load<Record<string, cg.Tensor | string[]>>(at(name), options);
    return Object.fromEntries(
      Object.entries(loaded).map(([key, x]) => [key, Array.isArray(x) ? x : [x.dtype, ...(x.tolist() as number[])]]),
    );
  };

  it("gives each column the dtype that holds it", () => {
    const text = `\ufeffi,f,"b, quoted",s,n,m\n1,0.5,true,"x ""y""",1,\n-2,1e3,False,,nan,3\n\n`;
    expect(columns(text)).toEqual({
      i: ["int64", 1, -2], f: ["float32", 0.5, 1000], "b, quoted": ["bool", true, false], s: [`x "y"`, ""], n: ["float32", 1, NaN], m: ["float32", NaN, 3],
    }); // prettier-ignore
  });

  it("reads tabs, a choice of columns, one column, and no rows", () => {
    expect(columns("a\tb\n1\t2\n", {}, "t.tsv")).toEqual({ a: ["int64", 1], b: ["int64", 2] });
    expect(columns("a,b\n1,x\n", { keys: ["a"] })).toEqual({ a: ["int64", 1] });
    expect(columns("a\n1\n\n-inf")).toEqual({ a: ["float32", 1, NaN, -Infinity] });
    expect(columns("a,b\n")).toEqual({ a: ["float32"], b: ["float32"] });
  });

  it("refuses ragged rows and names that repeat", () => {
    expect(() => columns("a,b\n1,2\n3\n")).toThrow(/2 fields in row 3.*1/);
    expect(() => columns("a,a\n1,2\n")).toThrow(/different names/);
  });
});

describe("files", () => {
  it("that cannot be read or written give an error that says why", () => {
    mkdirSync(at("d.npz"), { recursive: true });
    expect(() => cg.load(at("nowhere.npy"))).toThrow(/ENOENT/);
    expect(() => cg.load(at("d.npz"))).toThrow(/a file, got a folder/);
    expect(() => cg.load("/dev/zero")).toThrow(/a file, got something else/);
    expect(() => cg.save(cg.ones(2), "/dev/null/x.npy")).toThrow(cg.SerializationError);
    expect(() => cg.save(cg.ones(2), "/dev/null")).toThrow(/object of Tensors/);
    expect(() => cg.save({ a: cg.ones(2) }, "/dev/null")).toThrow(/a file, got \/dev\/null/);
    expect(() => cg.save({ a: cg.ones(2) }, at("d.npz"))).toThrow(/a file, got the folder/);
    expect(() => cg.save({ a: cg.ones(2) }, at("a.csv"))).toThrow(/a format of tensors, got \.csv/);
    expect(() => cg.save([cg.ones(2)], at("a.npz"))).toThrow(/an object of Tensors/);
    expect(() => cg.save({ a: cg.ones(2) }, at("a.npz"), { compres: true } as never)).toThrow(/did you mean "compress"/);
    expect(() => cg.load(at("s.safetensors"), { keys: "w" } as never)).toThrow(/a list of names/);
  });

  it("behind a link are written where they are, with the mode that they have", () => {
    writeFileSync(at("real.npy"), "", { mode: 0o600 });
    symlinkSync("real.npy", at("link.npy"));
    cg.save(cg.arange(3), at("link.npy"));
    expect([cg.load<cg.Tensor>(at("real.npy")).tolist(), statSync(at("real.npy")).mode & 0o777]).toEqual([[0, 1, 2], 0o600]);
  });
});

describe("damaged files", () => {
  const seeds = { npy: () => cg.arange(60), npz: () => ({ a: cg.arange(9), b: cg.ones(2, 2) }), safetensors: () => ({ a: cg.arange(9), b: cg.ones(2, 2) }) }; // prettier-ignore
  const good = (name: string): Buffer => {
    const kind = name === "deflated" ? "npz" : (name as keyof typeof seeds);
    cg.save(seeds[kind](), at(`seed.${kind}`), { compress: name === "deflated" });
    return readFileSync(at(`seed.${kind}`));
  };

  it.each(["npy", "npz", "deflated", "safetensors"])("%s: refused or read, within twice the file's memory", (name) => {
    const bytes = good(name);
    const path = at(`damaged ${name}`);
    let state = 12345;
    const random = (n: number): number => (state = (state * 1103515245 + 12345) % 2 ** 31) % n;
    let refused = 0;
    const attempt = (): void => {
      try {
        cg.load(path);
      } catch (error) {
        expect(error).toBeInstanceOf(cg.SerializationError); // and no OutOfMemoryError
        refused++;
      }
    };
    cg.emptyCache();
    cg.setMemoryCap(cg.memoryStats().allocated + 2 * bytes.length + (name === "deflated" ? 4096 : 0));
    try {
      for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 100)) {
        writeFileSync(path, bytes);
        truncateSync(path, length);
        attempt();
      }
      expect(refused).toBeGreaterThan(60);
      for (let round = 0; round < 300; round++) {
        const damaged = Buffer.from(bytes);
        for (let k = 0; k < 3; k++) damaged[random(bytes.length)] = round % 3 === 0 ? 255 : random(256);
        writeFileSync(path, damaged);
        attempt();
      }
    } finally {
      cg.setMemoryCap(0);
    }
  });

  const header = (json: string, data = 0): Buffer => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, Buffer.from(json), Buffer.alloc(data)]);
  };
  it.each([
    ["a header of 2^63 bytes", Buffer.from("ffffffffffffff7f7b7d", "hex")],
    [
      "tensors that overlap",
      header(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]},"b":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, 6),
    ],
    ["a gap", header(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[2,6]}}`, 6)],
    ["bytes that no tensor has", header(`{"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 6)],
    ["a dtype that is none", header(`{"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}}`, 4)],
    ["a shape beyond counting", header(`{"a":{"dtype":"U8","shape":[0,9007199254740991,9007199254740991],"data_offsets":[0,0]}}`)],
    ["a shape that is larger than its data", header(`{"a":{"dtype":"F64","shape":[1000000000],"data_offsets":[0,8]}}`, 8)],
    ["metadata that are no strings", header(`{"__metadata__":{"a":1}}`)],
    ["a deep header", header(`{"a":${"[".repeat(100_000)}`)],
    ["a header of braces", header(`{"a":[${"{},".repeat(100_000)}{}]}`)],
  ])("safetensors with %s is refused", (_, bytes) => {
    writeFileSync(at("hostile"), bytes);
    expect(() => cg.load(at("hostile"))).toThrow(cg.SerializationError);
  });

  it.each([
    ["32 GiB in 80 bytes", `{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296,), }`],
    ["sizes that overflow", `{'descr': '<f8', 'fortran_order': False, 'shape': (0, 9007199254740991, 9007199254740991), }`],
    ["more dims than 16", `{'descr': '<f8', 'fortran_order': False, 'shape': (${"1,".repeat(17)}), }`],
    ["code in its header", `{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,), }`],
  ])("npy with %s is refused", (_, text) => {
    const start = Buffer.from("\x93NUMPY\x01\x00\0\0", "latin1");
    start.writeUInt16LE(text.length, 8);
    writeFileSync(at("hostile.npy"), Buffer.concat([start, Buffer.from(text), Buffer.alloc(8)]));
    expect(() => cg.load(at("hostile.npy"))).toThrow(cg.SerializationError);
  });
});
