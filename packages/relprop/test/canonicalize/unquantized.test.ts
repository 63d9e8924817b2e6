/** Patterns in quantized models: found through what rounds inside of them, and computed to the bit as before. */

import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { type GraphBuilder, type Tensor, type Value, ints } from "../../src/onnx/index.ts";
import { expectSameOutputs, graphOf, operators, random } from "./before-and-after.ts";

const zero: Tensor = { dataType: "int8", dims: [], bytes: Uint8Array.of(0) };
let count = 0;

/** x in steps of 1/32, by a QuantizeLinear and a DequantizeLinear of its own. */
function rounded(b: GraphBuilder, x: Value): Value {
  const parameters = [b.scalar(1 / 32), b.constant(zero, `zero_${count++}`)] as const;
  return b.op("DequantizeLinear", [b.op("QuantizeLinear", [x, ...parameters]), ...parameters]);
}

async function canonicalOf(
  make: (b: GraphBuilder, x: Value) => Value,
): Promise<ReturnType<typeof canonicalize>> {
  const before = graphOf([2, 6], make);
  const canonical = canonicalize(before);
  await expectSameOutputs(before, canonical.graph, 0);
  return canonical;
}

const sigmoid = (b: GraphBuilder, x: Value): Value => rounded(b, b.op("Sigmoid", [x]));

describe("a SiLU with rounded values", () => {
  it("starts from the rounded value that its nodes share", async () => {
    const { graph } = await canonicalOf((b, x) => {
      const once = rounded(b, b.op("Neg", [x]));
      return b.op("Neg", [b.op("Mul", [once, sigmoid(b, once)])]);
    });
    expect(operators(graph)).toEqual(["Neg", "FakeQuantize", "Silu", "Neg"]);
  });

  it("starts from the value itself where each has rounded it for itself", async () => {
    const { graph } = await canonicalOf((b, x) => {
      const negative = b.op("Neg", [x]);
      return b.op("Neg", [b.op("Mul", [rounded(b, negative), sigmoid(b, rounded(b, negative))])]);
    });
    expect(operators(graph)).toEqual(["Neg", "Silu", "Neg"]);
    const pair = ["QuantizeLinear", "DequantizeLinear"];
    const body = [...pair, ...pair, "Sigmoid", ...pair, "Mul"];
    expect(graph.nodes[1]?.body?.map(({ opType }) => opType)).toEqual(body);
  });

  it("starts from where the roundings part", async () => {
    const { graph } = await canonicalOf((b, x) => {
      const once = rounded(b, b.op("Neg", [x]));
      const silu = b.op("Mul", [rounded(b, once), sigmoid(b, rounded(b, once))]);
      return b.op("Add", [silu, once]);
    });
    expect(operators(graph)).toEqual(["Neg", "FakeQuantize", "Silu", "Add"]);
  });

  it("may take one of its values as it is", async () => {
    const { graph } = await canonicalOf((b, x) => {
      const negative = b.op("Neg", [x]);
      return b.op("Mul", [negative, sigmoid(b, rounded(b, negative))]);
    });
    expect(operators(graph)).toEqual(["Neg", "Silu"]);
  });

  it("stays spelled out where a rounded value inside of it is used elsewhere", async () => {
    const { graph, notes } = await canonicalOf((b, x) => {
      const gate = sigmoid(b, x);
      return b.op("Add", [b.op("Mul", [x, gate]), gate]);
    });
    expect(operators(graph)).toEqual(["Sigmoid", "FakeQuantize", "Mul", "Add"]);
    expect(notes.map(({ why }) => why)).toEqual([expect.stringContaining("inside of it is used elsewhere")]);
  });
});

const dense = (b: GraphBuilder, x: Value): Value => {
  const product = rounded(b, b.op("MatMul", [x, b.constant(random(6, 5), "w")]));
  return b.op("Add", [product, b.constant(random(5), "bias")]);
};

describe("a dense layer that is rounded before its bias", () => {
  it("is one Linear", async () => {
    const { graph } = await canonicalOf(dense);
    expect(operators(graph)).toEqual(["Linear"]);
    expect(graph.nodes[0]?.inputs).toEqual(["x", "w", "bias"]);
  });

  it("keeps its rounding, so nothing is folded into it", async () => {
    const { graph } = await canonicalOf((b, x) => b.op("Mul", [dense(b, x), b.constant(random(5), "scale")]));
    expect(operators(graph)).toEqual(["Linear", "Affine"]);
  });

  it("is none where the rounded product is used elsewhere", async () => {
    const { graph } = await canonicalOf((b, x) => {
      const product = rounded(b, b.op("MatMul", [x, b.constant(random(6, 5), "w")]));
      return b.op("Mul", [b.op("Add", [product, b.constant(random(5), "bias")]), product]);
    });
    expect(operators(graph)).toEqual(["Linear", "FakeQuantize", "Add", "Mul"]);
  });
});

it("sees a root-mean-square norm all of whose values are rounded, its constants too", async () => {
  const { graph } = await canonicalOf((b, x) => {
    const scalar = (value: number): Value => rounded(b, b.scalar(value));
    const square = rounded(b, b.op("Pow", [rounded(b, x), scalar(2)]));
    const mean = rounded(b, b.op("ReduceMean", [square], { axes: ints([-1]) }));
    const root = rounded(b, b.op("Sqrt", [rounded(b, b.op("Add", [mean, scalar(0.25)]))]));
    const inverse = rounded(b, b.op("Div", [scalar(1), root]));
    return b.op("Neg", [rounded(b, b.op("Mul", [rounded(b, x), inverse]))]);
  });
  expect(operators(graph)).toEqual(["RMSNormalization", "FakeQuantize", "Neg"]);
});
