/** What transformed cells call at run time: resources of `using`, enums, and the helpers of lowered syntax. */
import type { CellResources, LanguageHooks } from "./types.js";

export const languageHooks: LanguageHooks = {
  resources: () => new Resources(),
  helpers: { enumeration, usingCtx, decorate, decorateParam },
};

type Disposer = () => unknown;

/** Node 20 knows `Symbol.dispose`, but neither `DisposableStack` nor `SuppressedError`. */
class Resources implements CellResources {
  private readonly disposers: Disposer[] = [];
  private failure: { readonly error: unknown } | null = null;

  use<T>(value: T): T {
    const dispose = method(value, Symbol.dispose);
    if (dispose) this.disposers.push(() => void dispose.call(value));
    return value;
  }

  useAsync<T>(value: T): T {
    const asyncDispose = method(value, Symbol.asyncDispose, Symbol.dispose);
    if (asyncDispose) this.disposers.push(() => asyncDispose.call(value));
    return value;
  }

  fail(error: unknown): void {
    this.failure = this.failure ? { error: suppressed(error, this.failure.error) } : { error };
  }

  dispose(): void {
    for (let next = this.disposers.pop(); next; next = this.disposers.pop()) {
      try {
        next();
      } catch (error) {
        this.fail(error);
      }
    }
    if (this.failure) throw this.failure.error;
  }

  async disposeAsync(): Promise<void> {
    for (let next = this.disposers.pop(); next; next = this.disposers.pop()) {
      try {
        await next();
      } catch (error) {
        this.fail(error);
      }
    }
    if (this.failure) throw this.failure.error;
  }
}

function method(value: unknown, ...keys: readonly symbol[]): ((this: unknown) => unknown) | null {
  if (value === null || value === undefined) return null;
  for (const key of keys) {
    const found = (value as { [key: symbol]: unknown })[key];
    if (typeof found === "function") return found as () => unknown;
  }
  throw new TypeError("The value of a using declaration must have a [Symbol.dispose]() method");
}

function suppressed(error: unknown, earlier: unknown): Error {
  const both = new Error("An error was suppressed during disposal");
  return Object.assign(both, { name: "SuppressedError", error, suppressed: earlier });
}

/** Adds members to an enum: a number also names its member, and the next member without a value counts on. */
function enumeration(
  members: Record<string, unknown>,
  define: (members: Record<string, unknown>, add: (name: string, value?: unknown) => void) => void,
): Record<string, unknown> {
  let next = 0;
  define(members, (name, value = next) => {
    members[name] = value;
    if (typeof value !== "number") return;
    members[value] = name;
    next = value + 1;
  });
  return members;
}

/** The helper that lowered `using` declarations inside functions call (shape of @oxc-project/runtime's usingCtx). */
function usingCtx() {
  const resources = new Resources();
  let isAsync = false;
  return {
    u: <T>(value: T): T => resources.use(value),
    a: <T>(value: T): T => {
      isAsync = true;
      return resources.useAsync(value);
    },
    set e(error: unknown) {
      resources.fail(error);
    },
    d: () => (isAsync ? resources.disposeAsync() : resources.dispose()),
  };
}

type LegacyDecorator = (target: unknown, key?: string | symbol, descriptor?: PropertyDescriptor) => unknown;

/** TypeScript's `__decorate`, for tsconfig's experimentalDecorators. */
function decorate(
  decorators: readonly LegacyDecorator[],
  target: object,
  key?: string | symbol,
  descriptor?: PropertyDescriptor | null,
): unknown {
  const onMember = key !== undefined;
  let result: unknown = !onMember ? target : descriptor === null ? Object.getOwnPropertyDescriptor(target, key) : descriptor;
  for (const decorator of [...decorators].reverse()) {
    result = (onMember ? decorator(target, key, result as PropertyDescriptor) : decorator(result)) ?? result;
  }
  if (onMember && result) Object.defineProperty(target, key, result as PropertyDescriptor);
  return result;
}

/** TypeScript's `__param`. */
function decorateParam(
  index: number,
  decorator: (target: unknown, key: string | symbol | undefined, index: number) => void,
): LegacyDecorator {
  return (target, key) => decorator(target, key, index);
}
