/** ONNX Runtime Web: its build, location and threads. Runs in the worker only. */

import type * as Ort from "onnxruntime-web/wasm";
import asyncifyMjs from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import asyncifyWasm from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import jspiMjs from "onnxruntime-web/ort-wasm-simd-threaded.jspi.mjs?url";
import jspiWasm from "onnxruntime-web/ort-wasm-simd-threaded.jspi.wasm?url";
import wasmMjs from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasmWasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import type { HostRuntime, ProviderChoice } from "./engine-host.ts";

/**
 * Loads the smallest suitable build: `jspi` or `webgpu` if there is an adapter, else `wasm`.
 * The default build is never used: it lacks operators, and a few give wrong numbers.
 * @param wanted `wasm` requests no adapter; `auto` takes no software adapter, since it would be slower than WASM.
 */
export async function loadRuntime(wanted: ProviderChoice): Promise<HostRuntime> {
  const adapter = wanted === "wasm" ? undefined : await findAdapter(wanted === "webgpu");
  const hasWebGpu = adapter !== undefined;
  const ort = await importBuild(hasWebGpu);
  // Half of the cores, as in ONNX Runtime, but both if there are two.
  const threads = globalThis.crossOriginIsolated
    ? Math.min(4, Math.max(2, Math.ceil(navigator.hardwareConcurrency / 2)), navigator.hardwareConcurrency)
    : 1;
  ort.env.wasm.numThreads = threads;
  ort.env.logLevel = "error";
  return {
    ort,
    hasWebGpu,
    adapter: adapter ? nameOf(adapter.info) : "",
    threads,
    deviceLost: async () => (await ort.env.webgpu.device).lost,
  };
}

const absolute = (path: string): string => new URL(path, self.location.href).href;

async function importBuild(hasWebGpu: boolean): Promise<typeof Ort> {
  const [ort, mjs, wasm] = !hasWebGpu
    ? [await import("onnxruntime-web/wasm"), wasmMjs, wasmWasm]
    : "Suspending" in WebAssembly
      ? [await import("onnxruntime-web/jspi"), jspiMjs, jspiWasm]
      : [await import("onnxruntime-web/webgpu"), asyncifyMjs, asyncifyWasm];
  ort.env.wasm.wasmPaths = { mjs: absolute(mjs), wasm: absolute(wasm) };
  return ort;
}

async function findAdapter(mayBeSoftware: boolean): Promise<GPUAdapter | undefined> {
  if (!("gpu" in navigator) || !navigator.gpu) return undefined;
  const adapter = await navigator.gpu.requestAdapter().catch(() => null);
  return adapter !== null && (mayBeSoftware || !adapter.info.isFallbackAdapter) ? adapter : undefined;
}

/** `nvidia ampere`; browsers reveal no more. */
const nameOf = ({ vendor, architecture, device, description }: GPUAdapterInfo): string =>
  [vendor, architecture, device, description].filter((part) => part !== "").join(" ");
