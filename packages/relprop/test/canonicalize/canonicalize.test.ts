import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { recognizeAffine } from "../../src/canonicalize/recognize-affine.ts";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { matMulAddToLinear } from "../../src/canonicalize/matmul-add-to-linear.ts";
import { normalizeGemm } from "../../src/canonicalize/normalize-gemm.ts";
import { slicesToSplit } from "../../src/canonicalize/slices-to-split.ts";
import { GraphBuilder, type Value, float, int, ints, numbersOf, readModel } from "../../src/onnx/index.ts";
import {
  applied,
  batchNorm,
  expectCanonical,
  expectRewrite,
  expectSameOutputs,
  graphOf,
  operators,
  positive,
  random,
} from "./before-and-after.ts";

const rounding = 2e-6;

const gather = (b: GraphBuilder, x: Value, index: number, axis: number): Value =>
  b.op("Gather", [x, b.integer(index)], { axis: int(axis) });
const slice = (b: GraphBuilder, x: Value, [start, end]: readonly [number, number], axis: number): Value =>
  b.op("Slice", [x, b.integers([start]), b.integers([end]), b.integers([axis])]);

describe("matmul-add-to-linear", () => {
  it("joins MatMul and its bias, to the bit", async () => {
    const before = graphOf(["N", 3, 5], (b, x) => {
      const product = b.op("MatMul", [x, b.constant(random(5, 7), "W")]);
      return b.op("Add", [b.constant(random(7), "b"), product]);
    });
    const after = await expectRewrite(matMulAddToLinear, before, ["Linear"], 0);
    expect(after.nodes[0]?.inputs).toEqual(["x", "W", "b"]);
    expect(after.nodes[0]?.domain).toBe("relprop");
  });

  it("takes a MatMul alone, and leaves a sum that varies over positions alone", async () => {
    const before = graphOf(["N", 3, 5], (b, x) => {
      const product = b.op("MatMul", [x, b.constant(random(5, 7), "W")]);
      return b.op("Add", [product, b.constant(random(3, 7), "positions")]);
    });
    const after = await expectRewrite(matMulAddToLinear, before, ["Linear", "Add"], 0);
    expect(after.nodes[0]?.inputs).toEqual(["x", "W", ""]);
  });

  it("leaves products of two computed matrices alone", () => {
    const before = graphOf(["N", 3, 3], (b, x) => b.op("MatMul", [x, x]));
    expect(applied(matMulAddToLinear, before).after).toBe(before);
  });
});

describe("slices-to-split", () => {
  it("makes a Split of Gathers of every index, in whatever order", async () => {
    const before = graphOf(["N", 3, 5], (b, x) => {
      const [k, q, v] = [1, 0, -1].map((index) => gather(b, x, index, 1)) as [Value, Value, Value];
      return b.op("Sub", [b.op("Mul", [q, k]), v]);
    });
    const rewritten = ["Split", "Squeeze", "Squeeze", "Squeeze", "Mul", "Sub"];
    const after = await expectRewrite(slicesToSplit, before, rewritten, 0);
    expect(after.nodes.map(({ name }) => name)).toContain("Gather");
  });

  it("makes a Split of Slices that follow each other", async () => {
    const before = graphOf(["N", 2, 7], (b, x) => {
      const end = Number.MAX_SAFE_INTEGER;
      return b.op("Concat", [slice(b, x, [-4, end], -1), slice(b, x, [0, 3], 2)], { axis: int(2) });
    });
    const after = await expectRewrite(slicesToSplit, before, ["Split", "Concat"], 0);
    expect(after.nodes[0]?.outputs).toEqual(["Slice_2", "Slice"]);
  });

  it.each<[string, (b: GraphBuilder, x: Value) => Value]>([
    ["there is a gap", (b, x) => b.op("Mul", [slice(b, x, [0, 3], 2), slice(b, x, [4, 7], 2)])],
    ["they overlap", (b, x) => b.op("Mul", [slice(b, x, [0, 4], 2), slice(b, x, [3, 7], 2)])],
    ["they cut different axes", (b, x) => b.op("Mul", [slice(b, x, [0, 1], 1), slice(b, x, [1, 2], 2)])],
    ["one takes all", (b, x) => slice(b, x, [0, 7], 2)],
    [
      "there are many",
      (b, x) =>
        b.op(
          "Sum",
          Array.from({ length: 8 }, (_, i) => gather(b, x, i, 3)),
        ),
    ],
  ])("leaves parts alone if %s", (_title, make) => {
    const before = graphOf(["N", 2, 7, 8], make);
    expect(applied(slicesToSplit, before).after).toBe(before);
  });
});

describe("normalize-gemm", () => {
  it("folds alpha and beta into constants, and gives transA a Transpose of its own", async () => {
    const before = graphOf([5, 2], (b, x) => {
      const inputs = [x, b.constant(random(5, 7), "W"), b.constant(random(7), "b")] as const;
      return b.op("Gemm", inputs, { alpha: float(0.5), beta: float(-2), transA: int(1) });
    });
    const after = await expectRewrite(normalizeGemm, before, ["Transpose", "Gemm"], rounding);
    expect(after.nodes[1]?.attributes).toEqual({});
  });

  it("leaves a Gemm alone that is normal already", () => {
    const before = graphOf(["N", 5], (b, x) =>
      b.op("Gemm", [x, b.constant(random(7, 5), "W")], { transB: int(1), alpha: float(1) }),
    );
    expect(applied(normalizeGemm, before).after).toBe(before);
  });

  it("refuses to scale what is computed, and says so", () => {
    const before = graphOf(["N", 5], (b, x) => {
      const weight = b.op("Relu", [b.input("w", "float32", [5, 7])]);
      return b.op("Gemm", [x, weight], { alpha: float(2) });
    });
    const { after, notes } = applied(normalizeGemm, before);
    expect(after).toBe(before);
    expect(notes[0]?.why).toMatch(/not a float32 constant/);
  });
});

