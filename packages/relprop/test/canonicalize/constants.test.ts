import { describe, expect, it } from "vitest";
import { dropNoOps } from "../../src/canonicalize/drop-no-ops.ts";
import { foldConstants } from "../../src/canonicalize/fold-constants.ts";
import {
  type Attributes,
  GraphBuilder,
  type Node,
  float32Tensor,
  int,
  int64Tensor,
  ints,
  numbersOf,
} from "../../src/onnx/index.ts";
import { sure } from "../../src/sure.ts";
import { applied, expectRewrite, graphOf, operators, positive, random, run } from "./before-and-after.ts";

const constantNode = (name: string, attributes: Attributes): Node => ({
  name,
  opType: "Constant",
  domain: "",
  inputs: [],
  outputs: [name],
  attributes,
});

describe("fold-constants", () => {
  it("makes Constant nodes initializers", async () => {
    const before = graphOf(["N", 3], (b, x) => {
      const [three] = b.add(constantNode("three", { value_float: { type: "float", value: 3 } }));
      return b.op("Mul", [x, sure(three)]);
    });
    const after = await expectRewrite(foldConstants, before, ["Mul"], 0);
    expect(after.initializers.get("three")?.dims).toEqual([]);
  });

  it("evaluates shape arithmetic that ends in numbers, and drops what led there", async () => {
    const before = graphOf(["N", 4, 2, 3], (b, x) => {
      const channels = b.op("Gather", [b.op("Shape", [x]), b.integers([1])]);
      return b.op("Reshape", [
        x,
        b.op("Concat", [b.integers([-1]), channels, b.integers([6])], { axis: int(0) }),
      ]);
    });
    const after = await expectRewrite(foldConstants, before, ["Reshape"], 0);
    expect(
      Array.from(numbersOf(after.initializers.get(after.nodes[0]?.inputs[1] ?? "") ?? int64Tensor([]))),
    ).toEqual([-1, 4, 6]);
    expect(after.initializers.size).toBe(1);
  });

  it("moves the elements of constants as the operators do", async () => {
    const before = graphOf(["N", 5, 4, 2], (b, x) => {
      const weight = b.constant(random(2, 4, 5), "W");
      const turned = b.op("Transpose", [weight], { perm: ints([2, 1, 0]) });
      const part = b.op("Slice", [
        turned,
        b.integers([-1, 0]),
        b.integers([-100, 4]),
        b.integers([0, 1]),
        b.integers([-2, 3]),
      ]);
      const picked = b.op("Gather", [part, b.integers([1, 0, -1])], { axis: int(1) });
      const joined = b.op(
        "Concat",
        [picked, b.op("Expand", [b.constant(random(3, 1, 2), "e"), b.integers([3, 1, 2])])],
        { axis: int(1) },
      );
      const two = b.op("Slice", [joined, b.integers([0]), b.integers([1]), b.integers([0])]);
      return b.op("Add", [x, b.op("Squeeze", [b.op("Unsqueeze", [two, b.integers([0])]), b.integers([1])])]);
    });
    await expectRewrite(foldConstants, before, ["Add"], 0);
  });

  it("computes with float32's rounding and numpy's broadcasting", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const a = b.constant(positive(3, 1), "a");
      const c = b.constant(positive(4), "c");
      const root = b.op("Sqrt", [b.op("Add", [a, c])]);
      const ratio = b.op("Div", [
        b.op("Sub", [root, b.op("Mul", [a, c])]),
        b.op("Neg", [b.op("Reciprocal", [c])]),
      ]);
      const chosen = b.op("Where", [b.op("Equal", [a, a]), ratio, c]);
      return b.op("Mul", [x, b.op("Cast", [chosen], { to: int(1) })]);
    });
    await expectRewrite(foldConstants, before, ["Mul"], 0);
  });

  it("unwinds the pads that torch computes", async () => {
    const before = graphOf([1, 1, 4, 4], (b, x) => {
      const zeros = b.op("ConstantOfShape", [b.integers([4])], {
        value: { type: "tensor", value: int64Tensor([0]) },
      });
      const pads = b.op("Concat", [b.integers([1, 2, 0, 3]), zeros], { axis: int(0) });
      const pairs = b.op("Reshape", [pads, b.integers([-1, 2])]);
      const reversed = b.op("Slice", [
        pairs,
        b.integers([-1]),
        b.integers([-1e15]),
        b.integers([0]),
        b.integers([-1]),
      ]);
      const flat = b.op("Reshape", [b.op("Transpose", [reversed], { perm: ints([1, 0]) }), b.integers([-1])]);
      return b.op("Pad", [x, b.op("Cast", [flat], { to: int(7) }), b.scalar(0.5)]);
    });
    await expectRewrite(foldConstants, before, ["Pad"], 0);
  });

  it("leaves large expressions to the runtime", () => {
    const before = graphOf([1, 1001], (b, x) =>
      b.op("MatMul", [x, b.op("Transpose", [b.constant(random(1001, 1001), "W")])]),
    );
    expect(applied(foldConstants, before).after).toBe(before);
  });

  it("keeps constants that only a body needs", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", [2]);
    const half = b.scalar(0.5);
    const inner: Node = {
      name: "m",
      opType: "Mul",
      domain: "",
      inputs: ["x", half.name],
      outputs: ["y"],
      attributes: {},
    };
    const [y] = b.add({
      name: "n",
      opType: "Gelu",
      domain: "",
      inputs: ["x"],
      outputs: ["y"],
      attributes: {},
      body: [inner],
    });
    b.constant(random(3), "unused");
    if (y) b.output(y);
    expect(x.name).toBe("x");
    expect([...applied(foldConstants, b.graph("g")).after.initializers.keys()]).toEqual([half.name]);
  });
});

