/**
 * Networks in the forms that quantisers write (bench/peers/quantized_models.py): their outputs stay their own, and relevance
 * is that of the real networks that they stand for.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readNpy } from "../../src/heatmap/index.ts";
import { compile, Explainer, inspect, type CompileOptions } from "../../src/index.ts";
import { concatChunks, readModel, writeModel } from "../../src/onnx/index.ts";

const read = (name: string): Uint8Array => readFileSync(new URL(name, import.meta.url));
const fileOf = (name: string): Uint8Array => gunzipSync(read(`${name}.onnx.gz`));

/** The input of a network; the token ids are int64, which readNpy is not for. */
function inputOf(network: string): ort.Tensor {
  const bytes = read(`${network}.npy`);
  if (network === "tokens") {
    const data = new BigInt64Array(Uint8Array.from(bytes.subarray(-64)).buffer);
    return new ort.Tensor("int64", data, [1, 8]);
  }
  const { data, dims } = readNpy(bytes);
  return new ort.Tensor("float32", data as Float32Array, dims as number[]);
}

async function run(bytes: Uint8Array, x: ort.Tensor): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    graphOptimizationLevel: "disabled",
  });
  const target = new ort.Tensor("float32", Float32Array.of(0, 1, 0, 0, 0), [1, 5]);
  const feeds = session.inputNames.map((name) => [name, name === "target" ? target : x] as const);
  const results = await session.run(Object.fromEntries(feeds));
  await session.release();
  return results;
}

async function explained(
  name: string,
  options: CompileOptions = {},
): Promise<Record<"y" | "relevance", Float32Array>> {
  const [network = ""] = name.split(".");
  const { model } = compile(readModel(fileOf(name)), { seed: "logit", ...options });
  const { y, relevance } = await run(concatChunks(writeModel(model).chunks), inputOf(network));
  return { y: y?.data as Float32Array, relevance: relevance?.data as Float32Array };
}

/** Σ|a − b| / Σ|b| */
function distance(a: Float32Array, b: Float32Array): number {
  const difference = b.reduce((sum, wanted, i) => sum + Math.abs((a[i] as number) - wanted), 0);
  return difference / b.reduce((sum, wanted) => sum + Math.abs(wanted), 0);
}

/** Files, and how far their relevance may be from that of the float network: as far as rounding takes it. */
const files: readonly (readonly [name: string, far: number])[] = [
  ["cnn.dynamic", 0.1],
  ["cnn.dynamic-u", 0.1],
  ["cnn.dynamic-pc", 0.1],
  ["cnn.qoperator", 0.2],
  ["cnn.qoperator-pc", 0.2],
  ["cnn.qoperator-s", 0.2],
  ["cnn.qdq-pc", 0.2],
  ["gates.dynamic", 0.1],
  ["gates.qoperator", 0.1],
  ["patches.dynamic", 0.2],
  ["patches.qoperator", 0.3],
  ["patches.qoperator-pc", 0.3],
  ["patches.qoperator-s", 0.3],
  ["patches.qdq-pc", 0.3],
  ["patches.qdq-16", 0.1],
  ["tokens.dynamic", 0.3],
  ["tokens.dynamic-u", 0.3],
  ["tokens.dynamic-pc", 0.3],
  ["tokens.dynamic-all", 0.3],
  ["tokens.qoperator", 0.5],
  ["tokens.nbits-4s", 0.3],
  ["tokens.nbits-4a", 0.3],
  ["tokens.nbits-8a", 0.05],
  ["tokens.nbits-2a", 1],
  ["tokens.bnb4-fp", 0.3],
  ["tokens.bnb4-nf", 0.3],
  ["tokens.int4-qdq", 0.3],
  ["tokens.nbits-lookup", 0.3],
];

describe.each(files)("%s", (name, far) => {
  const [network = ""] = name.split(".");

  it("has the outputs of its own operators", async () => {
    const { y } = await run(fileOf(name), inputOf(network));
    const wanted = Array.from(y?.data as Float32Array);
    const found = Array.from((await explained(name)).y);
    // Kernels of ONNX Runtime differ by the last bit between opset 17, which compiled files have, and newer ones.
    if (readModel(fileOf(name)).opsets[""] === 17) expect(found).toEqual(wanted);
    else for (const [i, number] of wanted.entries()) expect(found[i]).toBeCloseTo(number, 5);
  });

  it.each(["epsilon-plus", "attnlrp"] as const)(
    "has nearly the relevance of the float network: %s",
    async (composite) => {
      const [found, wanted] = [
        await explained(name, { composite }),
        await explained(`${network}.float`, { composite }),
      ];
      expect(distance(found.relevance, wanted.relevance)).toBeLessThan(far);
    },
  );

  it("conserves relevance", async () => {
    const explainer = new Explainer({ ort, model: fileOf(name), composite: "epsilon-plus", ledger: true });
    const { data, dims } = inputOf(network);
    const { ledgers } = await explainer.explain({ data, dims } as never, { target: 1 });
    await explainer.dispose();
    for (const { start, reached, stayed } of ledgers ?? []) {
      const left = start - reached - Object.values(stayed).reduce((sum, share) => sum + share, 0);
      expect(Math.abs(left)).toBeLessThan(1e-4 * Math.abs(start));
      expect(Math.abs(stayed.rest)).toBeLessThan(1e-4 * Math.abs(start));
    }
  });
});

