import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import type { Runtime } from "@relprop/core";
import { parseModelCard } from "@relprop/core/zoo";
import { expect, test } from "vitest";
import type { EngineStatus, ExplainRequest } from "@relprop/engine/engine";
import { EngineHost, type HostRuntime, type ModelFile } from "../../src/engine/engine-host.ts";
import type { Timings } from "../../src/engine/provider-timings.ts";

const path = (file: string): string => fileURLToPath(new URL(`../../public/models/${file}`, import.meta.url));
const digits: ModelFile = {
  name: "digits",
  file: "digits.onnx",
  bytes: await readFile(path("digits.onnx")),
  card: parseModelCard(JSON.parse(await readFile(path("digits.card.json"), "utf8"))),
};
const request: ExplainRequest = {
  picture: { data: new Uint8ClampedArray(4 * 28 * 28).fill(90), width: 28, height: 28 },
  composite: "fischer",
  target: { kind: "class", index: 1 },
  keep: 0,
};

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** onnxruntime-node that plays a browser: its WebGPU is the CPU, can be slow, fail, hang and be lost. */
function browser(more: Partial<HostRuntime> = {}): {
  runtime: HostRuntime;
  made: string[];
  state: { atOnce: number; most: number; webgpu: "runs" | "fails" | "hangs"; delay: Record<string, number> };
  lose: () => unknown;
} {
  const made: string[] = [];
  const state = { atOnce: 0, most: 0, webgpu: "runs" as const, delay: { wasm: 0, webgpu: 0 } };
  const device = new EventTarget();
  const lost = new Promise<void>((resolve) => device.addEventListener("lost", () => resolve()));
  const counted = async <T>(work: () => Promise<T>): Promise<T> => {
    state.most = Math.max(state.most, ++state.atOnce);
    try {
      return await work();
    } finally {
      state.atOnce--;
    }
  };
  const create = async (
    bytes: Uint8Array,
    options: ort.InferenceSession.SessionOptions,
  ): Promise<unknown> => {
    const provider = String(options.executionProviders?.[0]) as "wasm" | "webgpu";
    made.push(provider);
    const session = await counted(() =>
      ort.InferenceSession.create(bytes, { ...options, executionProviders: ["cpu"] }),
    );
    return {
      run: (feeds: ort.InferenceSession.FeedsType) =>
        counted(async () => {
          await pause(state.delay[provider]);
          const webgpu: string = state.webgpu;
          if (provider === "webgpu" && webgpu === "hangs") await new Promise(() => undefined);
          if (provider === "webgpu" && webgpu === "fails") throw new Error("OrtRun() failed\nat native code");
          return session.run(feeds);
        }),
      release: () => session.release(),
    };
  };
  const runtime: HostRuntime = {
    ort: { InferenceSession: { create }, Tensor: ort.Tensor } as unknown as Runtime,
    hasWebGpu: true,
    adapter: "test adapter",
    threads: 2,
    deviceLost: () => lost,
    ...more,
  };
  return { runtime, made, state, lose: () => device.dispatchEvent(new Event("lost")) };
}

function hostOf(
  runtime: HostRuntime,
  kept = new Map<string, Timings>(),
): { host: EngineHost; said: EngineStatus[] } {
  const said: EngineStatus[] = [];
  const host = new EngineHost({
    loadRuntime: async () => runtime,
    memory: {
      recall: async (key) => kept.get(key),
      remember: async (key, timings) => void kept.set(key, timings),
    },
    onStatus: (status) => said.push(status),
  });
  return { host, said };
}

const noProgress = (): void => undefined;

test.each([
  ["webgpu", { wasm: 40, webgpu: 0 }, /^WebGPU, [\d.]+ ms \(WASM, 2 threads: [\d.]+ ms\)$/],
  ["wasm", { wasm: 0, webgpu: 40 }, /^WASM, 2 threads, [\d.]+ ms \(WebGPU: [\d.]+ ms\)$/],
] as const)("the faster back end is kept and both times are said: %s", async (winner, delay, words) => {
  const { runtime, state } = browser();
  Object.assign(state.delay, delay);
  const { host } = hostOf(runtime);
  await host.load(digits, "auto", noProgress);
  const status = await host.status();
  expect(status.provider).toBe(winner);
  expect(status.words).toMatch(words);
  await host.dispose();
});

