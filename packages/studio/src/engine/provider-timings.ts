/** Timings of a model on each back end of this browser: storage, comparison, wording. */

/** A back end of ONNX Runtime Web. */
export type Provider = "wasm" | "webgpu";

/** The best of a few warm runs on each, in milliseconds; null if the model does not run there. */
export type Timings = Readonly<Record<Provider, number | null>>;

/** Stores timings between visits. */
export interface TimingMemory {
  recall(key: string): Promise<Timings | undefined>;
  remember(key: string, timings: Timings): Promise<void>;
}

/** What a timing depends on: the model's file, the graphics adapter, the number of threads. */
export const timingKey = (file: string, bytes: number, adapter: string, threads: number): string =>
  [file, bytes, adapter, threads].join("|");

/** The faster one; WASM if they are equal. */
export const fasterOf = ({ wasm, webgpu }: Timings): Provider =>
  (webgpu ?? Infinity) < (wasm ?? Infinity) ? "webgpu" : "wasm";

/** Formats a timing: `3.1 ms`, `fails`. */
export const timingText = (milliseconds: number | null): string =>
  milliseconds === null ? "fails" : `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms`;

const storageKey = "relprop-timings";
/** The approximate number of models whose timings are kept. */
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
 * Keeps timings in localStorage. Timings that cannot be read or stored are measured again on the next visit.
 * @param storage throws if the browser forbids it, as some private windows do
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
        // Storage is full or forbidden.
      }
    },
  };
}
