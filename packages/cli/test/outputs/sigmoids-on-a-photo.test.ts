/** A photograph's labels by sigmoids: their maps are those of the logits, on both sides of one half. */

import { describe, expect, test } from "vitest";
import { float32Tensor, int, ints, type Model, type Value } from "../../../relprop/src/onnx/index.ts";
import { modelOf, NetBuilder, type OutputModel } from "../../../relprop/test/support/output-models.ts";
import { correlation } from "../support/maps.ts";
import { answersOf, relevanceOf, Workshop } from "../support/output-runs.ts";

const shop = new Workshop();
const side = 32;
const labels = 4;

/** Three convolutions with the spread of trained ones, their mean, and four logits. */
function logitsOf(b: NetBuilder, x: Value, biases: readonly number[]): Value {
  const pooled = (h: Value): Value =>
    b.op("MaxPool", [h], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  const h = b.relu(b.conv(pooled(b.relu(b.conv(pooled(b.relu(b.conv(x, 3, 8))), 8, 16))), 16, 16));
  const flat = b.reshape(b.op("GlobalAveragePool", [h]), [0, 16]);
  const bias = b.constant(float32Tensor(biases, [labels]), "B");
  return b.op("Add", [b.op("MatMul", [flat, b.random([16, labels], 0.7)]), bias]);
}

const sigmoid = (b: NetBuilder, z: Value): Value => b.op("Sigmoid", [z]);

/** The network with its sigmoids at the end, or before its numbers are put together anew. */
const photoNet = (isInside: boolean, responds: boolean, biases: readonly number[]): Model => {
  const net: OutputModel = {
    name: "photo",
    input: [1, 3, side, side],
    kind: "multi-label",
    scale: "probability by sigmoid",
    build: (b, x) => {
      const z = logitsOf(b, x, biases);
      if (!isInside) return responds ? sigmoid(b, z) : z;
      const p = responds ? sigmoid(b, z) : z;
      const halves = [0, 2].map((from) => b.reshape(b.slice(p, 1, from, from + 2), [0, 2, 1]));
      return b.reshape(b.op("Concat", halves, { axis: int(1) }), [0, labels]);
    },
  };
  return modelOf(net);
};

const classes = Array.from({ length: labels }, (_, k) => ["-c", String(k)]).flat();
const saved = ["--json", "--save", "npy"];

describe.each([
  ["at the end", false],
  ["before Reshape and Concat", true],
])("sigmoids %s", (_where, isInside) => {
  test("have the heatmaps of their logits, below one half and above", async () => {
    // Biases such that the photograph has two of the labels and lacks two.
    const unbiased = await shop.model(photoNet(isInside, false, [0, 0, 0, 0]), `unbiased ${isInside}`);
    const found = answersOf(await shop.explain(unbiased, ...classes, "--json"));
    const biases = [0.8, -1.1, 0.3, -0.2].map((logit, k) => logit - (found[k]?.value ?? 0));
    const own = await shop.model(photoNet(isInside, true, biases), `sigmoid ${isInside}`);
    const twin = await shop.model(photoNet(isInside, false, biases), `logit ${isInside}`);
    const [run, plain] = [
      await shop.explain(own, ...classes, ...saved),
      await shop.explain(twin, "--output-kind", "multi-label", ...classes, ...saved),
    ];
    expect([run.status, plain.status], run.stderr + plain.stderr).toEqual([0, 0]);
    const [answers, wanted] = [answersOf(run), answersOf(plain)];
    const isAbove = answers.map(({ probability = 0 }) => probability > 1 / 2);
    expect(isAbove).toEqual([true, false, true, false]);
    for (const [k, answer] of answers.entries()) {
      const other = wanted[k] as typeof answer;
      expect(answer).toMatchObject({ kind: "multi-label", class: k });
      expect(answer.logit).toBeCloseTo(other.value as number, 5);
      expect(answer.probability).toBeCloseTo(other.probability as number, 6);
      const maps = await Promise.all([relevanceOf(answer), relevanceOf(other)]);
      expect(correlation(...maps)).toBeGreaterThan(0.9999);
    }
  });
});
