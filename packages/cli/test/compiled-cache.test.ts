/** Compiled models are kept for the next run, and never used where anything has changed. */

import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import {
  Explainer,
  readAnswer,
  sessionModel,
  type CompileOptions,
  type MethodOptions,
  type SessionModel,
} from "@relprop/core";
import {
  float32Tensor,
  GraphBuilder,
  int,
  ints,
  readModel,
  writeModel,
  type Model,
} from "@relprop/core/onnx";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { compileOnce, readOnce, type Source } from "../src/sessions/compiled-cache.ts";
import { loadModel } from "../src/models/load-model.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-compiled-"));
  vi.stubEnv("RELPROP_CACHE", folder);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.doUnmock("@relprop/core");
  vi.resetModules();
  await rm(folder, { recursive: true });
});

const wave = (length: number, from: number): number[] =>
  Array.from({ length }, (_, i) => Math.sin(3 * i + from));

/** As it comes from a file: weights are views of its bytes. Its batch-norm is folded into new weights. */
function net(): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 12, 12]);
  const vector = (name: string, from: number): ReturnType<typeof b.constant> =>
    b.constant(
      float32Tensor(
        wave(16, from).map((each) => each + 2),
        [16],
      ),
      name,
    );
  const w = b.constant(float32Tensor(wave(16 * 27, 1), [16, 3, 3, 3]), "w");
  const u = b.constant(float32Tensor(wave(16 * 16 * 9, 2), [16, 16, 3, 3]), "u");
  const v = b.constant(float32Tensor(wave(16 * 5, 3), [16, 5]), "v");
  const norm = [vector("scale", 1), vector("shift", 2), vector("mean", 3), vector("variance", 4)] as const;
  const y = b.op("Relu", [b.op("BatchNormalization", [b.op("Conv", [x, w]), ...norm])]);
  const z = b.op("Relu", [b.op("Conv", [y, u])]);
  const mean = b.op("ReduceMean", [z], { axes: ints([2, 3]), keepdims: int(0) });
  b.output(b.op("Softmax", [b.op("MatMul", [mean, v])]), "p");
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
  return readModel(Buffer.concat(writeModel(model).chunks));
}

const options: CompileOptions = { composite: "epsilon-plus", reduce: "channels" };
const of = (model: Model, id = "id"): Source => ({ model, id, useCache: true });
const file = async (): Promise<string> => {
  const names = await readdir(join(folder, "compiled"));
  expect(names).toHaveLength(1);
  return join(folder, "compiled", names[0] ?? "");
};

async function relevance(prepared: SessionModel): Promise<Float32Array> {
  const explainer = new Explainer({ ort, prepared });
  const input = { data: Float32Array.from(wave(2 * 3 * 144, 5)), dims: [2, 3, 12, 12] };
  const { relevance, top } = await explainer.explain(input, { target: 1 });
  await explainer.dispose();
  expect(top).toHaveLength(2);
  return relevance.data;
}

