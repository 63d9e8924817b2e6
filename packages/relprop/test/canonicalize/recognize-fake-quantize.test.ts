/** Quantized models in QDQ form: they compute what they did, to the bit, and relevance crosses their pairs. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { UnexplainableError } from "../../src/errors.ts";
import { Explainer } from "../../src/run/explainer.ts";
import { compile } from "../../src/compile/compile.ts";
import {
  type Graph,
  type Model,
  type Node,
  type Tensor,
  concatChunks,
  float32Tensor,
  int,
  ints,
  numbersOf,
  printGraph,
  writeModel,
} from "../../src/onnx/index.ts";
import { dequantized, quantized } from "../../src/onnx/quantization.ts";
import { randomNumbers } from "../support/run.ts";

const dims = [2, 3, 6, 6];

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

const scalar = (value: number): Tensor => float32Tensor([value], []);
const bytes = (dataType: "int8" | "uint8", values: ArrayLike<number>, shape: number[]): Tensor => ({
  dataType,
  dims: shape,
  bytes: new Uint8Array(dataType === "int8" ? Int8Array.from(values).buffer : Uint8Array.from(values).buffer),
});

const weights = randomNumbers(4 * 3 * 9, 3).map((v) => Math.round(v * 100));

/** Convolution with int8 weights per channel and an int32 bias, ReLU, pooling, and a matrix quantized on the way. */
function network(): Model {
  const graph: Graph = {
    name: "g",
    inputs: [{ name: "x", dataType: "float32", shape: ["N", 3, 6, 6] }],
    outputs: [{ name: "y", dataType: "float32", shape: ["N", 5] }],
    initializers: new Map([
      ["xs", scalar(0.01)],
      ["xz", bytes("int8", [3], [])],
      ["rs", scalar(0.02)],
      ["rz", bytes("uint8", [0], [])],
      ["wq", bytes("int8", weights, [4, 3, 3, 3])],
      ["ws", float32Tensor([0.01, 0.02, 0.005, 0.01], [4])],
      ["wz", bytes("int8", [0, 1, -2, 0], [4])],
      ["bq", { dataType: "int32", dims: [4], bytes: new Uint8Array(Int32Array.of(100, -50, 0, 999).buffer) }],
      ["bs", scalar(1e-3)],
      ["v", float32Tensor(randomNumbers(20, 9), [4, 5])],
      ["vs", scalar(0.01)],
      ["vz", bytes("int8", [0], [])],
    ]),
    nodes: [
      node("QuantizeLinear", ["x", "xs", "xz"], "x_q"),
      node("DequantizeLinear", ["x_q", "xs", "xz"], "x_dq"),
      node("DequantizeLinear", ["wq", "ws", "wz"], "w", { axis: int(0) }),
      node("DequantizeLinear", ["bq", "bs"], "b"),
      node("Conv", ["x_dq", "w", "b"], "conv", { pads: ints([1, 1, 1, 1]) }),
      node("Relu", ["conv"], "relu"),
      node("QuantizeLinear", ["relu", "rs", "rz"], "r_q"),
      node("DequantizeLinear", ["r_q", "rs", "rz"], "r_dq"),
      node("DequantizeLinear", ["r_q", "rs", "rz"], "r_dq2"),
      node("Add", ["r_dq", "r_dq2"], "sum"),
      node("GlobalAveragePool", ["sum"], "pooled"),
      node("Flatten", ["pooled"], "flat"),
      node("QuantizeLinear", ["v", "vs", "vz"], "v_q"),
      node("DequantizeLinear", ["v_q", "vs", "vz"], "v_dq"),
      node("MatMul", ["flat", "v_dq"], "y"),
    ],
  };
  return { irVersion: 8, opsets: { "": 17 }, producer: "", metadata: {}, graph };
}

const x = Float32Array.from(randomNumbers(2 * 3 * 36, 5));

async function run(model: Model): Promise<number[]> {
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    graphOptimizationLevel: "disabled",
    logSeverityLevel: 4,
  });
  const { y } = await session.run({ x: new ort.Tensor("float32", x, dims) });
  await session.release();
  return Array.from(y?.data as Float32Array);
}

