import { expect, test } from "vitest";
import { fasterOf, storedTimings, timingKey, timingText } from "../../src/engine/provider-timings.ts";

/** A localStorage that holds what it is given. */
const storage = (held = new Map<string, string>()): Pick<Storage, "getItem" | "setItem"> => ({
  getItem: (key) => held.get(key) ?? null,
  setItem: (key, value) => void held.set(key, value),
});

test("the faster back end wins, one that fails never does, and WASM wins a draw", () => {
  expect(fasterOf({ wasm: 8, webgpu: 3 })).toBe("webgpu");
  expect(fasterOf({ wasm: 3, webgpu: 8 })).toBe("wasm");
  expect(fasterOf({ wasm: 3, webgpu: 3 })).toBe("wasm");
  expect(fasterOf({ wasm: 3, webgpu: null })).toBe("wasm");
});

test("times are said short", () => {
  expect([3.14, 42.4, null].map(timingText)).toEqual(["3.1 ms", "42 ms", "fails"]);
});

test("timings are remembered for one file, one adapter and one number of threads", async () => {
  const held = storage();
  const key = timingKey("digits.onnx", 1000, "nvidia ampere", 4);
  await storedTimings(() => held).remember(key, { wasm: 2, webgpu: null });
  const again = storedTimings(() => held);
  expect(await again.recall(key)).toEqual({ wasm: 2, webgpu: null });
  for (const other of [
    timingKey("digits.onnx", 1001, "nvidia ampere", 4),
    timingKey("digits.onnx", 1000, "intel gen-12lp", 4),
    timingKey("digits.onnx", 1000, "nvidia ampere", 1),
  ]) {
    expect(await again.recall(other)).toBeUndefined();
  }
  await again.remember(key, { wasm: 3, webgpu: 1 });
  expect(await again.recall(key)).toEqual({ wasm: 3, webgpu: 1 });
});

test("a browser keeps the newest fifty", async () => {
  const timings = storedTimings(
    (
      (held) => () =>
        held
    )(storage()),
  );
  for (let i = 0; i < 60; i++) await timings.remember(String(i), { wasm: i, webgpu: null });
  expect(await timings.recall("9")).toBeUndefined();
  expect(await timings.recall("10")).toEqual({ wasm: 10, webgpu: null });
});

test.each(["no JSON", "{}", '[["key", {"wasm": "fast"}], 7, ["key"]]'])(
  "what was written by someone else is timed anew: %s",
  async (text) => {
    const timings = storedTimings(() => storage(new Map([["relprop-timings", text]])));
    expect(await timings.recall("key")).toBeUndefined();
  },
);

test("where the browser forbids it nothing is kept, and nothing fails", async () => {
  const timings = storedTimings(() => {
    throw new DOMException("denied", "SecurityError");
  });
  await timings.remember("key", { wasm: 1, webgpu: 2 });
  expect(await timings.recall("key")).toBeUndefined();
});
