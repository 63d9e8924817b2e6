/** Half-precision models: computed in float32, with the types of their inputs and outputs, and explained in float32. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { Explainer } from "../../src/run/explainer.ts";
import {
  type DataType,
  type Graph,
  type Model,
  type Node,
  concatChunks,
  convertOpset,
  floatTensor,
  int,
  ints,
  numbersOf,
  printGraph,
  writeModel,
} from "../../src/onnx/index.ts";
import { randomNumbers } from "../support/run.ts";

const dims = [2, 3, 8, 8];

const node = (
  opType: string,
  inputs: string[],
  output: string,
  attributes: Node["attributes"] = {},
): Node => ({
  name: output,
  opType,
  domain: "",
  inputs,
  outputs: [output],
  attributes,
});

/** A small network whose numbers are all of one type. */
function network(dataType: DataType & ("float16" | "float32" | "bfloat16")): Model {
  const weights = (shape: number[], seed: number) =>
    floatTensor(
      dataType,
      randomNumbers(
        shape.reduce((a, n) => a * n, 1),
        seed,
      ).map((v) => v / 4),
      shape,
    );
  const graph: Graph = {
    name: "g",
    inputs: [{ name: "x", dataType, shape: ["N", 3, 8, 8] }],
    outputs: [{ name: "y", dataType, shape: ["N", 5] }],
    initializers: new Map([
      ["w", weights([4, 3, 3, 3], 1)],
      ["b", weights([4], 2)],
      ["v", weights([4, 5], 3)],
    ]),
    nodes: [
      node("Conv", ["x", "w", "b"], "conv", { pads: ints([1, 1, 1, 1]) }),
      node("Gelu", ["conv"], "active"),
      node("GlobalAveragePool", ["active"], "pooled"),
      node("Flatten", ["pooled"], "flat"),
      node("Cast", ["flat"], "cast", {
        to: int(dataType === "float16" ? 10 : dataType === "bfloat16" ? 16 : 1),
      }),
      node("MatMul", ["cast", "v"], "logits"),
      node("Softmax", ["logits"], "y"),
    ],
  };
  return { irVersion: 8, opsets: { "": 20 }, producer: "", metadata: {}, graph };
}

const image = randomNumbers(2 * 3 * 8 * 8, 5);
const input = { data: Float32Array.from(image), dims };