test("a second visit does not time again, and a choice of one's own beats the winner", async () => {
  const kept = new Map<string, Timings>();
  const first = browser();
  Object.assign(first.state.delay, { wasm: 0, webgpu: 30 });
  const { host } = hostOf(first.runtime, kept);
  await host.load(digits, "auto", noProgress);
  expect(new Set(first.made)).toEqual(new Set(["wasm", "webgpu"]));
  await host.dispose();

  const second = browser();
  const again = hostOf(second.runtime, kept).host;
  await again.load(digits, "auto", noProgress);
  expect(new Set(second.made)).toEqual(new Set(["wasm"]));
  expect((await again.status()).words).toMatch(/^WASM.* ms \(WebGPU: .* ms\)$/);
  await again.dispose();

  const third = browser();
  const chosen = hostOf(third.runtime, kept).host;
  await chosen.load(digits, "webgpu", noProgress);
  expect((await chosen.status()).words).toMatch(/^WebGPU, .* ms \(WASM, 2 threads: .* ms\)$/);
  await chosen.dispose();
});

test("WebGPU that cannot run the model is timed as failing, and said so", async () => {
  const { runtime, state } = browser();
  Object.assign(state, { webgpu: "fails" });
  const { host } = hostOf(runtime);
  await host.load(digits, "auto", noProgress);
  expect((await host.status()).words).toMatch(/^WASM, 2 threads, .* ms \(WebGPU: fails\)$/);
  await host.dispose();
});

test.each([
  ["auto", { hasWebGpu: false }, "WASM, 2 threads"],
  ["webgpu", { hasWebGpu: false, threads: 1 }, "WASM, 1 thread (no WebGPU here)"],
  ["wasm", {}, "WASM, 2 threads"],
] as const)("without a choice nothing is timed: %s", async (choice, more, words) => {
  const { runtime } = browser(more);
  const { host } = hostOf(runtime);
  await host.load(digits, choice, noProgress);
  expect((await host.status()).words).toBe(words);
  await host.dispose();
});

test("sessions of all models run one at a time, also while another model is loaded", async () => {
  const { runtime, state } = browser();
  Object.assign(state.delay, { wasm: 2, webgpu: 2 });
  const { host } = hostOf(runtime);
  await host.load(digits, "webgpu", noProgress);
  await Promise.all([
    host.run((runner) => runner.explain(request)),
    host.load({ ...digits, name: "another" }, "webgpu", noProgress),
    host.run((runner) => runner.explain({ ...request, composite: "epsilon" })),
    host.run((runner) => runner.answer(request.picture)),
  ]);
  expect(state.most).toBe(1);
  await host.dispose();
});

test.each(["fails", "hangs"] as const)(
  "a device lost in the middle of a run: the run %s there, is done on WASM, and that is said",
  async (webgpu) => {
    const { runtime, state, lose } = browser();
    const { host, said } = hostOf(runtime);
    await host.load(digits, "webgpu", noProgress);
    const before = await host.run((runner) => runner.explain(request));
    Object.assign(state, { webgpu });
    const running = host.run((runner) => runner.explain(request));
    await pause(5);
    lose();
    expect((await running).relevance).toEqual(before.relevance);
    await expect.poll(() => said.at(-1)?.words).toBe("WASM, 2 threads (WebGPU was lost)");
    // What was lost is not asked for again, not for another model either.
    await host.load({ ...digits, name: "another" }, "auto", noProgress);
    expect((await host.status()).words).toBe("WASM, 2 threads (WebGPU was lost)");
    await host.dispose();
  },
);

test("a device lost while nothing runs: the model moves at once, and that is said", async () => {
  const { runtime, lose } = browser();
  const { host, said } = hostOf(runtime);
  await host.load(digits, "webgpu", noProgress);
  lose();
  await expect.poll(() => said).toEqual([{ provider: "wasm", words: "WASM, 2 threads (WebGPU was lost)" }]);
  expect((await host.run((runner) => runner.explain(request))).numbers.logits).toHaveLength(10);
  await host.dispose();
});

test("a failure that is no loss of the device is quoted", async () => {
  const { runtime, state } = browser();
  const { host, said } = hostOf(runtime);
  await host.load(digits, "webgpu", noProgress);
  Object.assign(state, { webgpu: "fails" });
  await host.run((runner) => runner.explain(request));
  expect(said.at(-1)?.words).toBe("WASM, 2 threads (WebGPU failed: OrtRun() failed)");
  await host.dispose();
});

test("what is wrong with a request or a model is no reason to leave WebGPU", async () => {
  const { runtime } = browser();
  const { host } = hostOf(runtime);
  await host.load(digits, "webgpu", noProgress);
  const small = { ...request, picture: { ...request.picture, width: 3 } };
  await expect(host.run((runner) => runner.explain(small))).rejects.toThrow();
  const broken = { ...digits, bytes: new Uint8Array([8, 1, 255]) };
  await expect(host.load(broken, "webgpu", noProgress)).rejects.toThrow("digits.onnx");
  expect(await host.status()).toEqual({ provider: "webgpu", words: "WebGPU" });
  expect((await host.run((runner) => runner.explain(request))).numbers.logits).toHaveLength(10);
  await host.dispose();
});