describe("packed weights", () => {
  it.each(["nbits-4s", "nbits-4a", "nbits-8a", "nbits-2a", "bnb4-fp", "bnb4-nf"])(
    "%s have the relevance of the numbers that they stand for",
    async (form) => {
      for (const composite of ["epsilon-plus", "gradient"] as const) {
        const [found, wanted] = [
          await explained(`tokens.${form}`, { composite }),
          await explained(`tokens.${form}.real`, { composite }),
        ];
        expect(distance(found.y, wanted.y), composite).toBeLessThan(1e-5);
        expect(distance(found.relevance, wanted.relevance), composite).toBeLessThan(1e-4);
      }
    },
  );
});

it.each([
  ["tokens.dynamic", 8],
  ["tokens.nbits-4a", 4],
  ["tokens.int4-qdq", 4],
  ["patches.qoperator", 8],
] as const)("%s keeps its weights as they are stored", (name, bits) => {
  const source = readModel(fileOf(name));
  const { model } = compile(source, { composite: "zplus" });
  const floats = [...model.graph.initializers.values()].filter(
    ({ dataType, dims }) => dataType === "float32" && dims.reduce((size, dim) => size * dim, 1) >= 2048,
  );
  expect(floats, `weights of ${bits} bits as float32`).toEqual([]);
  const large = [...model.graph.initializers.values()].filter(({ bytes }) => bytes.length >= 1024);
  expect(new Set(large.map(({ bytes }) => Buffer.from(bytes).toString("base64"))).size).toBe(large.length);
});

it("a dynamically quantized product has the relevance x̂ ⊙ Ŵ of its target", async () => {
  const model = readModel(read("dynamic-int8-gemm.onnx"));
  const { graph } = model;
  const numbers = (name: string): number[] => {
    const { bytes, dataType } = graph.initializers.get(name) as { bytes: Uint8Array; dataType: string };
    return dataType === "float32"
      ? Array.from(new Float32Array(Uint8Array.from(bytes).buffer))
      : Array.from(bytes);
  };
  const [W, offset = 0, step = 0] = [numbers("Wq"), numbers("wz")[0], numbers("ws")[0]];
  const x = [0.3, -1.1, 2.4, 0.7];
  // DynamicQuantizeLinear, by its definition, in float64.
  const [low, high] = [Math.min(0, ...x), Math.max(0, ...x)];
  const scale = (high - low) / 255;
  const zero = Math.round(-low / scale);
  const rounded = x.map(
    (value) => (Math.min(255, Math.max(0, Math.round(value / scale) + zero)) - zero) * scale,
  );
  const wanted = rounded.map((value, i) => value * step * ((W[2 * i + 1] ?? 0) - offset));
  const explainer = new Explainer({ ort, model, composite: "epsilon", epsilon: 0, seed: "logit" });
  const { relevance } = await explainer.explain({ data: Float32Array.from(x), dims: [1, 4] }, { target: 1 });
  await explainer.dispose();
  for (const [i, number] of wanted.entries()) expect(relevance.data[i]).toBeCloseTo(number, 5);
});

/** Numbers between −1.3 and 1.3, and a target of one class for each sample. */
async function explainedCase(
  name: string,
  composite: string,
): Promise<Record<"y" | "relevance", Float32Array>> {
  const { model } = compile(readModel(read(`cases/${name}.onnx`)), { composite, seed: "logit" });
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 4,
    graphOptimizationLevel: "disabled",
  });
  const tensor = (index: number, numberAt: (i: number, last: number) => number): ort.Tensor => {
    const shape = (index === 0 ? model.graph.inputs : model.graph.outputs)[0]?.shape as number[];
    const length = shape.reduce((size, dim) => size * dim, 1);
    const data = Float32Array.from({ length }, (_, i) => numberAt(i, shape.at(-1) ?? 1));
    return new ort.Tensor("float32", data, shape);
  };
  const x = tensor(0, (i) => Math.sin(i * 1.7 + 1) * 1.3);
  const { y, relevance } = await session.run({ x, target: tensor(1, (i, last) => Number(i % last === 1)) });
  await session.release();
  return { y: y?.data as Float32Array, relevance: relevance?.data as Float32Array };
}

it.each([
  "moved",
  "split",
  "conv-integer",
  "zero-points",
  "static",
  "blocks-2",
  "blocks-4",
  "groups",
  "int4-conv",
])("%s has the relevance of the real graph that it stands for", async (name) => {
  for (const composite of ["epsilon", "epsilon-plus", "gradient"]) {
    const [found, wanted] = [
      await explainedCase(name, composite),
      await explainedCase(`${name}.real`, composite),
    ];
    expect(distance(found.y, wanted.y), composite).toBeLessThan(1e-5);
    expect(distance(found.relevance, wanted.relevance), composite).toBeLessThan(1e-5);
  }
});

it("a product of whole numbers that nothing scales is refused with its cause", () => {
  expect(() => compile(readModel(read("cases/unscaled.onnx")))).toThrow(
    "its result is not scaled by the scales of its factors",
  );
});

it("QAttention is explained", async () => {
  const { y, relevance } = await explainedCase("attention", "gradient");
  expect(relevance.some((value) => value !== 0)).toBe(true);
  expect([...y, ...relevance].every(Number.isFinite)).toBe(true);
});

it("inspect shows the layers, and what stands for them", () => {
  const { nodes, canCompile } = inspect(readModel(fileOf("cnn.qoperator")), { composite: "epsilon-plus" });
  expect(canCompile).toBe(true);
  expect(nodes.filter(({ state }) => state === "refused")).toEqual([]);
});
