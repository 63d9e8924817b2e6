/** The error for an input that an operator takes for constant: the output does depend on it, and the error says how. */

import { describe, expect, it } from "vitest";
import { compile, inspect, UnexplainableError } from "../../src/index.ts";
import {
  float32Tensor,
  GraphBuilder,
  int,
  int64Tensor,
  string,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";
import { libraryOptions } from "../support/command-options.ts";
import { randomNumbers } from "../support/run.ts";

/** A graph from the input `x`, of the given shape, to the output `y`. */
function modelFrom(shape: readonly number[], write: (b: GraphBuilder, x: Value) => Value): Model {
  const b = new GraphBuilder();
  const y = write(b, b.input("x", "float32", shape));
  b.output(b.op("Identity", [y], {}, "y"));
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("g") };
}

const numbers = (b: GraphBuilder, ...dims: number[]): Value => {
  const count = dims.reduce((a, n) => a * n, 1);
  return b.constant(float32Tensor(randomNumbers(count, count), dims), "numbers");
};

function refusalOf(model: Model): UnexplainableError {
  try {
    compile(model, { composite: "epsilon-plus", input: "x" });
  } catch (error) {
    if (error instanceof UnexplainableError) return error;
    throw error;
  }
  throw new Error("nothing is refused");
}

const taken: readonly (readonly [string, readonly number[], string, (b: GraphBuilder, x: Value) => Value])[] =
  [
    [
      "the places of a GridSample",
      [1, 2, 2, 2],
      "GridSample",
      (b, x) => b.op("GridSample", [numbers(b, 1, 3, 4, 4), x]),
    ],
    [
      "its places, behind an operator",
      [1, 2, 2, 2],
      "GridSample",
      (b, x) => b.op("GridSample", [numbers(b, 1, 3, 4, 4), b.op("Tanh", [x])]),
    ],
    [
      "the regions of a RoiAlign",
      [2, 4],
      "RoiAlign",
      (b, x) =>
        b.op("RoiAlign", [numbers(b, 1, 3, 4, 4), x, b.constant(int64Tensor([0, 0]), "batch")], {
          output_height: int(2),
          output_width: int(2),
          sampling_ratio: int(2),
        }),
    ],
    [
      "the weights of an RNN",
      [1, 4, 3],
      "RNN",
      (b, x) => b.ops("RNN", [numbers(b, 5, 1, 3), x, numbers(b, 1, 4, 4)], { hidden_size: int(4) }, 2)[1],
    ],
  ];

describe("an input that counts as constant", () => {
  it.each(taken)("%s", (_name, shape, opType, write) => {
    const { message, where } = refusalOf(modelFrom(shape, write));
    expect(where).toContain(opType);
    expect(message).toContain('the input "x" gives it only weights, places, sizes or states');
    expect(message).not.toContain("does not depend");
  });

  it("is not confused with one that leads nowhere", () => {
    const model = modelFrom([1, 2], (b) => b.op("Relu", [b.input("z", "float32", [1, 2])]));
    expect(refusalOf(model).message).toContain('does not depend on the input "x"');
  });

  it("updates that scatter by a product are no constants: the reduction is named", () => {
    const model = modelFrom([2], (b, x) =>
      b.op("ScatterElements", [numbers(b, 4), b.constant(int64Tensor([1, 2]), "places"), x], {
        reduction: string("mul"),
      }),
    );
    expect(refusalOf(model).message).toContain('it scatters by "mul"');
  });
});

describe("ways on", () => {
  it.each([["mean"], ["variance"]])("do not stop at the other outputs of a node: %s", (other) => {
    const model = modelFrom([2, 3, 4, 4], (b, x) => {
      const parts = [1, 2, 3, 4].map(() => numbers(b, 3));
      const inputs = [b.op("Relu", [x]), ...parts] as const;
      const [y, mean, variance] = b.ops(
        "BatchNormalization",
        inputs as Parameters<typeof b.ops<"BatchNormalization", 3>>[1],
        { training_mode: int(1) },
        3,
      );
      b.output(other === "mean" ? mean : variance);
      return y;
    });
    const { obstacles, alternatives } = inspect(model, { composite: "epsilon-plus", output: "y" });
    expect(obstacles).toHaveLength(1);
    expect(alternatives.length).toBeGreaterThan(0);
    for (const { option } of alternatives) {
      const { canCompile } = inspect(model, {
        composite: "epsilon-plus",
        output: "y",
        ...libraryOptions(option),
      });
      expect(canCompile, option).toBe(true);
    }
  });
});
