/** Products of a tensor with itself: the same outputs to the bit, gradients by hand, and gates stay gates. */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { type GraphBuilder, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";
import { expectSameOutputs, graphOf, operators, random } from "./before-and-after.ts";

type Make = (b: GraphBuilder, z: Value) => Value;

/** Each with the derivative of what it computes from z, and its nodes: a square is also what the cube's own Mul reads. */
const forms: readonly (readonly [string, Make, (z: number) => number, readonly string[]])[] = [
  ["z·z", (b, z) => b.op("Mul", [z, z]), (z) => 2 * z, ["Pow"]],
  ["z·z·z", (b, z) => b.op("Mul", [b.op("Mul", [z, z]), z]), (z) => 3 * z ** 2, ["Pow", "Pow"]],
  [
    "z²·z²",
    (b, z) => {
      const square = b.op("Mul", [z, z]);
      return b.op("Mul", [square, square]);
    },
    (z) => 4 * z ** 3,
    ["Pow", "Pow"],
  ],
  [
    "z·Pow(z, 2)",
    (b, z) => b.op("Mul", [z, b.op("Pow", [z, b.scalar(2)])]),
    (z) => 3 * z ** 2,
    ["Pow", "Pow"],
  ],
  [
    "z·z where it is read twice",
    (b, z) => {
      const square = b.op("Mul", [z, z]);
      return b.op("Add", [square, b.op("Mul", [square, z])]);
    },
    (z) => 2 * z + 3 * z ** 2,
    ["Pow", "Pow", "Add"],
  ],
  [
    "√z stays what it is",
    (b, z) => {
      const root = b.op("Pow", [b.op("Abs", [z]), b.scalar(0.5)]);
      return b.op("Mul", [root, root]);
    },
    (z) => Math.sign(z),
    ["Abs", "Pow", "Pow"],
  ],
];

const modelOf = (make: Make) => {
  const graph = graphOf(["N", 4], (b, x) => {
    const weights = b.constant(random(4, 3), "weights");
    return make(b, b.op("MatMul", [x, weights], {}, "z"));
  });
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph };
};

describe("powers", () => {
  it.each(forms)("%s", async (_name, make, slope, expected) => {
    const source = modelOf(make);
    const { graph } = canonicalize(source.graph);
    expect(operators(graph).filter((name) => name !== "MatMul" && name !== "Linear")).toEqual(expected);
    await expectSameOutputs(source.graph, graph, 0);

    const x = { data: randomNumbers(4, 7), dims: [1, 4] };
    const target = { data: Float32Array.of(0, 0, 1), dims: [1, 3] };
    const weights = new Float32Array(
      (source.graph.initializers.get("weights")?.bytes ?? new Uint8Array()).slice().buffer,
    );
    const column = [0, 1, 2, 3].map((row) => weights[row * 3 + 2] as number);
    const z = column.reduce((sum, weight, i) => sum + weight * (x.data[i] as number), 0);
    const gradient = compile(source, { composite: "gradient", start: "output" });
    const found = await runModel(gradient.model, { x, target });
    expect(
      relativeDistance(
        found["relevance"]?.data ?? [],
        column.map((weight) => weight * slope(z)),
      ),
    ).toBeLessThan(1e-5);

    // No factor gates the other, so relevance passes: ε shares z's among the inputs.
    const { model } = compile(source, { composite: "epsilon-plus", start: "output", epsilon: 0 });
    const { relevance, ...rest } = await runModel(model, { x, target });
    const value = (Object.values(rest)[0]?.data ?? [])[2] as number;
    const shares = column.map((weight, i) => (value * weight * (x.data[i] as number)) / z);
    expect(relativeDistance(relevance?.data ?? [], shares)).toBeLessThan(1e-5);
  });

  it("the square of a gate is a gate", () => {
    const source = modelOf((b, z) => {
      const gate = b.op("Sigmoid", [z]);
      return b.op("Mul", [z, b.op("Mul", [gate, gate])]);
    });
    const { model } = compile(source, { composite: "epsilon-plus", start: "output" });
    expect(model.graph.outputs.map(({ name }) => name)).toContain("relevance");
  });
});
