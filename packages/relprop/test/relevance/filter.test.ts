/** The relevance filter keeps the largest values of each sample, wherever the samples are: what one keeps is no matter of the others. */

import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { NetBuilder } from "../support/output-models.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

const [steps, features, classes] = [4, 6, 3];

type Build = (b: NetBuilder, x: Value) => Value;

const dense = (b: NetBuilder, x: Value, from: number, to: number): Value =>
  b.op("MatMul", [x, b.random([from, to])]);
const overSteps = (b: NetBuilder, x: Value, axis: number): Value =>
  b.op("ReduceMean", [x], { axes: ints([axis]), keepdims: int(0) });

/** Where the samples are in the input, and what the model is. */
const cases: readonly (readonly [title: string, axis: 0 | 1, batch: number | string, build: Build])[] = [
  ["on the first axis", 0, "N", (b, x) => overSteps(b, b.relu(dense(b, b.relu(dense(b, x, 6, 8)), 8, 3)), 1)],
  [
    "on the second axis",
    1,
    "N",
    (b, x) => overSteps(b, b.relu(dense(b, b.relu(dense(b, x, 6, 8)), 8, 3)), 0),
  ],
  [
    "merged with steps",
    0,
    "N",
    (b, x) => {
      const rows = dense(b, b.relu(dense(b, b.reshape(x, [-1, features]), 6, 8)), 8, 3);
      return overSteps(b, b.reshape(b.relu(rows), [-1, steps, classes]), 1);
    },
  ],
  [
    "merged with steps, which are slower",
    1,
    2,
    (b, x) => {
      const rows = dense(b, b.relu(dense(b, b.reshape(x, [-1, features]), 6, 8)), 8, 3);
      return overSteps(b, b.reshape(b.relu(rows), [steps, -1, classes]), 0);
    },
  ],
];

function modelOf(axis: 0 | 1, batch: number | string, build: Build): Model {
  const b = new NetBuilder();
  const x = b.input("x", "float32", axis === 0 ? [batch, steps, features] : [steps, batch, features]);
  b.output(build(b, x), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

/** The numbers of one of two samples. */
const one = (numbers: Float32Array, axis: 0 | 1, sample: number): Float32Array =>
  numbers.filter(
    (_, i) => (axis === 0 ? Math.floor(i / (steps * features)) : Math.floor(i / features) % 2) === sample,
  );

describe("samples", () => {
  it.each(cases)("%s", async (_title, axis, batch, build) => {
    const options = { composite: "epsilon", target: 1, topK: 0.3 } as const;
    const x = randomNumbers(2 * steps * features, 4);
    // Relevance of one sample is much larger than that of the other.
    for (const i of x.keys())
      if (one(Float32Array.from(x.keys()), axis, 0).includes(i)) x[i] = 20 * (x[i] as number);
    const dims = axis === 0 ? [2, steps, features] : [steps, 2, features];
    const { model } = compile(modelOf(axis, batch, build), options);
    const both = await runModel(model, { x: { data: x, dims } });
    for (const sample of [0, 1]) {
      // The same sample twice: the other one can take nothing from it.
      const kept = one(x, axis, sample);
      const twice = x.map((_, i) =>
        axis === 0
          ? (kept[i % kept.length] as number)
          : (kept[Math.floor(i / (2 * features)) * features + (i % features)] as number),
      );
      const alone = await runModel(model, { x: { data: twice, dims } });
      const expected = one(alone["relevance"]!.data, axis, sample);
      expect(expected.some((R) => R !== 0)).toBe(true);
      expect(relativeDistance(one(both["relevance"]!.data, axis, sample), expected)).toBeLessThan(1e-5);
    }
  });
});
