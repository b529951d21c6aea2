/** Memory shared with JavaScript and between threads: no copies, and safe lifetimes. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import * as cg from "../../src/index.js";

const library = `file://${fileURLToPath(new URL("../../build/js/src/index.js", import.meta.url))}`;

describe("typed arrays", () => {
  it("are shared by fromTypedArray and asTensor, and copied by tensor", () => {
    const data = new Float32Array([1, 2, 3, 4]);
    const [shared, same, copy] = [cg.fromTypedArray(data, [2, 2]), cg.asTensor(data), cg.tensor(data)];
    data[3] = 40;
    shared.at(0).mul_(10);
    expect([same.tolist(), copy.tolist(), [...data]]).toEqual([[10, 20, 3, 40], [1, 2, 3, 4], [10, 20, 3, 40]]); // prettier-ignore
    expect(cg.asTensor(data, { dtype: "float64" }).add_(1).dtype).toBe("float64");
    expect(data[0]).toBe(10);
  });

  it("come out without a copy on request, again and again the same memory", () => {
    const t = cg.arange(6).to("float32").reshape(2, 3);
    const row = t.at(1);
    const out = t.toTypedArray({ copy: false });
    out[4] = -1;
    row.add_(1);
    expect([[...out], row.tolist(), [...row.toTypedArray({ copy: false })]]).toEqual([[0, 1, 2, 4, 0, 6], [4, 0, 6], [4, 0, 6]]); // prettier-ignore
    const data = new Float64Array(5);
    expect(cg.fromTypedArray(data).toTypedArray({ copy: false }).buffer).toBe(data.buffer);
    expect(() => t.T.toTypedArray({ copy: false })).toThrow(/not contiguous.*contiguous\(\)/);
  });

  it("outlive their last other reference, and go with the tensor", () => {
    const before = cg.memoryStats().tensors;
    for (let i = 0; i < 20_000; i++) cg.fromTypedArray(new Float32Array(1000).fill(i)).add_(1).dispose();
    const kept = Array.from({ length: 100 }, (_, i) => cg.fromTypedArray(new Float32Array(1000).fill(i)).at(999));
    for (let i = 0; i < 2000; i++) new Float32Array(100_000).fill(7);
    expect(kept.map((t) => t.item())).toEqual(Array.from({ length: 100 }, (_, i) => i));
    kept.forEach((t) => t.dispose());
    expect(cg.memoryStats().tensors - before).toBeLessThan(20_000);
  });
});

describe("threads", () => {
  const worker = (body: string, workerData: unknown): Worker =>
    new Worker(`import { parentPort, workerData } from "node:worker_threads"; import * as cg from ${JSON.stringify(library)};\n${body}`, {
      eval: true,
      workerData,
      execArgv: ["--input-type=module"],
    } as never);

  it("see one memory through share() and fromShared(), views and dtypes included", async () => {
    const base = cg.arange(12).reshape(3, 4);
    const column = base.T.at(1);
    const peer = worker(`const t = cg.fromShared(workerData); const sum = t.sum().item(); t.mul_(10); parentPort.postMessage([sum, t.shape, t.stride(), t.dtype]);`, column.share()); // prettier-ignore
    const [message] = (await once(peer, "message")) as unknown[];
    expect(message).toEqual([15, [3], [4], "int64"]);
    expect(base.tolist()).toEqual([[0, 10, 2, 3], [4, 50, 6, 7], [8, 90, 10, 11]]); // prettier-ignore
    expect([column.isShared(), base.isShared(), cg.ones(1).isShared()]).toEqual([true, true, false]);
    await peer.terminate();
    expect(column.sum().item()).toBe(150);
  });

  it("give tensors back that live on when their maker has ended", async () => {
    const peer = worker(`parentPort.postMessage(cg.full([1000], 3, { dtype: "float32" }).share());`, null);
    const [message] = (await once(peer, "message")) as [cg.SharedTensor];
    await peer.terminate();
    const t = cg.fromShared(message);
    for (let i = 0; i < 200; i++) cg.randn(1000);
    expect(t.sum().item()).toBe(3000);
  });

  it("add up what several workers wrote", async () => {
    const total = cg.zeros(4, 1000, { dtype: "int32" }).shareMemory_();
    const peers = Array.from({ length: 4 }, (_, i) =>
      worker(
        `const t = cg.fromShared(workerData); for (let i = 0; i < 100; i++) t.add_(1); parentPort.postMessage("done");`,
        total.at(i).share(),
      ),
    );
    await Promise.all(peers.map((peer) => once(peer, "message")));
    expect([total.amin().item(), total.amax().item()]).toEqual([100, 100]);
    await Promise.all(peers.map((peer) => peer.terminate()));
  });

  it("refuse messages that do not fit their memory", () => {
    const message = cg.ones(4).share();
    for (const wrong of [
      { ...message, shape: [5] },
      { ...message, storageOffset: 1 },
      { ...message, dtype: "float46" },
      { ...message, shape: [2 ** 40, 2 ** 40], stride: [0, 0] },
      null,
      {},
    ]) {
      expect(() => cg.fromShared(wrong as never)).toThrow(cg.ValueError);
    }
  });
});

describe("an ArrayBuffer that is transferred", () => {
  const program = (body: string): string => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", `import * as cg from ${JSON.stringify(library)};\n${body}`], { encoding: "utf8" }); // prettier-ignore
    expect([status, stderr]).toEqual([0, ""]);
    return stdout;
  };
  // Node 20 has no transfer(), but V8's own function; from Node 24 on the buffer refuses, and the tensors stay as they are.
  const take = `
    import v8 from "node:v8";
    v8.setFlagsFromString("--allow-natives-syntax");
    const detach = new Function("buffer", "typeof buffer.transfer === 'function' ? buffer.transfer() : %ArrayBufferDetach(buffer)");
    const take = (buffer) => { try { detach(buffer); return true; } catch (error) { return error instanceof TypeError ? false : null; } };
    const refusal = (run) => { try { run(); return "none"; } catch (error) { return error.name + " " + /ArrayBuffer that was transferred/.test(error.message); } };`;

  it("gives an error at the next use of its tensors, views and lent memory, in every kind of op", () => {
    const lines = program(`${take}
      const data = new Float32Array(1000).fill(1);
      const t = cg.fromTypedArray(data, [10, 100]), row = t.at(1), other = cg.ones(10, 100);
      const lent = cg.ones(1000); const out = lent.toTypedArray({ copy: false });
      const double = cg.compile((x) => x.add(t)); double(other);
      const taken = [take(data.buffer), take(out.buffer)];
      const uses = [() => t.add(1), () => row.sum(), () => t.tolist(), () => cg.cat([other, t]), () => other.add(t), () => t.fill_(0), () => t.reshape(-1),
        () => other.copy_(t), () => t.stride(), () => lent.mul(2), () => t.at(3), () => double(other), () => lent.toTypedArray({ copy: false })];
      console.log(JSON.stringify({ taken, answers: uses.map(refusal) }));
      t.dispose(); row.dispose();
      console.log(other.sum().item());`).split("\n");
    const { taken, answers } = JSON.parse(lines[0]!) as { taken: boolean[]; answers: string[] };
    const refuses = Number(process.versions.node.split(".")[0]) >= 24;
    expect(taken).toEqual([!refuses, !refuses]);
    expect(answers).toEqual(Array(13).fill(refuses ? "none" : "DisposedError true"));
    expect(lines[1]).toBe(refuses ? "0" : "1000");
  });
});