describe("compiled models", () => {
  test.each<[string, CompileOptions | MethodOptions]>([
    ["relevance", options],
    ["a box of the input's values", { composite: "epsilon-gamma-box", low: -3, high: 3 }],
    ["a ledger", { ...options, ledger: true }],
    ["channels of a layer", { ...options, concepts: { layer: "Relu_1" } }],
    ["another method", { method: "integrated-gradients", steps: 4 }],
  ])("come back as they were compiled: %s", async (_, chosen) => {
    const fresh = await compileOnce(of(net()), named(chosen));
    expect(fresh.how).toBe("now, and kept");
    const again = await compileOnce(of(net()), named(chosen));
    expect(again.how).toBe("from the cache");
    expect(again.model.facts).toEqual(fresh.model.facts);
    expect(again.model.view.bytes).toEqual(fresh.model.view.bytes);
    expect(again.model.view.data.map(({ data }) => Buffer.from(data))).toEqual(
      fresh.model.view.data.map(({ data }) => Buffer.from(data)),
    );
  });

  test("explain as if they had just been compiled", async () => {
    await compileOnce(of(net()), options);
    const { model } = await compileOnce(of(net()), options);
    expect(await relevance(model)).toEqual(await relevance(sessionModel(net(), options)));
  });

  test("hold no weights that the model has", async () => {
    const model = net();
    await compileOnce(of(model), options);
    const kept = await readFile(await file());
    const bytesOf = (name: string): Buffer =>
      Buffer.from(model.graph.initializers.get(name)?.bytes ?? new Uint8Array());
    expect(bytesOf("u").length).toBe(16 * 16 * 9 * 4);
    expect(kept.includes(bytesOf("u"))).toBe(false);
    const { model: again } = await compileOnce(of(model), options);
    const shared = again.view.data.filter(({ data }) => data === model.graph.initializers.get("u")?.bytes);
    expect(shared).toHaveLength(1);
  });

  test("are compiled again for another model, other options, another size", async () => {
    await compileOnce(of(net()), options);
    expect(await how(of(net(), "other"), options)).toBe("now, and kept");
    expect(await how(of(net()), { ...options, epsilon: 0.5 })).toBe("now, and kept");
    const { graph, ...rest } = net();
    const input = { name: "x", dataType: "float32", shape: ["N", 3, 16, 16] } as const;
    expect(await how(of({ ...rest, graph: { ...graph, inputs: [input] } }), options)).toBe("now, and kept");
    expect(await how(of(net()), options)).toBe("from the cache");
  });

  test("are compiled again by other code", async () => {
    await compileOnce(of(net()), options);
    for (const changed of [{ version: "9.9.9" }, { build: "another" }]) {
      vi.resetModules();
      vi.doMock("@relprop/core", async (original) => ({ ...(await original<object>()), ...changed }));
      vi.doMock("@relprop/core/internal", async (original) => ({
        ...(await original<object>()),
        ...changed,
      }));
      const { compileOnce: other } = await import("../src/sessions/compiled-cache.ts");
      expect((await other(of(net()), options)).how).toBe("now, and kept");
      expect((await other(of(net()), options)).how).toBe("from the cache");
    }
    vi.resetModules();
    vi.doMock("@relprop/core/internal", async (original) => ({
      ...(await original<object>()),
      build: undefined,
    }));
    const { compileOnce: unbuilt } = await import("../src/sessions/compiled-cache.ts");
    // What changes from moment to moment can't be told apart.
    expect((await unbuilt(of(net()), options)).how).toBe("now");
    vi.doUnmock("@relprop/core/internal");
  });

  test("what was read of a model is kept too, and read again if it is broken", async () => {
    const real = readAnswer(net(), options);
    const read = vi.fn(() => real);
    vi.resetModules();
    vi.doMock("@relprop/core", async (original) => ({ ...(await original<object>()), readAnswer: read }));
    const { readOnce: once } = await import("../src/sessions/compiled-cache.ts");
    expect(await once(of(net()), options)).toEqual(real);
    expect(await once(of(net()), options)).toEqual(real);
    expect(read).toHaveBeenCalledTimes(1);
    await writeFile(await file(), "lorem ipsum dolor sit amet, consectetur adipiscing");
    expect(await once(of(net()), options)).toEqual(real);
    expect(await once(of(net(), "other"), options)).toEqual(real);
    expect(await once({ ...of(net()), useCache: false }, options)).toEqual(real);
    expect(read).toHaveBeenCalledTimes(4);
    expect(await readOnce({ ...of(net()), useCache: false }, options)).toEqual(real);
  });

  test("that are broken are replaced", async () => {
    const { model } = await compileOnce(of(net()), options);
    const path = await file();
    const whole = await readFile(path);
    const damages: (() => Promise<void>)[] = [
      () => writeFile(path, ""),
      () => writeFile(path, "not such a file, and longer than its head"),
      () => truncate(path, whole.length - 1),
      () => writeFile(path, whole.with(whole.length - 5, (whole.at(-5) ?? 0) ^ 1)),
      () => writeFile(path, whole.with(100, (whole[100] ?? 0) ^ 1)),
    ];
    for (const damage of damages) {
      await damage();
      const again = await compileOnce(of(net()), options);
      expect(again.how).toBe("now, and kept");
      expect(again.model.view.bytes).toEqual(model.view.bytes);
      expect(await readFile(path)).toEqual(whole);
    }
  });

  test("of a model that lacks a weight are compiled again", async () => {
    await compileOnce(of(net()), options);
    const { graph, ...rest } = net();
    const initializers = new Map([...graph.initializers].map(([name, tensor]) => [`${name}'`, tensor]));
    const nodes = graph.nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map((name) => (graph.initializers.has(name) ? `${name}'` : name)),
    }));
    const renamed = { ...rest, graph: { ...graph, initializers, nodes } };
    expect((await compileOnce(of(renamed), options)).how).toBe("now, and kept");
  });

  test("are not kept if that is not wanted or not possible, and the run goes on", async () => {
    expect((await compileOnce({ ...of(net()), useCache: false }, options)).how).toBe("now");
    expect(await readdir(folder)).toEqual([]);
    await writeFile(join(folder, "compiled"), "a file where the folder should be");
    const { how: why, model } = await compileOnce(of(net()), options);
    expect(why).toMatch(/^now, not kept: /);
    expect(model.facts.output.name).toBeTruthy();
    await rm(join(folder, "compiled"));
  });
});

const how = async (...given: Parameters<typeof compileOnce>): Promise<string> =>
  (await compileOnce(...given)).how;

test("a model's hash is also that of weights in other files", async () => {
  const location = "net.weights";
  const { chunks, external } = writeModel(net(), { external: { location } });
  const path = join(folder, "net.onnx");
  await writeFile(path, Buffer.concat(chunks));
  const weights = Buffer.concat(external?.chunks ?? []);
  await writeFile(join(folder, location), weights);
  const { id } = await loadModel(path);
  expect((await loadModel(path)).id).toBe(id);
  weights[10] = (weights[10] ?? 0) ^ 1;
  await writeFile(join(folder, location), weights);
  expect((await loadModel(path)).id).not.toBe(id);
});

/** The second ReLU, by whatever name the builder gave it. */
function named<Options extends CompileOptions | MethodOptions>(chosen: Options): Options {
  if (!("concepts" in chosen)) return chosen;
  const [, second] = net().graph.nodes.filter(({ opType }) => opType === "Relu");
  return { ...chosen, concepts: { layer: second?.name ?? "" } };
}