describe("floatsToFloat32", () => {
  it("leaves types as they are only at inputs and outputs", () => {
    const { graph, values } = canonicalize(convertOpset(network("float16")).graph);
    const half = [...values.values()].filter(({ dataType }) => dataType === "float16");
    expect(half.map(({ name }) => name).toSorted()).toEqual(["x", "y"]);
    expect(printGraph({ ...graph, initializers: new Map() })).toMatchInlineSnapshot(`
      "input x: float16[N, 3, 8, 8]
      output y: float16[N, 5]
      x_float32 = Cast<to=1>(x)
      conv = Conv<pads=[1, 1, 1, 1]>(x_float32, w, b)
      active = Gelu(conv)
        | active_Div = Div(conv, active_number)
        | active_Erf = Erf(active_Div)
        | active_Mul = Mul(conv, active_number_2)
        | active_Add = Add(active_Erf, active_number_3)
        | active = Mul(active_Mul, active_Add)
      pooled = GlobalAveragePool(active)
      flat = Flatten(pooled)
      logits = relprop.Linear(flat, v, _)
        | logits = MatMul(flat, v)
      y_float32 = Softmax(logits)
      y = Cast<to=10>(y_float32)"
    `);
  });

  it("computes what the runtime computes in float16, but for rounding", async () => {
    const model = convertOpset(network("float16"));
    const after: Model = { ...model, graph: canonicalize(model.graph).graph };
    const { bytes } = floatTensor("float16", image, dims);
    const x = new ort.Tensor("float16", new Uint16Array(bytes.buffer as ArrayBuffer), dims);
    const results: number[][] = [];
    for (const each of [model, after]) {
      const session = await ort.InferenceSession.create(concatChunks(writeModel(each).chunks));
      const { y } = await session.run({ x });
      await session.release();
      expect(y?.type).toBe("float16");
      const data = y?.data as Uint16Array<ArrayBuffer>;
      const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      results.push(Array.from(numbersOf({ dataType: "float16", dims: [2, 5], bytes: view })));
    }
    const [before = [], now = []] = results;
    for (const [i, value] of before.entries()) expect(Math.abs(value - (now[i] ?? 0))).toBeLessThan(1e-3);
  });

  it.each(["epsilon-plus", "gradient", "epsilon-alpha2-beta1-flat"] as const)(
    "explains as the float32 model is explained: %s",
    async (composite) => {
      const [half, single] = (["float16", "float32"] as const).map(
        (type) => new Explainer({ ort, model: network(type), composite }),
      );
      const [a, b] = [await half!.explain(input, { target: 1 }), await single!.explain(input, { target: 1 })];
      const largest = b.relevance.data.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
      expect(largest).toBeGreaterThan(0);
      // Weights and image were rounded to half precision, 1/2048 of each.
      for (const [i, value] of b.relevance.data.entries())
        expect(Math.abs(value - (a.relevance.data[i] ?? 0)) / largest).toBeLessThan(2e-2);
      expect(a.top[0]?.[0]?.index).toBe(b.top[0]?.[0]?.index);
      expect(a.outputs["y"]?.dims).toEqual([2, 5]);
    },
  );

  it.each(["input-x-gradient", "integrated-gradients", "smoothgrad"] as const)(
    "has the methods of the float32 model: %s",
    async (method) => {
      const [half, single] = (["float16", "float32"] as const).map(
        (type) => new Explainer({ ort, model: network(type), method }),
      );
      const [a, b] = [await half!.explain(input, { target: 1 }), await single!.explain(input, { target: 1 })];
      const largest = b.relevance.data.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
      expect(largest).toBeGreaterThan(0);
      for (const [i, value] of b.relevance.data.entries())
        expect(Math.abs(value - (a.relevance.data[i] ?? 0)) / largest).toBeLessThan(2e-2);
    },
  );

  it("compiles bfloat16, too", () => {
    const { values } = canonicalize(convertOpset(network("bfloat16")).graph);
    expect(values.get("logits")?.dataType).toBe("float32");
    expect(values.get("y")?.dataType).toBe("bfloat16");
  });

  it("rounds numbers to half precision and back as the runtime does", async () => {
    const numbers = [
      0,
      -0,
      1,
      -1.5,
      65504,
      65519,
      65520,
      1e6,
      -1e6,
      6e-8,
      2.9e-8,
      3e-8,
      6.1e-5,
      0.1,
      1 / 3,
      2049,
      2051,
      Infinity,
      NaN,
    ];
    const graph: Graph = {
      name: "g",
      inputs: [{ name: "x", dataType: "float32", shape: [numbers.length] }],
      outputs: [{ name: "y", dataType: "float16", shape: [numbers.length] }],
      initializers: new Map(),
      nodes: [node("Cast", ["x"], "y", { to: int(10) })],
    };
    const model: Model = { irVersion: 8, opsets: { "": 17 }, producer: "", metadata: {}, graph };
    const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks));
    const { y } = await session.run({ x: new ort.Tensor("float32", numbers, [numbers.length]) });
    await session.release();
    const { buffer, byteOffset, byteLength } = y!.data as Uint16Array<ArrayBuffer>;
    const theirs = {
      dataType: "float16",
      dims: [numbers.length],
      bytes: new Uint8Array(buffer, byteOffset, byteLength),
    } as const;
    const ours = floatTensor("float16", Float32Array.from(numbers), [numbers.length]);
    expect(Array.from(numbersOf(ours))).toEqual(Array.from(numbersOf(theirs)));
  });

  it("rounds to bfloat16 by half to even", () => {
    const numbers = [1, -2.5, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 3.4e38, 1e-40, NaN];
    expect(Array.from(numbersOf(floatTensor("bfloat16", numbers, [7])))).toEqual([
      1,
      -2.5,
      1,
      1 + 2 ** -6,
      Infinity,
      2 ** -133,
      NaN,
    ]);
  });
});