describe("recognizeFakeQuantize", () => {
  it("makes float constants and pairs", () => {
    const { graph } = canonicalize(network().graph);
    expect(printGraph({ ...graph, initializers: new Map() })).toMatchInlineSnapshot(`
      "input x: float32[N, 3, 6, 6]
      output y: float32[N, 5]
      x_dq = relprop.FakeQuantize(x, xs, xz)
        | x_q = QuantizeLinear(x, xs, xz)
        | x_dq = DequantizeLinear(x_q, xs, xz)
      conv = Conv<pads=[1, 1, 1, 1]>(x_dq, w, b)
      relu = Relu(conv)
      r_dq = relprop.FakeQuantize(relu, rs, rz)
        | r_q_2 = QuantizeLinear(relu, rs, rz)
        | r_dq = DequantizeLinear(r_q_2, rs, rz)
      r_dq2 = relprop.FakeQuantize(relu, rs, rz)
        | r_q_4 = QuantizeLinear(relu, rs, rz)
        | r_dq2 = DequantizeLinear(r_q_4, rs, rz)
      sum = Add(r_dq, r_dq2)
      pooled = GlobalAveragePool(sum)
      flat = Flatten(pooled)
      y = relprop.Linear(flat, v_dq, _)
        | y = MatMul(flat, v_dq)"
    `);
  });

  it("computes the same to the bit", async () => {
    const model = network();
    expect(await run({ ...model, graph: canonicalize(model.graph).graph })).toEqual(await run(model));
  });

  it("dequantizes and quantizes constants as the runtime does, to the bit", async () => {
    const { graph } = network();
    const at = (name: string): Tensor => graph.initializers.get(name) as Tensor;
    const [dq, q] = ["w", "v_q"].map((name) => graph.nodes.find((each) => each.name === name) as Node);
    const fetch = async (name: string, dataType: "float32" | "int8"): Promise<number[]> => {
      const outputs = [{ name, dataType, shape: ["a", "b"] }] as const;
      const inputs: Graph["inputs"] = [];
      const bytesOf = concatChunks(
        writeModel({ ...network(), graph: { ...graph, inputs, outputs, nodes: [name === "w" ? dq! : q!] } })
          .chunks,
      );
      const session = await ort.InferenceSession.create(bytesOf, { logSeverityLevel: 4 });
      const result = (await session.run({}))[name];
      await session.release();
      return Array.from(result?.data as Float32Array);
    };
    expect(Array.from(numbersOf(dequantized(dq!, at("wq"), at("ws"), at("wz"))!))).toEqual(
      await fetch("w", "float32"),
    );
    expect(Array.from(numbersOf(quantized(q!, at("v"), at("vs"), at("vz"))!))).toEqual(
      await fetch("v_q", "int8"),
    );
  });

  it.each(["epsilon-plus", "epsilon", "fischer"] as const)("conserves relevance: %s", async (composite) => {
    const explainer = new Explainer({ ort, model: network(), composite, ledger: true });
    const { ledgers, relevance } = await explainer.explain({ data: x, dims }, { target: 1 });
    expect(relevance.data.some((v) => v !== 0)).toBe(true);
    for (const { start, reached, stayed } of ledgers ?? []) {
      const left = start - reached - Object.values(stayed).reduce((sum, v) => sum + v, 0);
      expect(Math.abs(left)).toBeLessThan(1e-4 * Math.abs(start));
      expect(Math.abs(stayed.rest)).toBeLessThan(1e-4 * Math.abs(start));
    }
  });

  it("has the gradient of the straight-through estimator: 1 where x is rounded, 0 where it is clipped", async () => {
    const graph: Graph = {
      name: "g",
      inputs: [{ name: "x", dataType: "float32", shape: [1, 2, 4] }],
      outputs: [{ name: "y", dataType: "float32", shape: [1, 2, 4] }],
      initializers: new Map([
        ["s", float32Tensor([0.1, 1], [2])],
        ["z", bytes("int8", [0, 100], [2])],
      ]),
      nodes: [
        node("QuantizeLinear", ["x", "s", "z"], "q", { axis: int(1) }),
        node("DequantizeLinear", ["q", "s", "z"], "y", { axis: int(1) }),
      ],
    };
    const model: Model = { irVersion: 8, opsets: { "": 17 }, producer: "", metadata: {}, graph };
    const explainer = new Explainer({ ort, model, composite: "gradient", seed: "one" });
    // Steps end at -12.8 and 12.7, and at -228 and 27; half a step more is still rounded to them.
    const data = Float32Array.of(-13, -12.84, 12.74, 12.76, -229, -228.4, 27.4, 27.6);
    const target = { data: new Float32Array(8).fill(1), dims: [1, 2, 4] };
    const { relevance } = await explainer.explain({ data, dims: [1, 2, 4] }, { target });
    expect(Array.from(relevance.data)).toEqual([0, 1, 1, 0, 0, 1, 1, 0]);
  });

  it("leaves alone what is no pair, and says why", () => {
    const { graph, ...model } = network();
    const initializers = new Map([...graph.initializers, ["other", scalar(0.5)] as const]);
    const nodes = graph.nodes.map((each) =>
      each.name === "x_dq" ? { ...each, inputs: ["x_q", "other", "xz"] } : each,
    );
    const changed = { ...model, graph: { ...graph, nodes, initializers } };
    const { notes } = canonicalize(changed.graph);
    expect(notes.map(({ node: name, why }) => `${name}: ${why}`)).toContain(
      'x_dq: its scale or zero point is not that of QuantizeLinear "x_q"',
    );
    expect(() => compile(changed)).toThrow(UnexplainableError);
    expect(() => compile(changed)).toThrow("it computes with whole numbers that could not be read");
  });
});
