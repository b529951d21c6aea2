/** Pools: memory of a device for one purpose, with a name and figures of its own. */
import { io, native } from "../runtime/addon.js";
import { choose } from "../runtime/chosen.js";
import { deviceCode, deviceName, getDefaultDevice, type Device } from "./device.js";
import { ValueError, describe, formatBytes } from "./errors.js";

/** Memory of a pool, in bytes. */
export interface PoolStats {
  /** In live tensors. */
  readonly allocated: number;
  /** Kept for the next allocation of the pool. */
  readonly cached: number;
  /** The most that was ever allocated. */
  readonly peak: number;
  readonly allocations: number;
}

const open = new Set<MemPool>();

/**
 * A part of a device's memory that only tensors made inside {@link useMemPool} have (torch.cuda.MemPool): its blocks are never mixed with
 * others, it has figures of its own, and goes back as a whole. On the CPU, which caches blocks by size, a pool counts.
 * @example const weights = new MemPool("weights"); useMemPool(weights, () => zeros(1000)); weights.stats().allocated
 */
export class MemPool {
  readonly device: Device;
  private readonly number: number;
  private readonly dev: number;

  /** @param name for people @param device default: the default device @throws DeviceError when it is absent */
  constructor(
    readonly name: string,
    { device = getDefaultDevice() }: { readonly device?: Device } = {},
  ) {
    if (typeof name !== "string" || name === "")
      throw new ValueError({ op: "MemPool", argument: "name", expected: "a name", got: describe(name) });
    this.dev = deviceCode("MemPool", device);
    this.device = deviceName(this.dev);
    this.number = native.openPool(this.dev);
    open.add(this);
  }

  stats(): PoolStats {
    native.poolMemory(this.number);
    return { allocated: io[0]!, cached: io[1]!, peak: io[2]!, allocations: io[3]! };
  }

  /** Gives the pool's memory back to the driver: now, or when its last tensor is gone. Nothing more can be made in it. */
  release(): void {
    open.delete(this);
    native.closePool(this.number);
  }

  /** @internal */
  run<T>(body: () => T): T {
    if (!open.has(this))
      throw new ValueError({ op: "useMemPool", argument: "pool", expected: "an open pool", got: `"${this.name}", which was released` });
    return choose("pool", this.dev, this.number, body);
  }
}

/** The pools of a device that were not released. */
export const memPools = (device: Device = getDefaultDevice()): readonly MemPool[] => {
  const name = deviceName(deviceCode("memPools", device));
  return [...open].filter((pool) => pool.device === name);
};

/** @internal The pools of a device, one a line. */
export const poolLines = (device: Device): string[] =>
  memPools(device).map((pool) => {
    const { allocated, cached, peak } = pool.stats();
    return `pool "${pool.name}": ${formatBytes(allocated)}, peak ${formatBytes(peak)}, cached ${formatBytes(cached)}`;
  });

/**
 * Runs `body` with tensors of the pool's device made in the pool; an async body keeps it across its awaits (torch.cuda.use_mem_pool).
 * @example useMemPool(new MemPool("activations"), () => randn(64, 64).exp())
 */
export function useMemPool<T>(pool: MemPool, body: () => T): T {
  if (!(pool instanceof MemPool)) throw new ValueError({ op: "useMemPool", argument: "pool", expected: "a MemPool", got: describe(pool) });
  if (typeof body !== "function") throw new ValueError({ op: "useMemPool", argument: "body", expected: "a function", got: describe(body) });
  return pool.run(body);
}
