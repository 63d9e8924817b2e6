/**
 * Which element of a window wins where several are the largest: the first in scan order, as in torch, whose gradients the
 * numbers are (2.14, `max_pool2d`, `adaptive_max_pool2d` and `max` along an axis). docs/referees.md says why it matters.
 */

import { expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { GraphBuilder, int, ints, type Attributes } from "../../src/onnx/index.ts";
import { runModel } from "../support/run.ts";

/** [1, 1, 4, 4]; every window has ties. */
const x = [
  [2, 2, 1, 0],
  [2, 0, 1, 1],
  [0, 3, 3, 3],
  [3, 3, 0, 3],
].flat();

const pool = (kernel: number, stride: number, pad = 0): Attributes => ({
  kernel_shape: ints([kernel, kernel]),
  strides: ints([stride, stride]),
  pads: ints([pad, pad, pad, pad]),
});

const maxima: readonly (readonly [string, string, Attributes, number[][]])[] = [
  [
    "windows side by side",
    "MaxPool",
    pool(2, 2),
    [
      [1, 0, 10, 0],
      [0, 0, 0, 0],
      [0, 100, 1000, 0],
      [0, 0, 0, 0],
    ],
  ],
  [
    "windows that overlap",
    "MaxPool",
    pool(3, 1),
    [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 1111, 0, 0],
      [0, 0, 0, 0],
    ],
  ],
  [
    "padded windows",
    "MaxPool",
    pool(3, 2, 1),
    [
      [1, 10, 0, 0],
      [0, 0, 0, 0],
      [0, 1100, 0, 0],
      [0, 0, 0, 0],
    ],
  ],
  [
    "all of it",
    "GlobalMaxPool",
    {},
    [
      [0, 0, 0, 0],
      [0, 0, 0, 0],
      [0, 1, 0, 0],
      [0, 0, 0, 0],
    ],
  ],
  [
    "rows",
    "ReduceMax",
    { axes: ints([3]) },
    [
      [1, 0, 0, 0],
      [10, 0, 0, 0],
      [0, 100, 0, 0],
      [1000, 0, 0, 0],
    ],
  ],
];

for (const composite of ["gradient", "epsilon"]) {
  it.each(maxima)(
    `${composite}: the first of equals wins in %s`,
    async (_windows, opType, attributes, expected) => {
      const b = new GraphBuilder();
      const largest = b.like({ opType, attributes }, [b.input("x", "float32", ["N", 1, 4, 4])]);
      b.output(b.op("Flatten", [largest], { axis: int(1) }), "y");
      const model = {
        irVersion: 8,
        opsets: { "": 17 },
        producer: "test",
        metadata: {},
        graph: b.graph("ties"),
      };
      const compiled = compile(model, { composite, seed: "one" });
      const classes = compiled.output.shape.at(-1) as number;
      const data = Float32Array.from({ length: classes }, (_, i) => 10 ** i);
      const results = await runModel(compiled.model, {
        x: { data: Float32Array.from(x), dims: [1, 1, 4, 4] },
        target: { data, dims: [1, classes] },
      });
      expect(Array.from(results["relevance"]!.data)).toEqual(expected.flat());
    },
  );
}
