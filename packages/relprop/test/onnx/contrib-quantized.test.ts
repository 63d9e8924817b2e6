/** Fused layers on whole numbers, and what they are converted to, both run by ONNX Runtime: the same numbers. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  concatChunks,
  convertOpset,
  float,
  float32Tensor,
  int,
  writeModel,
  type Attributes,
  type DataType,
  type Model,
  type Tensor,
} from "../../src/onnx/index.ts";
import { numbersOf, sizeOf, tensorFrom } from "../../src/onnx/tensor.ts";
import { randomNumbers, relativeDistance } from "../support/run.ts";

interface LayerCase {
  readonly op: string;
  readonly note: string;
  readonly attributes: Attributes;
  /** Constants are named w…, other tensors are inputs of the graph. */
  readonly inputs: Readonly<Record<string, Tensor | undefined>>;
  readonly outputs: readonly (DataType | undefined)[];
}

let seed = 0;
const random = (...dims: number[]): Tensor => float32Tensor(randomNumbers(sizeOf(dims), ++seed), dims);
function bytes(type: "int8" | "uint8", ...dims: number[]): Tensor {
  const shift = type === "uint8" ? 128 : 0;
  const numbers = Array.from(randomNumbers(sizeOf(dims), ++seed), (x) => Math.round(x * 100) + shift);
  return tensorFrom(type, numbers, dims) as Tensor;
}
const one = (type: DataType, number: number): Tensor => tensorFrom(type, [number], []) as Tensor;
const scales = (count: number): Tensor =>
  float32Tensor(
    randomNumbers(count, ++seed).map((x) => 0.02 + Math.abs(x) / 50),
    [count],
  );
const int32 = (numbers: readonly number[], dims: readonly number[]): Tensor =>
  tensorFrom("int32", numbers, dims) as Tensor;

/** QAttention on [2, 3, 8], with two heads. */
function attention(note: string, attributes: Attributes, more: LayerCase["inputs"] = {}): LayerCase {
  const inputs = {
    x: bytes("uint8", 2, 3, 8),
    wWeights: bytes("int8", 8, 24),
    wBias: random(24),
    scale: one("float32", 0.02),
    wScale: one("float32", 0.01),
    mask: undefined,
    zero: one("uint8", 120),
    wZero: one("int8", 3),
    past: undefined,
    ...more,
  };
  const outputs = inputs.past ? (["float32", "float32"] as const) : (["float32"] as const);
  return { op: "QAttention", note, attributes: { num_heads: int(2), ...attributes }, inputs, outputs };
}

function embedding(note: string, attributes: Attributes, more: LayerCase["inputs"] = {}): LayerCase {
  const inputs = {
    ids: int32([3, 1, 4, 1, 5, 2], [2, 3]),
    segments: int32([0, 1, 1, 0, 0, 1], [2, 3]),
    wWords: bytes("uint8", 7, 4),
    wPlaces: bytes("uint8", 5, 4),
    wKinds: bytes("uint8", 2, 4),
    wGamma: bytes("uint8", 4),
    wBeta: bytes("uint8", 4),
    mask: int32([1, 1, 1, 1, 1, 0], [2, 3]),
    ...Object.fromEntries(
      [0.1, 0.2, 0.05, 0.01, 0.02].map((scale, i) => [`wScale${i}`, one("float32", scale)]),
    ),
    ...Object.fromEntries([9, 128, 0, 200, 255].map((zero, i) => [`wZero${i}`, one("uint8", zero)])),
    ...more,
  };
  return { op: "QEmbedLayerNormalization", note, attributes, inputs, outputs: ["float32", "int32"] };
}

const layers: readonly LayerCase[] = [
  attention("plain", {}),
  attention("a mask", {}, { mask: int32([1, 1, 1, 1, 1, 0], [2, 3]) }),
  attention("lengths", {}, { mask: int32([3, 2], [2]) }),
  attention("only what came before", { unidirectional: int(1) }),
  attention(
    "unsigned weights, no zeros",
    {},
    { wWeights: bytes("uint8", 8, 24), zero: undefined, wZero: undefined },
  ),
  attention("a scale for each column", {}, { wScale: scales(24), wZero: bytes("int8", 24) }),
  attention("a past", { unidirectional: int(1) }, { past: random(2, 2, 2, 2, 4) }),
  embedding("all inputs", {}),
  embedding("epsilon", { epsilon: float(0.1) }),
  embedding("no mask", {}, { mask: undefined }),
  embedding(
    "no segments",
    {},
    {
      segments: undefined,
      wKinds: undefined,
      wScale2: undefined,
      wZero2: undefined,
    },
  ),
];

const isConstant = ([name]: readonly [string, Tensor]): boolean => name.startsWith("w");

function modelOf({ op, attributes, inputs, outputs }: LayerCase): Model {
  const given = Object.entries(inputs).flatMap(([name, tensor]) => (tensor ? [[name, tensor] as const] : []));
  const names = outputs.map((type, i) => (type === undefined ? "" : `y${i}`));
  const node = {
    name: "layer",
    opType: op,
    domain: "com.microsoft",
    inputs: Object.entries(inputs).map(([name, tensor]) => (tensor ? name : "")),
    outputs: names,
    attributes,
  };
  return {
    irVersion: 8,
    opsets: { "": 17, "com.microsoft": 1 },
    producer: "test",
    metadata: {},
    graph: {
      name: op,
      inputs: given
        .filter((entry) => !isConstant(entry))
        .map(([name, { dataType, dims }]) => ({ name, dataType, shape: dims })),
      outputs: outputs.flatMap((dataType, i) =>
        dataType === undefined ? [] : [{ name: `y${i}`, dataType, shape: rankOf(op, i) }],
      ),
      initializers: new Map(given.filter(isConstant)),
      nodes: [node],
    },
  };
}

const rankOf = (op: string, output: number): string[] =>
  Array.from({ length: op === "QAttention" ? 3 + 2 * output : 3 - 2 * output }, (_, i) => `d${output}${i}`);

async function run(model: Model, { inputs }: LayerCase): Promise<ort.InferenceSession.ReturnType> {
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 4,
    graphOptimizationLevel: "disabled",
  });
  const views = { float32: Float32Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array };
  const feeds = session.inputNames.map((name) => {
    const { dataType, dims } = inputs[name] as Tensor;
    const type = dataType as keyof typeof views;
    return [name, new ort.Tensor(type, views[type].from(numbersOf(inputs[name] as Tensor)) as never, dims)];
  });
  const results = await session.run(Object.fromEntries(feeds) as Record<string, ort.Tensor>);
  await session.release();
  return results;
}

describe("convertOpset computes the same", () => {
  it.each(layers.map((each) => [`${each.op}, ${each.note}`, each] as const))("%s", async (_name, each) => {
    const model = modelOf(each);
    const converted = convertOpset(model);
    expect(converted.graph.nodes.some(({ opType }) => opType === each.op)).toBe(false);
    const [before, after] = [await run(model, each), await run(converted, each)];
    for (const [name, wanted] of Object.entries(before)) {
      expect(after[name]?.dims, name).toEqual(wanted.dims);
      expect(
        relativeDistance(after[name]?.data as Float32Array, wanted.data as Float32Array),
        name,
      ).toBeLessThan(5e-6);
    }
  });
});
