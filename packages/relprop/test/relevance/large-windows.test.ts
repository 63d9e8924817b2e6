/**
 * What is taken apart because it would be too large in one piece: maxima over large windows, and resizes of long axes. Against
 * loops over all elements, in float64.
 */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import {
  float32Tensor,
  GraphBuilder,
  int,
  ints,
  string,
  type Attributes,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";
import { randomNumbers, runModel } from "../support/run.ts";

const modelOf = (dims: readonly number[], make: (b: GraphBuilder, x: Value) => Value): Model => {
  const b = new GraphBuilder();
  b.output(b.op("Flatten", [make(b, b.input("x", "float32", ["N", ...dims]))], { axis: int(1) }), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("large") };
};

/** The gradient of target · output at x, and the output. */
async function gradient(
  model: Model,
  dims: readonly number[],
  x: Float32Array,
): Promise<{ relevance: Float32Array; y: Float32Array; target: Float32Array }> {
  const compiled = compile(model, { composite: "gradient", seed: "one" });
  const classes = compiled.output.shape.at(-1) as number;
  const target = Float32Array.from(randomNumbers(classes, 7), Math.fround);
  const results = await runModel(compiled.model, {
    x: { data: x, dims: [1, ...dims] },
    target: { data: target, dims: [1, classes] },
  });
  const data = (name: string): Float32Array => results[name]!.data as Float32Array;
  return { relevance: data("relevance"), y: data("y"), target };
}

interface Pooling {
  readonly dims: readonly number[];
  readonly kernel: readonly number[];
  readonly strides?: readonly number[];
  readonly dilations?: readonly number[];
  readonly pads?: readonly number[];
  readonly ceil?: boolean;
}

/** All index tuples below `sizes`, in scan order. */
const places = (sizes: readonly number[]): number[][] =>
  sizes.reduce<number[][]>(
    (sofar, size) => sofar.flatMap((place) => Array.from({ length: size }, (_, i) => [...place, i])),
    [[]],
  );

/** Where the target goes if the first maximum of each window takes it. */
function toFirstMaximum(
  { dims, kernel, strides, dilations, pads }: Pooling,
  outputs: readonly number[],
  x: Float32Array,
  target: Float32Array,
): Float64Array {
  const [channels = 1, ...spatial] = dims;
  const size = spatial.reduce((a, n) => a * n, 1);
  const back = new Float64Array(channels * size);
  let next = 0;
  for (let c = 0; c < channels; c++)
    for (const output of places(outputs)) {
      let [best, at] = [-Infinity, -1];
      for (const inside of places(kernel)) {
        const place = inside.map(
          (k, i) => output[i]! * (strides?.[i] ?? 1) + k * (dilations?.[i] ?? 1) - (pads?.[i] ?? 0),
        );
        if (place.some((p, i) => p < 0 || p >= spatial[i]!)) continue;
        const flat = place.reduce((sum, p, i) => sum * spatial[i]! + p, c);
        if (x[flat]! > best) [best, at] = [x[flat]!, flat];
      }
      back[at] = back[at]! + target[next++]!;
    }
  return back;
}

const poolings: readonly (readonly [string, Pooling, readonly number[]])[] = [
  ["9×9, as spatial pyramids pool", { dims: [3, 12, 14], kernel: [9, 9], pads: [4, 4, 4, 4] }, [12, 14]],
  [
    "strides and dilations",
    { dims: [2, 40, 31], kernel: [11, 7], strides: [3, 2], dilations: [2, 3] },
    [7, 7],
  ],
  ["ceil_mode", { dims: [2, 21, 22], kernel: [9, 10], strides: [5, 5], ceil: true }, [4, 4]],
  ["one long row", { dims: [2, 3, 90], kernel: [2, 70], strides: [1, 3] }, [2, 7]],
  ["volumes", { dims: [2, 7, 8, 9], kernel: [5, 5, 5], strides: [2, 1, 3] }, [2, 4, 2]],
  ["a global maximum", { dims: [64, 112, 112], kernel: [112, 112] }, [1, 1]],
  ["a global maximum of a signal", { dims: [2, 160_000], kernel: [160_000] }, [1]],
];

describe("maxima over large windows", () => {
  it.each(poolings)("%s", async (_title, pooling, outputs) => {
    const { dims, kernel, strides, dilations, pads, ceil } = pooling;
    const attributes: Attributes = {
      kernel_shape: ints(kernel),
      ...(strides && { strides: ints(strides) }),
      ...(dilations && { dilations: ints(dilations) }),
      ...(pads && { pads: ints(pads) }),
      ...(ceil && { ceil_mode: int(1) }),
    };
    const model = modelOf(dims, (b, x) => b.like({ opType: "MaxPool", attributes }, [x]));
    // Few different numbers: nearly every window has ties.
    const count = dims.reduce((a, n) => a * n, 1);
    const x = Float32Array.from(randomNumbers(count, 3), (n) => Math.round(4 * n) / 4);
    const { relevance, target } = await gradient(model, dims, x);
    const expected = toFirstMaximum(pooling, outputs, x, target);
    let worst = 0;
    for (const [i, value] of relevance.entries()) worst = Math.max(worst, Math.abs(value - expected[i]!));
    expect(relevance).toHaveLength(expected.length);
    expect(worst).toBeLessThan(2e-6);
  });
});

const dot = (a: Float32Array, c: Float32Array): number => a.reduce((sum, n, i) => sum + n * c[i]!, 0);

const resizes: readonly (readonly [string, Attributes, number])[] = [
  ["linear, twice as long", { mode: string("linear") }, 2],
  ["linear, half as long", { mode: string("linear") }, 0.5],
  ["nearest, 1.5 times", { mode: string("nearest") }, 1.5],
  [
    "cubic, align_corners",
    { mode: string("cubic"), coordinate_transformation_mode: string("align_corners") },
    1.7,
  ],
];

describe("resizes of long axes", () => {
  // Signals, where the long axis is the last, and pictures of few columns, where it is not.
  const shapes = [
    { dims: [2, 1, 16_000], scales: (scale: number) => [1, 1, 1, scale] },
    { dims: [2, 8_000, 3], scales: (scale: number) => [1, 1, scale, 1] },
  ];
  it.each(
    shapes.flatMap((shape) => resizes.map((resize) => [resize[0], resize[1], resize[2], shape] as const)),
  )("%s %s %s %o", async (_title, attributes, scale, { dims, scales }) => {
    const factors = scales(scale);
    const model = modelOf(dims, (b, x) =>
      b.like({ opType: "Resize", attributes }, [
        x,
        undefined,
        b.constant(float32Tensor(factors, [factors.length]), "scales"),
      ]),
    );
    const x = Float32Array.from(
      randomNumbers(
        dims.reduce((a, n) => a * n, 1),
        3,
      ),
    );
    const { relevance, y, target } = await gradient(model, dims, x);
    // y = A x, so that target·y = (Aᵀ target)·x for every x: checked at x and at its single elements below.
    expect(dot(relevance, x)).toBeCloseTo(dot(target, y), 3);
    const place = 4321;
    const unit = new Float32Array(x.length);
    unit[place] = 1;
    const alone = await gradient(model, dims, unit);
    expect(alone.relevance[place]).toBeCloseTo(dot(target, alone.y), 5);
  });

  it("doubles a signal of ten seconds without a matrix of all pairs", () => {
    const model = modelOf([4, 160_000], (b, x) =>
      b.like({ opType: "Resize", attributes: { mode: string("linear") } }, [
        x,
        undefined,
        b.constant(float32Tensor([1, 1, 2], [3]), "scales"),
      ]),
    );
    const { model: compiled } = compile(model, { composite: "gradient", seed: "one" });
    const elements = [...compiled.graph.initializers.values()].map(({ dims }) =>
      dims.reduce((a, n) => a * n, 1),
    );
    expect(Math.max(...elements)).toBeLessThanOrEqual(5 * 160_000);
  });
});
