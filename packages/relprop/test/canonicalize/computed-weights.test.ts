/**
 * Convolutions whose weights the network computes: the answers stay, and x · dy/dx is that of central differences. The answer
 * is quadratic in x, so they are exact at any distance.
 */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { compileMethod } from "../../src/methods/index.ts";
import {
  type Attributes,
  float,
  float32Tensor,
  GraphBuilder,
  int,
  int64Tensor,
  ints,
  type Model,
  string,
} from "../../src/onnx/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

interface Layer {
  readonly op: "Conv" | "ConvTranspose" | "Gemm";
  readonly x: readonly number[];
  readonly w: readonly number[];
  readonly attributes?: Attributes;
  readonly bias?: number;
}

/** y = x ∗ (W₀ · m), m the mean of x over places and channels of all samples, and a bias that is m-fold, too. */
function modelOf({ op, x: dims, w, attributes = {}, bias }: Layer): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", dims);
  const mean = b.op("ReduceMean", [x], { keepdims: int(0) });
  const weights = b.op("Mul", [b.constant(float32Tensor(randomNumbers(sizeOf(w), 3), w), "w"), mean]);
  const shift =
    bias === undefined
      ? undefined
      : b.op("Mul", [b.constant(float32Tensor(randomNumbers(bias, 4), [bias]), "b"), mean]);
  const inputs = shift ? ([x, weights, shift] as const) : ([x, weights] as const);
  b.output(b.like({ opType: op, attributes }, inputs), "y");
  return {
    irVersion: 8,
    opsets: { "": 17 },
    producer: "test",
    metadata: {},
    graph: b.graph("computed weights"),
  };
}

const layers: readonly Layer[] = [
  { op: "Conv", x: [1, 3, 5, 6], w: [4, 3, 3, 3] },
  { op: "Conv", x: [2, 3, 5, 6], w: [4, 3, 3, 2], bias: 4, attributes: { pads: ints([1, 0, 2, 1]) } },
  {
    op: "Conv",
    x: [1, 4, 7, 7],
    w: [6, 2, 3, 3],
    attributes: { group: int(2), strides: ints([2, 3]), pads: ints([1, 1, 1, 1]) },
  },
  { op: "Conv", x: [1, 4, 9, 9], w: [4, 1, 3, 3], attributes: { group: int(4), dilations: ints([2, 3]) } },
  {
    op: "Conv",
    x: [1, 2, 6, 5],
    w: [2, 2, 3, 2],
    attributes: { auto_pad: string("SAME_UPPER"), strides: ints([2, 2]) },
  },
  { op: "Conv", x: [1, 2, 6, 5], w: [2, 2, 2, 4], attributes: { auto_pad: string("SAME_LOWER") } },
  { op: "Conv", x: [2, 3, 8], w: [2, 3, 3], bias: 2, attributes: { strides: ints([2]) } },
  { op: "Conv", x: [1, 2, 3, 4, 3], w: [2, 2, 2, 2, 2] },
  { op: "ConvTranspose", x: [1, 3, 4, 3], w: [3, 2, 3, 3] },
  {
    op: "ConvTranspose",
    x: [2, 4, 3, 4],
    w: [4, 3, 3, 2],
    bias: 6,
    attributes: {
      group: int(2),
      strides: ints([2, 2]),
      pads: ints([1, 0, 0, 1]),
      output_padding: ints([1, 0]),
    },
  },
  { op: "Gemm", x: [3, 4], w: [4, 5], bias: 5 },
  {
    op: "Gemm",
    x: [4, 3],
    w: [5, 4],
    bias: 5,
    attributes: { transA: int(1), transB: int(1), alpha: float(0.5), beta: float(-2) },
  },
  {
    op: "ConvTranspose",
    x: [1, 2, 5],
    w: [2, 2, 3],
    attributes: { dilations: ints([2]), strides: ints([3]) },
  },
];

const nameOf = ({ op, x, w, attributes = {} }: Layer): string =>
  `${op} of [${x.join(", ")}] by [${w.join(", ")}] ${Object.keys(attributes).join(" ")}`;

describe("convolutions with computed weights", () => {
  it.each(layers.map((layer) => [nameOf(layer), layer] as const))("%s", async (_name, layer) => {
    const model = modelOf(layer);
    const data = randomNumbers(sizeOf(layer.x), 11);
    const dims = layer.x;
    const plain = await runModel(model, { x: { data, dims } });
    const answer = plain["y"]!;
    const weights = randomNumbers(answer.data.length, 12);
    const { model: compiled } = compileMethod(model, { method: "input-x-gradient", target: "input" });
    const given = { x: { data, dims }, target: { data: weights, dims: answer.dims } };
    const results = await runModel(compiled, given);
    expect(relativeDistance(results["y"]!.data, answer.data)).toBeLessThan(1e-5);
    const sumAt = async (x: Float32Array): Promise<number> => {
      const { data: y } = (await runModel(model, { x: { data: x, dims } }))["y"]!;
      return y.reduce((sum, n, i) => sum + n * weights[i]!, 0);
    };
    const places = [0, 3, data.length - 1];
    const expected = await Promise.all(
      places.map(async (place) => {
        const rises = await Promise.all([0.5, -0.5].map((h) => sumAt(data.with(place, data[place]! + h))));
        return (rises[0]! - rises[1]!) * data[place]!;
      }),
    );
    const found = places.map((place) => results["relevance"]!.data[place]!);
    expect(relativeDistance(found, expected)).toBeLessThan(2e-5);
  });

  it("are shared between the input and the weights, as a product is", async () => {
    const model = modelOf({ op: "Conv", x: [1, 3, 5, 6], w: [4, 3, 3, 3] });
    const { model: compiled } = compile(model, { composite: "attnlrp", target: "input", ledger: true });
    const data = randomNumbers(90, 11).map(Math.abs);
    const target = { data: new Float32Array(48).fill(1), dims: [1, 4, 3, 4] };
    const results = await runModel(compiled, { x: { data, dims: [1, 3, 5, 6] }, target });
    const sum = results["relevance"]!.data.reduce((a, n) => a + n, 0);
    const start = results["y"]!.data.reduce((a, n) => a + n, 0);
    expect(Math.abs(sum - start)).toBeLessThan(1e-4 * Math.abs(start));
  });

  it("of open sizes are refused with the reason", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", [1, 2, "H", "W"]);
    const w = b.op("Expand", [
      b.op("ReduceMean", [x], { keepdims: int(1) }),
      b.constant(int64Tensor([2, 2, 3, 3]), "s"),
    ]);
    b.output(b.op("Conv", [x, w]), "y");
    const model = {
      irVersion: 8,
      opsets: { "": 17 },
      producer: "test",
      metadata: {},
      graph: b.graph("open"),
    };
    expect(() => compile(model, { target: "input" })).toThrow("its sizes are known only at run time");
  });
});