describe("recognize-affine", () => {
  it("names batch norms, factors and divisors, and keeps their nodes as bodies", async () => {
    const before = graphOf(["N", 4, 3, 3], (b, x) => {
      const scaled = b.op("Mul", [b.constant(random(4, 1, 1), "a"), b.op("Neg", [batchNorm(b, x, 4)])]);
      return b.op("Div", [b.op("Neg", [scaled]), b.constant(positive(3, 3), "d")]);
    });
    const after = await expectRewrite(
      recognizeAffine,
      before,
      ["Affine", "Neg", "Affine", "Neg", "Affine"],
      0,
    );
    const [norm, , factor] = after.nodes;
    expect(after.initializers.get(norm?.inputs[1] ?? "")?.dims).toEqual([4, 1, 1]);
    expect(factor?.inputs.slice(1)).toEqual(["a", ""]);
  });

  it("gives the numbers that a batch norm computes", async () => {
    const before = graphOf(["N", 4, 3, 3], (b, x) => batchNorm(b, x, 4));
    const affine = applied(recognizeAffine, before).after;
    const [node] = affine.nodes;
    const [, a = "", c = ""] = node?.inputs ?? [];
    const spelledOut = graphOf(["N", 4, 3, 3], (b, x) => {
      const constant = (name: string): Value => b.constant(affine.initializers.get(name) ?? random(), name);
      const [scale, shift] = [constant(a), constant(c)];
      return b.op("Add", [b.op("Mul", [x, scale]), shift], {}, "BatchNormalization");
    });
    await expectSameOutputs(before, spelledOut, rounding);
  });

  it("leaves factors of integers and factors that enlarge their input alone", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 1]);
    b.output(b.op("Mul", [x, b.constant(random(3), "wide")]));
    b.output(b.op("Mul", [b.op("Shape", [x]), b.integers([2])]));
    const before = b.graph("g");
    expect(applied(recognizeAffine, before).after).toBe(before);
  });
});

describe("canonicalize", () => {
  it("brings a transformer's feed-forward block to Linear, Gelu, Linear", async () => {
    const before = graphOf(["N", 3, 5], (b, x) => {
      const hidden = b.op("Add", [
        b.op("MatMul", [x, b.constant(random(5, 8), "W1")]),
        b.constant(random(8), "b1"),
      ]);
      const erf = b.op("Erf", [b.op("Div", [hidden, b.scalar(Math.SQRT2)])]);
      const gelu = b.op("Mul", [b.op("Mul", [hidden, b.op("Add", [erf, b.scalar(1)])]), b.scalar(0.5)]);
      const out = b.op("Add", [
        b.op("MatMul", [b.op("Dropout", [gelu]), b.constant(random(8, 5), "W2")]),
        b.constant(random(5), "b2"),
      ]);
      return b.op("Add", [x, out]);
    });
    await expectCanonical(before, ["Linear", "Gelu", "Linear", "Add"], 0);
  });

  it("folds a batch norm into a MatMul without bias", async () => {
    const before = graphOf(["N", 5], (b, x) =>
      b.op("Relu", [batchNorm(b, b.op("MatMul", [x, b.constant(random(5, 7), "W")]), 7)]),
    );
    await expectCanonical(before, ["Linear", "Relu"], rounding);
  });

  it("notes the batch norm that stays", () => {
    const before = graphOf(["N", 4, 5, 5], (b, x) => b.op("Relu", [batchNorm(b, b.op("Relu", [x]), 4)]));
    const { graph, notes } = canonicalize(before);
    expect(operators(graph)).toEqual(["Relu", "Affine", "Relu"]);
    expect(notes).toEqual([
      {
        rewrite: "fold-affine",
        node: "BatchNormalization",
        operator: "BatchNormalization",
        why: expect.stringMatching(/layer of its own/),
      },
    ]);
  });

  it("leaves a graph in canonical form as it is", () => {
    const before = graphOf(["N", 4, 5, 5], (b, x) => b.op("MaxPool", [x], { kernel_shape: ints([2, 2]) }));
    expect(canonicalize(before).graph).toBe(before);
  });

  const golden: readonly (readonly [string, readonly string[]])[] = [
    ["convnet", ["Constant"]],
    ["mlp-signed", ["Constant", "Erf", "Mul", "Div"]],
    ["mobilenet-bn", ["Constant", "BatchNormalization", "Affine"]],
    ["resnet-bn", ["Constant", "BatchNormalization", "Affine"]],
    ["vgg-tiny", ["Constant"]],
  ];

  it.each(golden)("keeps the outputs of the golden %s", async (folder, gone) => {
    const model = readModel(readFileSync(new URL(`../golden/${folder}/model.onnx`, import.meta.url)));
    const { graph, notes } = canonicalize(model.graph);
    for (const opType of gone) expect(operators(graph)).not.toContain(opType);
    expect(notes).toEqual([]);
    if (folder === "mlp-signed") expect(operators(graph)).toContain("Gelu");
    for (const tensor of graph.initializers.values()) expect(numbersOf(tensor).length).toBeGreaterThan(0);
    await expectSameOutputs(model.graph, graph, 1e-5);
  });
});
