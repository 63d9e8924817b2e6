/** How fast a model ran on each back end of this browser: what is kept of it, which one wins, how it is said. */

/** A back end of ONNX Runtime Web. */
export type Provider = "wasm" | "webgpu";

/** The best of a few warm runs on each, in milliseconds; null where the model does not run. */
export type Timings = Readonly<Record<Provider, number | null>>;

/** Where timings are kept between visits. */
export interface TimingMemory {
  recall(key: string): Promise<Timings | undefined>;
  remember(key: string, timings: Timings): Promise<void>;
}

/** What timings hold for: a model's file, this graphics adapter, that many threads. */
export const timingKey = (file: string, bytes: number, adapter: string, threads: number): string =>
  [file, bytes, adapter, threads].join("|");

/** The faster one; WASM if they are equal. */
export const fasterOf = ({ wasm, webgpu }: Timings): Provider =>
  (webgpu ?? Infinity) < (wasm ?? Infinity) ? "webgpu" : "wasm";

/** `3.1 ms`, `fails`. */
export const timingText = (milliseconds: number | null): string =>
  milliseconds === null ? "fails" : `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;

const storageKey = "relprop-timings";
/** Models, more or less, that a browser keeps timings of. */
const mostKept = 50;

const isTiming = (value: unknown): value is number | null => value === null || typeof value === "number";

const isTimings = (value: unknown): value is Timings =>
  typeof value === "object" &&
  value !== null &&
  "wasm" in value &&
  "webgpu" in value &&
  isTiming(value.wasm) &&
  isTiming(value.webgpu);

/**
 * Keeps timings in localStorage. What it cannot read, or is not allowed to keep, is timed again at the next visit.
 * @param storage throws where the browser forbids it, as in private windows of some
 */
export function storedTimings(storage: () => Pick<Storage, "getItem" | "setItem">): TimingMemory {
  const read = (): (readonly [string, Timings])[] => {
    try {
      const all: unknown = JSON.parse(storage().getItem(storageKey) ?? "[]");
      return Array.isArray(all)
        ? all.filter(
            (each): each is [string, Timings] =>
              Array.isArray(each) && typeof each[0] === "string" && isTimings(each[1]),
          )
        : [];
    } catch {
      return [];
    }
  };
  return {
    recall: async (key) => read().find(([each]) => each === key)?.[1],
    remember: async (key, timings) => {
      const others = read().filter(([each]) => each !== key);
      try {
        storage().setItem(storageKey, JSON.stringify([...others, [key, timings]].slice(-mostKept)));
      } catch {
        // Full or forbidden.
      }
    },
  };
}
