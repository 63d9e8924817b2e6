/** What compiled graphs look like, as text: a refactor that changes them shows what it changed. */

import { expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import { float32Tensor, GraphBuilder, int, ints, printGraph, type Model } from "../../src/onnx/index.ts";
import { randomNumbers } from "../support/run.ts";

function tinyNetwork(): Model {
  const b = new GraphBuilder();
  const constant = (name: string, dims: number[]) =>
    b.constant(
      float32Tensor(
        randomNumbers(
          dims.reduce((a, n) => a * n, 1),
          name.length,
        ),
        dims,
      ),
      name,
    );
  const image = b.input("input", "float32", ["N", 3, 8, 8]);
  const pads = { pads: ints([1, 1, 1, 1]) };
  const one = b.op("Relu", [
    b.op("Conv", [image, constant("w1", [4, 3, 3, 3]), constant("b1", [4])], pads, "conv1"),
  ]);
  const two = b.op(
    "Conv",
    [one, constant("w2", [4, 4, 3, 3]), constant("b2", [4])],
    { ...pads, strides: ints([2, 2]) },
    "conv2",
  );
  const pooled = b.op(
    "MaxPool",
    [b.op("Relu", [two])],
    { kernel_shape: ints([2, 2]), strides: ints([2, 2]) },
    "pool",
  );
  const flat = b.op("Flatten", [pooled], {}, "flatten");
  b.output(
    b.op("Gemm", [flat, constant("w3", [5, 16]), constant("b3", [5])], { transB: int(1) }, "dense"),
    "output",
  );
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("tiny") };
}

const cases: [string, CompileOptions][] = [
  ["fischer with a filter", { composite: "fischer", reduce: "channels", topK: 0.1 }],
  ["epsilon-plus-flat", { composite: "epsilon-plus-flat" }],
  ["gradient", { composite: "gradient" }],
];

it.each(cases)("%s", async (title, options) => {
  const text = printGraph(compile(tinyNetwork(), options).model.graph);
  await expect(text).toMatchFileSnapshot(`./snapshots/${title.replaceAll(" ", "-")}.txt`);
});
