/** Dynamically quantized convolutions and matrices whose bias is rounded to the scale of the product, as ONNX Runtime first wrote them. */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import {
  GraphBuilder,
  float32Tensor,
  int,
  type Model,
  type Tensor,
  type Value,
} from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";
import { expectSameOutputs, operators } from "./before-and-after.ts";

interface Form {
  readonly isConv: boolean;
  readonly round?: "Floor" | "Round";
  readonly isFirst?: boolean;
  readonly scale?: (b: GraphBuilder, product: Value) => Value;
  readonly read?: (b: GraphBuilder, bias: Value) => Value;
}

const weights = Uint8Array.from({ length: 6 }, (_, i) => 90 + 13 * i);
const bias = [0.31, -0.42, 0.25];
const [weightScale, weightZero] = [0.02, 121];
const real = Array.from(weights, (q) => weightScale * (q - weightZero));

const bytes = (data: Uint8Array, dims: readonly number[]): Tensor => ({
  dataType: "uint8",
  dims,
  bytes: data,
});

/** x [N, 2] times W [2, 3], or as a convolution of one pixel, W [3, 2, 1, 1]. */
function modelOf({ isConv, round = "Floor", isFirst = false, scale, read }: Form): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", isConv ? ["N", 2, 1, 1] : ["N", 2]);
  const [q, xScale, xZero] = b.ops("DynamicQuantizeLinear", [x], {}, 3) as unknown as [Value, Value, Value];
  const product = b.op("Mul", [xScale, b.constant(float32Tensor([weightScale], []), "w_scale")]);
  const given = b.constant(float32Tensor(bias, [3]), "bias");
  const divided = b.op("Div", [read?.(b, given) ?? given, scale?.(b, product) ?? product]);
  const whole = b.op("Cast", [b.op(round, [divided])], { to: int(6) });
  const zero = b.constant(bytes(Uint8Array.of(weightZero), []), "w_zero");
  const stored = b.constant(bytes(weights, isConv ? [3, 2, 1, 1] : [2, 3]), "w");
  const sum = b.op(isConv ? "ConvInteger" : "MatMulInteger", [q, stored, xZero, zero]);
  const shaped = isConv ? b.op("Reshape", [whole, b.integers([1, -1, 1, 1])]) : whole;
  const added = b.op("Add", isFirst ? [shaped, sum] : [sum, shaped]);
  b.output(b.op("Mul", [b.op("Cast", [added], { to: int(1) }), product]), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const forms: readonly (readonly [string, Form])[] = [
  ["a convolution", { isConv: true }],
  ["a matrix", { isConv: false }],
  ["the bias first, rounded to the nearest", { isConv: true, round: "Round", isFirst: true }],
];

const refused =
  (form: Form): (() => unknown) =>
  () =>
    compile(modelOf(form), { composite: "epsilon" });

describe("a bias that is rounded at run time", () => {
  it.each(forms)("%s", async (_name, form) => {
    const source = modelOf(form);
    const { graph } = canonicalize(source.graph);
    expect(operators(graph)).toContain(form.isConv ? "Conv" : "Linear");
    await expectSameOutputs(source.graph, graph, 0);

    const dims = form.isConv ? [1, 2, 1, 1] : [1, 2];
    const x = { data: randomNumbers(2, 8), dims };
    const target = { data: Float32Array.of(0, 1, 0), dims: form.isConv ? [1, 3, 1, 1] : [1, 3] };
    const column = form.isConv ? [real[2], real[3]] : [real[1], real[4]];
    const gradient = compile(source, { composite: "gradient", start: "output" });
    const slopes = (await runModel(gradient.model, { x, target }))["relevance"]?.data ?? [];
    expect(relativeDistance(slopes, column as number[])).toBeLessThan(1e-6);

    // LRP-0 shares x_i w_i y / Σ (x w + b): the bias keeps its part. Bytes are as near as their steps.
    const { model } = compile(source, { composite: "epsilon", start: "output", epsilon: 0 });
    const shares = (await runModel(model, { x, target }))["relevance"]?.data ?? [];
    const expected = column.map((w, i) => (w as number) * (x.data[i] as number));
    expect(relativeDistance(shares, expected)).toBeLessThan(0.02);
  });

  it("is refused where it is divided by another scale, or is computed", () => {
    expect(refused({ isConv: true, scale: (b, product) => b.op("Mul", [product, b.scalar(2)]) })).toThrow(
      /its bias is no constant/,
    );
    expect(
      refused({ isConv: true, read: (b, given) => b.op("Mul", [given, b.input("z", "float32", [])]) }),
    ).toThrow(/its bias is no constant/);
  });
});
