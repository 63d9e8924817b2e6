/** ReLU by other names: recognised, computed as before, and what only looks like one is left alone. */

import { describe, expect, it } from "vitest";
import { recognizeRelu } from "../../src/canonicalize/recognize-relu.ts";
import { type Graph, GraphBuilder, type Value, float, float32Tensor, int } from "../../src/onnx/index.ts";
import { applied, expectCanonical, expectRewrite, graphOf, operators } from "./before-and-after.ts";

type Make = (b: GraphBuilder, x: Value) => Value;

/** Between two others, so that x is the output of a node; of an open batch. */
const within = (make: Make): Graph =>
  graphOf(["N", 3, 4], (b, x) => b.op("Neg", [make(b, b.op("Sin", [x]))]));

const zeros = (b: GraphBuilder, ...dims: number[]): Value =>
  b.constant(float32Tensor(new Float32Array(dims.reduce((a, n) => a * n, 1)), dims), "zeros");
const cast = (b: GraphBuilder, condition: Value): Value => b.op("Cast", [condition], { to: int(1) });

const relus: readonly (readonly [string, Make])[] = [
  ["Clip(x, 0)", (b, x) => b.op("Clip", [x, b.scalar(0)])],
  ["Clip(x, 0, ∞)", (b, x) => b.op("Clip", [x, b.scalar(0), b.scalar(Infinity)])],
  ["Clip(x, 0, the largest number)", (b, x) => b.op("Clip", [x, b.scalar(0), b.scalar(3.4028235e38)])],
  ["Max(x, 0)", (b, x) => b.op("Max", [x, b.scalar(0)])],
  ["Max(0, x)", (b, x) => b.op("Max", [b.scalar(0), x])],
  ["Max(x, zeros of its channels)", (b, x) => b.op("Max", [x, zeros(b, 3, 1)])],
  ["Max(0, x, −0)", (b, x) => b.op("Max", [b.scalar(0), x, b.scalar(-0)])],
  ["Max(x, zeros like x)", (b, x) => b.op("Max", [x, b.op("ConstantOfShape", [b.op("Shape", [x])])])],
  ["LeakyRelu of slope 0", (b, x) => b.op("LeakyRelu", [x], { alpha: float(0) })],
  ["PRelu of slopes 0", (b, x) => b.op("PRelu", [x, zeros(b, 3, 1)])],
  ["ThresholdedRelu at 0", (b, x) => b.op("ThresholdedRelu", [x], { alpha: float(0) })],
  ["Elu with α = 0", (b, x) => b.op("Elu", [x], { alpha: float(0) })],
  ["Selu with α = 0, γ = 1", (b, x) => b.op("Selu", [x], { alpha: float(0), gamma: float(1) })],
  ["Where(x > 0, x, 0)", (b, x) => b.op("Where", [b.op("Greater", [x, b.scalar(0)]), x, b.scalar(0)])],
  ["Where(0 ≤ x, x, 0)", (b, x) => b.op("Where", [b.op("LessOrEqual", [b.scalar(0), x]), x, zeros(b, 1)])],
  ["Where(x ≤ 0, 0, x)", (b, x) => b.op("Where", [b.op("LessOrEqual", [x, b.scalar(0)]), b.scalar(0), x])],
  ["Where(0 > x, 0, x)", (b, x) => b.op("Where", [b.op("Greater", [b.scalar(0), x]), b.scalar(0), x])],
  ["x·[x > 0]", (b, x) => b.op("Mul", [x, cast(b, b.op("Greater", [x, b.scalar(0)]))])],
  ["[x ≥ 0]·x", (b, x) => b.op("Mul", [cast(b, b.op("GreaterOrEqual", [x, b.scalar(0)])), x])],
  ["(x + │x│) / 2", (b, x) => b.op("Div", [b.op("Add", [x, b.op("Abs", [x])]), b.scalar(2)])],
  [
    "½│x│ + ½x",
    (b, x) => {
      const half = b.scalar(0.5);
      return b.op("Add", [b.op("Mul", [half, b.op("Abs", [x])]), b.op("Mul", [x, half])]);
    },
  ],
];

