/** Softmax and normalisations as JAX and TensorFlow write them: reductions lose their axes, which come back behind. */

import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { inferGraph } from "../../src/onnx/infer-shapes.ts";
import { type GraphBuilder, type Value, int, int64Tensor } from "../../src/onnx/index.ts";
import { expectSameOutputs, graphOf, operators } from "./before-and-after.ts";

type Restore = (b: GraphBuilder, reduced: Value, whole: Value) => Value;

const unsqueezed: Restore = (b, reduced) => b.op("Unsqueeze", [reduced, b.integers([1])]);

/** The shape of the whole as it is computed at run time, with 1 in place of the axis. */
const sized = (b: GraphBuilder, whole: Value): Value => {
  const batch = b.op("Slice", [b.op("Shape", [whole]), b.integers([0]), b.integers([1])]);
  return b.op("Concat", [batch, b.integers([1]), b.integers([4])], { axis: int(0) });
};

const restores: readonly (readonly [string, Restore])[] = [
  ["Unsqueeze", unsqueezed],
  ["Reshape to constants", (b, reduced) => b.op("Reshape", [reduced, b.integers([-1, 1, 4])])],
  [
    "Reshape and Expand to computed sizes, and a maximum with −∞",
    (b, reduced, whole) => {
      const most = b.op("Max", [b.scalar(-Infinity), reduced]);
      return b.op("Expand", [b.op("Reshape", [most, sized(b, whole)]), sized(b, whole)]);
    },
  ],
];

const without = { axes: { type: "ints", value: [1] }, keepdims: int(0) } as const;

const softmax =
  (restore: Restore, restoreSum = restore) =>
  (b: GraphBuilder, x: Value): Value => {
    const exp = b.op("Exp", [b.op("Sub", [x, restore(b, b.op("ReduceMax", [x], without), x)])]);
    const sum = b.op("ReduceSum", [exp, b.integers([1])], { keepdims: int(0) });
    return b.op("Div", [exp, restoreSum(b, sum, x)]);
  };

const normalized =
  (restore: Restore) =>
  (b: GraphBuilder, x: Value): Value => {
    const d = b.op("Sub", [x, restore(b, b.op("ReduceMean", [x], without), x)]);
    const variance = restore(b, b.op("ReduceMean", [b.op("Mul", [d, d])], without), x);
    return b.op("Div", [d, b.op("Sqrt", [b.op("Add", [variance, b.scalar(1e-5)])])]);
  };

const turned: Restore = (b, reduced) => b.op("Unsqueeze", [reduced, b.integers([2])]);

describe("reduced axes that come back", () => {
  it.each(restores)("%s", async (_name, restore) => {
    for (const [make, name] of [
      [softmax(restore), "Softmax"],
      [normalized(restore), "LayerNormalization"],
    ] as const) {
      const before = graphOf(["N", 3, 4], make);
      const { graph } = canonicalize(before);
      expect(operators(graph)).toEqual([name]);
      await expectSameOutputs(before, graph, 0);
    }
  });

  it("come back at another place, and it is no softmax", async () => {
    const before = graphOf(["N", 4, 4], softmax(turned));
    const { graph } = canonicalize(before);
    expect(operators(graph)).not.toContain("Softmax");
    const mixed = canonicalize(graphOf(["N", 4, 4], softmax(unsqueezed, turned))).graph;
    expect(operators(mixed)).not.toContain("Softmax");
    await expectSameOutputs(before, graph, 0);
  });
});

it.each([1e9, 2 ** 31 - 1, Number.MAX_SAFE_INTEGER])("a Slice to %d keeps an open size", (end) => {
  const graph = graphOf(["N", 3], (b, x) =>
    b.op("Slice", [x, b.integers([0]), b.constant(int64Tensor([end]), "end"), b.integers([0])], {}, "y"),
  );
  expect(inferGraph(graph).get("y")?.shape).toEqual(["N", 3]);
});
