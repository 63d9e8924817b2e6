/** Functions of single elements: what LRP passes, and gradients where a slope is infinite or there is none. */

import { describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import { GraphBuilder, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { runModel } from "../support/run.ts";

type Make = (b: GraphBuilder, x: Value) => Value;

function modelOf(make: Make, length: number): Model {
  const b = new GraphBuilder();
  b.output(make(b, b.input("input", "float32", ["N", length])), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

async function explained(make: Make, x: number[], R: number[], options: CompileOptions): Promise<number[]> {
  const compiled = compile(modelOf(make, x.length), { seed: "one", ...options });
  const results = await runModel(compiled.model, {
    input: { data: Float32Array.from(x), dims: [1, x.length] },
    target: { data: Float32Array.from(R), dims: [1, R.length] },
  });
  return [...results["relevance"]!.data];
}

/** The operator, points, and its slope there: that of torch 2.13, but 0 where torch has ±inf or nan. */
const borders: [string, Make, number[], number[]][] = [
  ["Abs", (b, x) => b.op("Abs", [x]), [-2, 0, 3], [-1, 0, 1]],
  ["Sqrt", (b, x) => b.op("Sqrt", [x]), [0, 4], [0, 0.25]],
  ["Log", (b, x) => b.op("Log", [x]), [0, 2], [0, 0.5]],
  ["Reciprocal", (b, x) => b.op("Reciprocal", [x]), [0, 2], [0, -0.25]],
  ["Asin", (b, x) => b.op("Asin", [x]), [-1, 0, 1], [0, 1, 0]],
  ["Acos", (b, x) => b.op("Acos", [x]), [-1, 0, 1], [0, -1, 0]],
  ["Acosh", (b, x) => b.op("Acosh", [x]), [1, Math.SQRT2], [0, 1]],
  ["Atanh", (b, x) => b.op("Atanh", [x]), [-1, 0, 1], [0, 1, 0]],
  ["Pow, 1/2", (b, x) => b.op("Pow", [x, b.scalar(0.5)]), [0, 4], [0, 0.25]],
  ["Pow, 3/2", (b, x) => b.op("Pow", [x, b.scalar(1.5)]), [0, 4], [0, 3]],
  ["Pow, 1", (b, x) => b.op("Pow", [x, b.scalar(1)]), [0, 4], [1, 1]],
  ["Pow, 2", (b, x) => b.op("Pow", [x, b.scalar(2)]), [0, -4], [0, -8]],
  ["Pow, −1", (b, x) => b.op("Pow", [x, b.scalar(-1)]), [0, -2], [0, -0.25]],
  ["Pow, 0 and 1", (b, x) => b.op("Pow", [x, b.numbers([0, 1, 0])]), [0, 0, 2], [0, 1, 0]],
  ["Pow of 0", (b, x) => b.op("Pow", [b.numbers([0, 2]), x]), [2, 2], [0, 4 * Math.LN2]],
  ["Shrink", (b, x) => b.op("Shrink", [x]), [-0.5, 0.5, 0.6], [0, 0, 1]],
  ["ThresholdedRelu", (b, x) => b.op("ThresholdedRelu", [x]), [1, 1.5], [0, 1]],
  ["ReduceL1", (b, x) => b.op("ReduceL1", [x], { axes: ints([1]) }), [0, -2], [0, -1]],
  ["ReduceL2", (b, x) => b.op("ReduceL2", [x], { axes: ints([1]) }), [0, 0], [0, 0]],
  ["ReduceProd, one 0", (b, x) => b.op("ReduceProd", [x], { axes: ints([1]) }), [3, 0, 2], [0, 6, 0]],
  ["ReduceProd, two 0", (b, x) => b.op("ReduceProd", [x], { axes: ints([1]) }), [3, 0, 0], [0, 0, 0]],
  ["ReduceMax, equals", (b, x) => b.op("ReduceMax", [x], { axes: ints([1]) }), [1, 2, 2], [0, 1, 0]],
  ["ReduceMin, equals", (b, x) => b.op("ReduceMin", [x], { axes: ints([1]) }), [1, 2, 1], [1, 0, 0]],
  ["LpNormalization", (b, x) => b.op("LpNormalization", [x]), [0, 0], [0, 0]],
  [
    "GlobalLpPool",
    (b, x) => b.op("Flatten", [b.op("GlobalLpPool", [b.op("Unsqueeze", [x, b.integers([1])])])]),
    [0, 0],
    [0, 0],
  ],
];

describe("gradients are finite", () => {
  it.each(borders)("%s", async (_name, make, x, slopes) => {
    const outputs = modelOf(make, x.length).graph.outputs[0]!.shape.at(-1) as number;
    const R = Array.from({ length: outputs }, () => 1);
    const gradient = await explained(make, x, R, { composite: "gradient" });
    gradient.forEach((slope, i) => expect(slope).toBeCloseTo(slopes[i] as number, 5));
    const relevance = await explained(make, x, R, { composite: "epsilon" });
    expect(relevance.every(Number.isFinite)).toBe(true);
  });
});

const mean: Make = (b, x) => b.op("ReduceMean", [x], { axes: ints([1]) });

describe("LRP holds the parameters of a function constant", () => {
  const composite = "epsilon";
  const [x, R] = [
    [1, 2, 3],
    [4, 5, 6],
  ];

  it.each([
    ["the exponent", (b, v) => b.op("Pow", [v, mean(b, v)])],
    ["the slope of PRelu", (b, v) => b.op("PRelu", [v, mean(b, v)])],
    ["the bounds of Clip", (b, v) => b.op("Clip", [v, b.op("ReduceMin", [v], { keepdims: int(0) })])],
    ["the divisor of Mod", (b, v) => b.op("Mod", [v, mean(b, v)], { fmod: int(1) })],
  ] satisfies [string, Make][])("%s", async (_name, make) => {
    expect(await explained(make, x, R, { composite })).toEqual(R);
  });

  it("passes to the exponent of a number", async () => {
    expect(await explained((b, v) => b.op("Pow", [b.scalar(2), v]), x, R, { composite })).toEqual(R);
  });

  it("does not pass to a base that was stretched", () => {
    const model = modelOf((b, v) => b.op("Pow", [mean(b, v), v]), 3);
    expect(() => compile(model)).toThrow("relevance cannot pass unchanged from [N, 3] to [N, 1]");
  });
});

it("a remainder of whole numbers is refused, and says why", () => {
  const model = modelOf((b, x) => b.op("Mod", [x, b.scalar(2)]), 3);
  expect(() => compile(model)).toThrow("it counts in whole numbers (fmod = 0)");
});
