/** Normalisations that are spelled out in ways that no rewrite knows: a factor 1/√v divides, and shares as the quotient does. */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { GraphBuilder, float32Tensor, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

const [rows, columns] = [3, 5];
const input = { data: randomNumbers(rows * columns, 3), dims: [1, rows, columns] };
const target = { data: randomNumbers(rows * columns, 4), dims: [1, rows, columns] };
/** One of them is negative, as trained ones may be. */
const gamma = Float32Array.of(0.7, -1.3, 0.4, 1.1, 0.9);

type Scale = (b: GraphBuilder, d: Value, v: Value) => Value;

/** x − mean(x), scaled by mean(x²) − mean(x)² as Flax computes the variance, and by γ. */
const modelOf = (scale: Scale): Model => {
  const b = new GraphBuilder();
  const x = b.input("input", "float32", ["N", rows, columns]);
  const meanOf = (value: Value): Value => {
    const sum = b.op("ReduceSum", [value, b.integers([1])], { keepdims: int(0) });
    return b.op("Mul", [sum, b.scalar(1 / rows)]);
  };
  const mean = meanOf(x);
  const variance = b.op("Sub", [meanOf(b.op("Mul", [x, x])), b.op("Mul", [mean, mean])]);
  const clipped = b.op("Max", [variance, b.scalar(0)]);
  const back = (value: Value): Value => b.op("Unsqueeze", [value, b.integers([1])]);
  const d = b.op("Sub", [x, back(mean)], {}, "centred");
  b.output(scale(b, d, b.op("Add", [back(clipped), b.scalar(1e-3)])), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
};

const weights = (b: GraphBuilder): Value => b.constant(float32Tensor(gamma, [1, 1, columns]), "gamma");
const root = (b: GraphBuilder, v: Value): Value => b.op("Sqrt", [v]);

const asQuotient: Scale = (b, d, v) => b.op("Div", [b.op("Mul", [d, weights(b)]), root(b, v)]);

const spellings: readonly (readonly [string, Scale])[] = [
  [
    "d · (1/√v · γ)",
    (b, d, v) => b.op("Mul", [d, b.op("Mul", [b.op("Reciprocal", [root(b, v)]), weights(b)])]),
  ],
  [
    "(γ · 1/√v) · d",
    (b, d, v) => b.op("Mul", [b.op("Mul", [weights(b), b.op("Reciprocal", [root(b, v)])]), d]),
  ],
  ["d · (γ/√v)", (b, d, v) => b.op("Mul", [d, b.op("Div", [weights(b), root(b, v)])])],
  [
    "d · v^−½ · γ",
    (b, d, v) => b.op("Mul", [b.op("Mul", [d, b.op("Pow", [v, b.scalar(-0.5)])]), weights(b)]),
  ],
  [
    "d · 1/√v, moved on its way",
    (b, d, v) => {
      const inverse = b.op("Reciprocal", [b.op("Squeeze", [root(b, v), b.integers([1])])]);
      const wide = b.op("Expand", [
        b.op("Unsqueeze", [inverse, b.integers([1])]),
        b.integers([1, rows, columns]),
      ]);
      return b.op("Mul", [b.op("Mul", [wide, weights(b)]), d]);
    },
  ],
];

const relevanceOf = async (model: Model, composite: "epsilon-plus" | "gradient"): Promise<Float32Array> => {
  const compiled = compile(model, {
    composite,
    start: "output",
    ...(composite === "epsilon-plus" && { epsilon: 0 }),
  });
  return (await runModel(compiled.model, { input, target }))["relevance"]?.data ?? new Float32Array();
};

const inverse = (b: GraphBuilder, v: Value): Value => b.op("Reciprocal", [v]);
const made =
  (scale: Scale): (() => unknown) =>
  () =>
    compile(modelOf(scale), { composite: "epsilon-plus", start: "output" });

describe("a factor that divides shares as a divisor does", () => {
  it.each(spellings)("%s", async (_name, scale) => {
    for (const composite of ["epsilon-plus", "gradient"] as const) {
      const expected = await relevanceOf(modelOf(asQuotient), composite);
      expect(expected.some((number) => number !== 0)).toBe(true);
      expect(relativeDistance(await relevanceOf(modelOf(scale), composite), expected)).toBeLessThan(1e-5);
    }
  });

  it("a sigmoid stays the gate of 1/v, and two divisors stay refused", () => {
    const sigmoid = made((b, d, v) => b.op("Mul", [inverse(b, v), b.op("Sigmoid", [d])]));
    expect(sigmoid).not.toThrow();
    const both = made((b, d, v) => {
      const small = b.op("ReduceMean", [b.op("Abs", [d])], { axes: ints([1]), keepdims: int(1) });
      return b.op("Mul", [b.op("Mul", [inverse(b, v), inverse(b, b.op("Add", [small, b.scalar(1)]))]), d]);
    });
    expect(both).toThrow(/which is the gate is not known/);
  });
});
