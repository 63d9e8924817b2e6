/** What ONNX Runtime made of a model starts the next run, and never where anything is wrong with it. */

import { mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { Explainer, sessionModel, type SessionModel } from "@relprop/core";
import { float32Tensor, GraphBuilder, ints, readModel, writeModel } from "@relprop/core/onnx";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cachingRuntime, type FileRuntime } from "../src/sessions/optimized-cache.ts";
import { flipByte } from "./support/flip-byte.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-optimized-"));
  vi.stubEnv("RELPROP_CACHE", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

const wave = (length: number, from: number): number[] =>
  Array.from({ length }, (_, i) => Math.sin(3 * i + from));

function prepared(): SessionModel {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 12, 12]);
  const w = b.constant(float32Tensor(wave(16 * 27, 1), [16, 3, 3, 3]), "w");
  const u = b.constant(float32Tensor(wave(16 * 16 * 9, 2), [16, 16, 3, 3]), "u");
  const y = b.op("Relu", [b.op("Conv", [b.op("Relu", [b.op("Conv", [x, w])]), u])]);
  b.output(b.op("ReduceMean", [y], { axes: ints([2, 3]), keepdims: { type: "int", value: 0 } }), "p");
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
  return sessionModel(readModel(Buffer.concat(writeModel(model).chunks)), { composite: "epsilon-plus" });
}

/** A runtime that remembers what sessions were made of. */
function watched(fails: (model: Uint8Array | string) => boolean = () => false): {
  runtime: FileRuntime;
  made: ("bytes" | "file")[];
} {
  const made: ("bytes" | "file")[] = [];
  const create: FileRuntime["InferenceSession"]["create"] = async (model, options) => {
    if (fails(model)) throw new Error("no kernel");
    made.push(typeof model === "string" ? "file" : "bytes");
    return typeof model === "string"
      ? ort.InferenceSession.create(model, options)
      : ort.InferenceSession.create(model, options);
  };
  return { runtime: { InferenceSession: { create }, Tensor: ort.Tensor }, made };
}

async function relevance(runtime: FileRuntime, key = "key"): Promise<Float32Array> {
  const sessionOptions = { logSeverityLevel: 3 as const };
  const explainer = new Explainer({
    ort: cachingRuntime(runtime, key, 1e5),
    prepared: prepared(),
    sessionOptions,
  });
  const input = { data: Float32Array.from(wave(2 * 3 * 144, 5)), dims: [2, 3, 12, 12] };
  const { relevance: found } = await explainer.explain(input, { target: 1 });
  await explainer.dispose();
  return found.data;
}

const kept = async (): Promise<string> => {
  const names = await readdir(join(folder, "optimized"));
  expect(names).toHaveLength(1);
  return join(folder, "optimized", names[0] ?? "");
};

test("the second start is from what the first one made", async () => {
  const { runtime, made } = watched();
  const first = await relevance(runtime);
  expect((await readdir(await kept())).toSorted()).toEqual(["model.onnx", "seal.json", "weights.bin"]);
  expect(await relevance(runtime)).toEqual(first);
  expect(made).toEqual(["bytes", "file"]);
});

test("another model is another one's", async () => {
  const { runtime, made } = watched();
  await relevance(runtime, "one");
  await relevance(runtime, "two");
  expect(made).toEqual(["bytes", "bytes"]);
});

test.each<[string, (place: string) => Promise<unknown>]>([
  ["weights are cut off", (place) => truncate(join(place, "weights.bin"), 4000)],
  ["a single byte of the weights is another one", (place) => flipByte(join(place, "weights.bin"))],
  ["the graph is another one", (place) => writeFile(join(place, "model.onnx"), "rubbish")],
  ["the seal is broken", (place) => writeFile(join(place, "seal.json"), "{}")],
  ["weights are gone", (place) => rm(join(place, "weights.bin"))],
])("it is made anew where %s", async (_, spoil) => {
  const { runtime, made } = watched();
  const first = await relevance(runtime);
  await spoil(await kept());
  expect(await relevance(runtime)).toEqual(first);
  expect(await relevance(runtime)).toEqual(first);
  expect(made).toEqual(["bytes", "bytes", "file"]);
});

test("it is made anew where ONNX Runtime can't start from it", async () => {
  await relevance(watched().runtime);
  const { runtime, made } = watched((model) => typeof model === "string");
  await relevance(runtime);
  expect(made).toEqual(["bytes"]);
});

test("a folder that can't be written to costs nothing but time", async () => {
  await writeFile(join(folder, "optimized"), "in the way");
  const { runtime, made } = watched();
  await relevance(runtime);
  await relevance(runtime);
  expect(made).toEqual(["bytes", "bytes"]);
});

test("what could not be made leaves nothing behind", async () => {
  await expect(relevance(watched(() => true).runtime)).rejects.toThrow("no kernel");
  expect(await readdir(join(folder, "optimized"))).toEqual([]);
});
