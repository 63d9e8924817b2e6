/** Shape arithmetic with an open batch: what exporters write around Reshape and Expand. */

import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { type GraphBuilder, type Value, int, int64Tensor, numbersOf } from "../../src/onnx/index.ts";
import { expectCanonical, expectSameOutputs, graphOf, operators, random } from "./before-and-after.ts";

/** One size of x, as a vector of one. */
const sizeOf = (b: GraphBuilder, x: Value, axis: number): Value =>
  b.op("Unsqueeze", [b.op("Gather", [b.op("Shape", [x]), b.integer(axis)]), b.integers([0])]);
const vector = (b: GraphBuilder, ...parts: readonly Value[]): Value =>
  b.op("Concat", parts, { axis: int(0) });

/** torch.as_strided of a [N, 3, 1] tensor, with a stride of the batch. */
const strided =
  (stride: number): Parameters<typeof graphOf>[1] =>
  (b, x) => {
    const mean = b.op("ReduceMax", [x], { axes: { type: "ints", value: [2] } });
    const flat = b.op("Reshape", [mean, b.integers([-1])]);
    const batch = b.op("Squeeze", [b.op("Shape", [x], { start: int(0), end: int(1) })]);
    const rows = b.op("Mul", [b.op("Range", [b.integer(0), batch, b.integer(1)]), b.integer(stride)]);
    const columns = b.constant(int64Tensor([0, 1, 2], [1, 3, 1]), "columns");
    const indices = b.op("Add", [b.op("Unsqueeze", [rows, b.integers([1, 2])]), columns]);
    return b.op("Neg", [b.op("Gather", [flat, indices])]);
  };

describe("with an open batch", () => {
  it("a Reshape to sizes of its input gets a constant target", async () => {
    const before = graphOf(["N", 6, 4], (b, x) => {
      const heads = b.op("Reshape", [x, vector(b, sizeOf(b, x, 0), sizeOf(b, x, 1), b.integers([2, 2]))]);
      const joined = b.op("Mul", [sizeOf(b, x, 0), b.integers([6])]);
      return b.op("Relu", [b.op("Reshape", [b.op("Neg", [heads]), vector(b, joined, b.integers([4]))])]);
    });
    const graph = await expectCanonical(before, ["Reshape", "Neg", "Reshape", "Relu"], 0);
    const targets = graph.nodes.flatMap(({ inputs: [, target = ""] }) => {
      const tensor = graph.initializers.get(target);
      return tensor ? [Array.from(numbersOf(tensor))] : [];
    });
    expect(targets).toEqual([
      [0, 6, 2, 2],
      [-1, 4],
    ]);
  });

  it("a class token is as many rows as the batch", async () => {
    const before = graphOf(["N", 5, 4], (b, x) => {
      const sizes = vector(b, sizeOf(b, x, 0), b.integers([-1, -1]));
      const ones = b.op("ConstantOfShape", [b.integers([3])], {
        value: { type: "tensor", value: int64Tensor([1]) },
      });
      const isOpen = b.op("Equal", [sizes, b.op("Mul", [ones, b.integer(-1)])]);
      const token = b.op("Expand", [
        b.constant(random(1, 1, 4), "cls"),
        b.op("Where", [isOpen, ones, sizes]),
      ]);
      return b.op("Concat", [token, x], { axis: int(1) });
    });
    const { graph, values } = canonicalize(before);
    expect(operators(graph)).not.toContain("Equal");
    expect(values.get(graph.outputs[0]?.name ?? "")?.shape).toEqual(["N", 6, 4]);
    await expectSameOutputs(before, graph, 0);
  });

  it("masks, grids of indices and position tables become constants, of what led there nothing stays", async () => {
    const before = graphOf(["N", 4, 4], (b, x) => {
      const size = b.op("Gather", [b.op("Shape", [x]), b.integer(1)]);
      const rows = b.op("Range", [b.integer(0), size, b.integer(1)]);
      const [column, row] = [
        b.op("Unsqueeze", [rows, b.integers([0])]),
        b.op("Unsqueeze", [rows, b.integers([1])]),
      ];
      const isShifted = b.op("Equal", [
        b.op("Mod", [b.op("Add", [row, column]), b.integer(2)]),
        b.integer(0),
      ]);
      const isSeen = b.op("And", [b.op("Not", [isShifted]), b.op("LessOrEqual", [column, row])]);
      const grid = b.op("Expand", [b.integers([0]), b.op("Shape", [isSeen])]);
      const marked = b.op("ScatterND", [
        grid,
        b.op("Unsqueeze", [rows, b.integers([1])]),
        b.op("Cast", [isSeen], { to: int(7) }),
      ]);
      const bias = b.op("Where", [b.op("Cast", [marked], { to: int(9) }), b.scalar(0), b.scalar(-100)]);
      return b.op("Add", [x, bias]);
    });
    const graph = await expectCanonical(before, ["Add"], 0);
    expect([...graph.initializers.values()].map(({ dims }) => dims)).toEqual([[4, 4]]);
  });

  it("a Split of constants becomes constants, each of its own", async () => {
    const before = graphOf(["N", 2, 3], (b, x) => {
      const [first, second] = b.ops("Split", [b.constant(random(4, 3), "w")], { axis: int(0) }, 2);
      return b.op("Max", [b.op("Mul", [x, first]), second]);
    });
    const graph = await expectCanonical(before, ["Affine", "Max"], 0);
    expect(graph.initializers.size).toBe(2);
  });

  it("a last step that makes much of little stays, what is as large as its inputs does not", async () => {
    const before = graphOf(["N", 80, 80], (b, x) => {
      const [row, column] = [b.constant(random(80, 1), "r"), b.constant(random(1, 80), "c")];
      const table = b.op("Add", [b.op("Neg", [row]), column]);
      return b.op("Max", [b.op("Min", [x, table]), b.op("Abs", [b.op("Sub", [row, column])])]);
    });
    const graph = await expectCanonical(before, ["Add", "Min", "Max"], 0);
    expect([...graph.initializers.values()].map(({ dims }) => dims)).toEqual([
      [1, 80],
      [80, 80],
      [80, 1],
    ]);
  });

  it("an Expand before what broadcasts anyway goes away", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const gate = b.op("Sigmoid", [b.op("ReduceMax", [x], { axes: { type: "ints", value: [2] } })]);
      return b.op("Mul", [x, b.op("Expand", [gate, b.op("Shape", [x])])]);
    });
    await expectCanonical(before, ["ReduceMax", "Sigmoid", "Mul"], 0);
  });

  it("keeps an Expand that another one hides behind", async () => {
    const before = graphOf(["N", 1], (b, x) => {
      const wide = b.op("Expand", [x, b.integers([1, 4])]);
      return b.op("Add", [wide, b.op("Expand", [b.op("Sigmoid", [x]), b.op("Shape", [wide])])]);
    });
    const graph = canonicalize(before).graph;
    expect(operators(graph).filter((name) => name === "Expand")).toHaveLength(1);
    await expectSameOutputs(before, graph, 0);
  });

  it("torch.as_strided of a contiguous tensor goes away", async () => {
    await expectCanonical(graphOf(["N", 3, 4], strided(3)), ["ReduceMax", "Neg"], 0);
    const other = graphOf(["N", 3, 4], strided(2));
    expect(operators(canonicalize(other).graph)).toContain("Gather");
  });
});
