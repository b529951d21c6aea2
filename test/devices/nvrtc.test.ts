/** NVIDIA's own compiler, which needs no card, compiles every CUDA text of the table of samples. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import { expect, it } from "vitest";
import * as cg from "../../src/index.js";
import { textsOf } from "./cuda.js";
import { names, run } from "./walk.js";

// Turing to Blackwell. Each text goes to one of them by turns, which takes 15 seconds; CELLGRAD_TEST_NVRTC=all takes each to all.
const architectures = ["75", "80", "86", "89", "90", "100", "120"];
const choice = process.env["CELLGRAD_TEST_NVRTC"] === "all" ? "all" : "turns";

it("NVRTC compiles every text, from sm_75 to sm_120", (context) => {
  const folder = textsOf((device) => {
    for (const name of names) run(name, device);
    const x = cg.ones(4, 3, { device, requiresGrad: true });
    for (const Optimizer of [cg.optim.SGD, cg.optim.Adam]) {
      x.grad = x.detach();
      new Optimizer([x], { lr: 0.1 }).step();
    }
    const z = cg.complex(x.detach(), x.detach());
    const functions = [
      "sqrt",
      "exp",
      "log",
      "sin",
      "cos",
      "tan",
      "sinh",
      "cosh",
      "tanh",
      "sigmoid",
      "log1p",
      "expm1",
      "sgn",
      "rsqrt",
    ] as const;
    for (const name of functions) z[name]();
    for (const t of [z.div(z), z.pow(z), z.lerp(z, 0.3), z.isinf(), z.matmul(z.t()), z.to("complex128").mul(z)]) t.dispose();
    // Of a person's text nobody else computes the same: that the device only keeps it is an error.
    const halved = cg.kernelOp("halved", {
      parameters: { t: "tensor", rows: "i64", scale: "T" },
      text: "out[i] = i / t_size(1) < rows ? sigmoid(t[i]) * scale : 0;",
      ops: (t: cg.Tensor, rows: number, scale: number) => t.at(`:${rows}`).mul(scale),
    });
    expect(() => halved(x.detach(), 2, 0.5)).toThrow(cg.DeviceError);
    for (const dtype of ["float64", "float16", "bfloat16", "int8", "bool"] as const) x.detach().t().to(dtype).add(x.detach().t()).to(dtype);
  });
  mkdirSync("build/test", { recursive: true });
  const program = resolve("build/test/compile_texts");
  const sources = ["test/devices/nvrtc/compile_texts.cpp", "device/cuda/compiler.cpp", "device/cuda/libraries.cpp", "device/library.cpp"];
  execFileSync(process.env["CXX"] || "c++", [
    ...["-std=c++20", "-O1", "-pthread", "-Inative", "-o", program],
    ...sources.map((path) => (path.startsWith("test") ? path : `native/${path}`)),
    "-ldl",
  ]);
  const env = { ...process.env, CELLGRAD_CUDA_PATH: "", VIRTUAL_ENV: resolve(".venv") };
  const { stdout } = spawnSync(program, [folder, choice, ...architectures], { encoding: "utf8", env });
  if (stdout.startsWith("absent") && process.env["CI"] !== "true") return context.skip(stdout.trim());
  console.log(`${stdout.trim()} (${choice === "all" ? "each for" : "by turns for"} sm_${architectures.join(", sm_")})`);
  const [, texts = "0", compilations = "0", refused] = /(\d+) texts, (\d+) compilations, (\d+) refused/.exec(stdout) ?? [];
  expect(Number(texts)).toBeGreaterThan(280);
  expect(Number(compilations)).toBe(Number(texts) * (choice === "all" ? architectures.length : 1));
  expect(refused, stdout).toBe("0");
});