const others: readonly (readonly [string, Make])[] = [
  ["ReLU6", (b, x) => b.op("Clip", [x, b.scalar(0), b.scalar(6)])],
  ["Clip from −1", (b, x) => b.op("Clip", [x, b.scalar(-1)])],
  ["Clip without a lower bound", (b, x) => b.op("Clip", [x])],
  ["LeakyRelu", (b, x) => b.op("LeakyRelu", [x])],
  [
    "PRelu with one slope",
    (b, x) => b.op("PRelu", [x, b.constant(float32Tensor([0, 0.1, 0], [3, 1]), "slopes")]),
  ],
  ["ThresholdedRelu at 1", (b, x) => b.op("ThresholdedRelu", [x])],
  ["Selu with α = 0 alone", (b, x) => b.op("Selu", [x], { alpha: float(0) })],
  ["Max(x, 1)", (b, x) => b.op("Max", [x, b.scalar(1)])],
  ["Max(x, −x)", (b, x) => b.op("Max", [x, b.op("Neg", [x])])],
  ["Max(x) alone", (b, x) => b.op("Max", [x])],
  ["Max(x, zeros that stretch it)", (b, x) => b.op("Max", [x, zeros(b, 2, 1, 1, 1)])],
  ["min(x, 0)", (b, x) => b.op("Where", [b.op("Less", [x, b.scalar(0)]), x, b.scalar(0)])],
  ["min(x, 0) again", (b, x) => b.op("Where", [b.op("Greater", [x, b.scalar(0)]), b.scalar(0), x])],
  [
    "Where by another",
    (b, x) => b.op("Where", [b.op("Greater", [b.op("Cos", [x]), b.scalar(0)]), x, b.scalar(0)]),
  ],
  ["Where above 1", (b, x) => b.op("Where", [b.op("Greater", [x, b.scalar(1)]), x, b.scalar(0)])],
  ["x·[cos x > 0]", (b, x) => b.op("Mul", [x, cast(b, b.op("Greater", [b.op("Cos", [x]), b.scalar(0)]))])],
  ["½x − ½│x│", (b, x) => b.op("Mul", [b.op("Sub", [x, b.op("Abs", [x])]), b.scalar(0.5)])],
];

describe("recognize-relu", () => {
  it.each(relus)("sees a ReLU in %s", async (_form, make) => {
    const before = within(make);
    const { nodes } = applied(recognizeRelu, before).after;
    const relu = nodes.find((node) => node.opType === "Relu");
    expect(relu?.inputs).toEqual(["Sin"]);
    const aside = operators(before).filter((name) => ["Shape", "ConstantOfShape"].includes(name));
    await expectRewrite(recognizeRelu, before, ["Sin", ...aside, "Relu", "Neg"], 0);
    await expectCanonical(before, ["Sin", ...aside, "Relu", "Neg"], 0);
  });

  it.each(others)("leaves %s alone", (_form, make) => {
    const before = within(make);
    expect(applied(recognizeRelu, before).after).toBe(before);
  });

  it("leaves what is no activation but a size alone", () => {
    const before = graphOf(["N", 3], (b, x) => {
      const sizes = b.op("Max", [b.op("Shape", [x]), b.integers([0])]);
      return b.op("Expand", [x, sizes]);
    });
    expect(applied(recognizeRelu, before).after).toBe(before);
  });

  it("refuses where another needs the choice, and says which", () => {
    const before = within((b, x) => {
      const choice = b.op("Greater", [x, b.scalar(0)]);
      return b.op("Add", [b.op("Where", [choice, x, b.scalar(0)]), cast(b, choice)]);
    });
    const { after, notes } = applied(recognizeRelu, before);
    expect(after).toBe(before);
    expect(notes[0]?.why).toMatch(/ends a Relu spelled out, but "Greater" inside of it is used elsewhere/);
  });
});