describe("drop-no-ops", () => {
  it("drops nodes that do nothing, in chains, and keeps the output's name", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      let y = b.op("Dropout", [b.op("Relu", [x])]);
      y = b.op("Identity", [b.op("Cast", [y], { to: int(1) })]);
      y = b.op("Reshape", [b.op("Pad", [y, b.integers([0, 0, 0, 0, 0, 0])]), b.integers([0, 3, 4])]);
      y = b.op("Transpose", [b.op("Concat", [y], { axis: int(1) })], { perm: ints([0, 1, 2]) });
      y = b.op("Neg", [y]);
      return b.op("Identity", [b.op("Expand", [y, b.integers([1, 1, 1])])]);
    });
    let after = before;
    for (let i = 0; i < 3; i++) after = applied(dropNoOps, after).after;
    expect(operators(after)).toEqual(["Relu", "Neg"]);
    expect(after.nodes[1]?.outputs).toEqual([before.outputs[0]?.name]);
    expect(await run(after)).toEqual(await run(before));
  });

  it("keeps an Identity that makes an input or a second output an output", async () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 3]);
    const y = b.op("Relu", [x]);
    b.output(y);
    b.output(b.op("Identity", [y]));
    b.output(b.op("Identity", [x], {}, "copy"));
    await expectRewrite(dropNoOps, b.graph("g"), ["Relu", "Identity", "Identity"], 0);
  });

  it("keeps a Reshape whose output only happens to have as many axes, and a Slice that reverses", async () => {
    const before = graphOf([2, 2], (b, x) => {
      const reversed = b.op("Slice", [
        x,
        b.integers([-1]),
        b.integers([-100]),
        b.integers([0]),
        b.integers([-1]),
      ]);
      return b.op("Transpose", [b.op("Reshape", [reversed, b.integers([4, 1])])]);
    });
    await expectRewrite(dropNoOps, before, ["Slice", "Reshape", "Transpose"], 0);
  });

  it("refuses a Dropout whose mask is used, or which may be training", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", [2]);
    const [dropped, mask] = b.ops("Dropout", [x], {}, 2);
    const training = b.input("training", "bool", []);
    if (dropped && mask) b.output(b.op("Where", [mask, b.op("Relu", [dropped]), x]));
    b.output(b.op("Dropout", [x, b.constant(float32Tensor([0.5], []), "ratio"), training]));
    const { after, notes } = applied(dropNoOps, b.graph("g"));
    expect(operators(after)).toEqual(["Dropout", "Relu", "Where", "Dropout"]);
    expect(notes.map((note) => note.why)).toEqual([
      expect.stringMatching(/second output .* is used/),
      expect.stringMatching(/may be random/),
    ]);
  });
});
