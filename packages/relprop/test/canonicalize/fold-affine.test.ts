import { describe, expect, it } from "vitest";
import { foldAffine } from "../../src/canonicalize/fold-affine.ts";
import { matMulAddToLinear } from "../../src/canonicalize/matmul-add-to-linear.ts";
import { type AttributesOf, type Graph, GraphBuilder, type Value, int, ints } from "../../src/onnx/index.ts";
import {
  applied,
  batchNorm,
  expectRewrite,
  expectSameOutputs,
  graphOf,
  operators,
  positive,
  random,
} from "./before-and-after.ts";

const rounding = 2e-6;
const image = ["N", 4, 6, 5];
const padded: AttributesOf<"Conv"> = { pads: ints([1, 1, 1, 1]) };

const conv = (
  b: GraphBuilder,
  x: Value,
  dims: number[],
  attributes: AttributesOf<"Conv"> = {},
  bias = true,
): Value =>
  b.op(
    "Conv",
    [x, b.constant(random(...dims), "W"), bias ? b.constant(random(dims[0] ?? 1), "b") : undefined],
    attributes,
  );

describe("fold-affine, into the operator before", () => {
  it.each<readonly [string, AttributesOf<"Conv">, number[]]>([
    ["a plain Conv", padded, [6, 4, 3, 3]],
    ["a Conv with groups", { ...padded, group: int(2) }, [6, 2, 3, 3]],
    ["a depthwise Conv", { group: int(4), strides: ints([2, 2]) }, [4, 1, 3, 3]],
  ])("folds a batch norm into %s, with and without bias", async (_name, attributes, dims) => {
    for (const bias of [true, false]) {
      const before = graphOf(image, (b, x) => batchNorm(b, conv(b, x, dims, attributes, bias), dims[0] ?? 1));
      await expectRewrite(foldAffine, before, ["Conv"], rounding);
    }
  });

  it("folds a batch norm into a ConvTranspose with groups", async () => {
    const before = graphOf(image, (b, x) => {
      const weight = b.constant(random(4, 3, 3, 3), "W");
      return batchNorm(b, b.op("ConvTranspose", [x, weight], { group: int(2), strides: ints([2, 2]) }), 6);
    });
    await expectRewrite(foldAffine, before, ["ConvTranspose"], rounding);
  });

  it.each([0, 1])("folds a batch norm into a Gemm with transB = %d", async (transB) => {
    const before = graphOf(["N", 5], (b, x) => {
      const weight = b.constant(transB ? random(7, 5) : random(5, 7), "W");
      return batchNorm(b, b.op("Gemm", [x, weight, b.constant(random(7), "b")], { transB: int(transB) }), 7);
    });
    await expectRewrite(foldAffine, before, ["Gemm"], rounding);
  });

  it("folds constant factors and shifts on either side, one after the other", async () => {
    const before = graphOf(image, (b, x) => {
      const z = conv(b, x, [6, 4, 3, 3], padded, false);
      const scaled = b.op("Mul", [b.constant(random(6, 1, 1), "a"), z]);
      const shifted = b.op("Add", [batchNorm(b, scaled, 6), b.scalar(0.5)]);
      const divided = b.op("Div", [shifted, b.constant(positive(1, 6, 1, 1), "d")]);
      return b.op("Sub", [b.scalar(1), divided]);
    });
    await expectRewrite(foldAffine, before, ["Conv"], rounding);
  });

  it("folds into a Linear and renews its body", async () => {
    const before = graphOf(["N", 3, 5], (b, x) => {
      const product = b.op("MatMul", [x, b.constant(random(5, 7), "W")]);
      return b.op("Mul", [b.op("Add", [product, b.constant(random(7), "b")]), b.constant(random(7), "a")]);
    });
    const { after } = applied(matMulAddToLinear, before);
    const folded = await expectRewrite(foldAffine, after, ["Linear"], rounding);
    await expectSameOutputs(before, folded, rounding);
    expect(folded.nodes[0]?.body?.map((node) => node.opType)).toEqual(["MatMul", "Add"]);
  });

  it("leaves a weight that another node shares as it is", async () => {
    const before = graphOf(image, (b, x) => {
      const weight = b.constant(random(4, 4, 3, 3), "W");
      const first = b.op("Relu", [batchNorm(b, b.op("Conv", [x, weight], padded), 4)]);
      return b.op("Conv", [first, weight], padded);
    });
    const after = await expectRewrite(foldAffine, before, ["Conv", "Relu", "Conv"], rounding);
    expect(after.nodes[2]?.inputs[1]).toBe("W");
    expect(after.initializers.get("W")).toBe(before.initializers.get("W"));
  });
});

const refusal = (before: Graph): string => {
  const { after, notes } = applied(foldAffine, before);
  expect(after).toBe(before);
  return notes.map((note) => note.why).join();
};

describe("fold-affine, into the operators behind", () => {
  it("folds a batch norm into all of them if none pads", async () => {
    const before = graphOf(image, (b, x) => {
      const y = batchNorm(b, b.op("Relu", [x]), 4);
      return b.op(
        "Concat",
        [conv(b, y, [4, 2, 3, 3], { group: int(2) }), conv(b, y, [3, 4, 3, 3], {}, false)],
        { axis: int(1) },
      );
    });
    await expectRewrite(foldAffine, before, ["Relu", "Conv", "Conv", "Concat"], rounding);
  });

  it("folds a factor alone into a Conv that pads, and a shift into a Gemm", async () => {
    const scaled = graphOf(image, (b, x) =>
      conv(b, b.op("Mul", [x, b.constant(random(4, 1, 1), "a")]), [6, 4, 3, 3], padded),
    );
    await expectRewrite(foldAffine, scaled, ["Conv"], rounding);
    const shifted = graphOf(["N", 5], (b, x) =>
      b.op("Gemm", [batchNorm(b, x, 5), b.constant(random(5, 3), "W")]),
    );
    await expectRewrite(foldAffine, shifted, ["Gemm"], rounding);
  });

  it("refuses a shift before padding, since the border would miss it", () => {
    const before = graphOf(image, (b, x) => conv(b, batchNorm(b, x, 4), [6, 4, 3, 3], padded));
    expect(refusal(before)).toMatch(/no node computes its input.*pads, so its border/);
  });

  it("refuses when something that is not linear stands on both sides", () => {
    const before = graphOf(image, (b, x) => b.op("Relu", [batchNorm(b, b.op("Relu", [x]), 4)]));
    expect(refusal(before)).toMatch(/not linear.*not linear/);
  });

  it("refuses when the Conv's output is used elsewhere", () => {
    const before = graphOf(image, (b, x) => {
      const z = conv(b, x, [4, 4, 3, 3], padded);
      return b.op("Add", [z, b.op("Relu", [batchNorm(b, z, 4)])]);
    });
    expect(refusal(before)).toMatch(/used elsewhere/);
  });

  it("refuses an output of the model in between", () => {
    const b = new GraphBuilder();
    const z = conv(b, b.input("x", "float32", image), [4, 4, 3, 3], padded);
    b.output(z);
    b.output(batchNorm(b, z, 4));
    expect(refusal(b.graph("two outputs"))).toMatch(/used elsewhere/);
  });

  it("leaves a sum with a constant that varies over pixels alone", () => {
    const before = graphOf(["N", 4, 6, 5], (b, x) =>
      b.op("Add", [conv(b, x, [6, 4, 1, 1]), b.constant(random(6, 6, 5), "map")]),
    );
    expect(operators(applied(foldAffine, before).after)).toEqual(["Conv", "Add"]);
  });
});
