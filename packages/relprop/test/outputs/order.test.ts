/** What ranks first is what the model's own output has highest, whatever its logits say; and a way on that is honest. */

import { describe, expect, test } from "vitest";
import * as ort from "onnxruntime-node";
import { compile, Explainer, pickAnswer, sourceOf } from "../../src/index.ts";
import { float32Tensor, int, ints, type Value } from "../../src/onnx/index.ts";
import { modelOf, type NetBuilder, type OutputModel } from "../support/output-models.ts";
import { array } from "../support/random-net.ts";
import { relativeDistance, runModel } from "../support/run.ts";

const softmax = (b: NetBuilder, z: Value, axis = 1): Value => b.op("Softmax", [z], { axis: int(axis) });
const sigmoid = (b: NetBuilder, z: Value): Value => b.op("Sigmoid", [z]);
const scalar = (b: NetBuilder, value: number): Value => b.constant(float32Tensor([value], []), "c");
const trunk = (b: NetBuilder, x: Value): Value => b.relu(b.dense(x, 6, 10));
const flat = (name: string, build: (b: NetBuilder, x: Value) => Value): OutputModel => ({
  name,
  input: [1, 6],
  kind: "scores",
  scale: "value",
  build,
});

const lists: readonly OutputModel[] = [
  flat("two softmaxes side by side", (b, x) =>
    b.concat([softmax(b, b.dense(trunk(b, x), 10, 2)), softmax(b, b.dense(trunk(b, x), 10, 4))], 1),
  ),
  flat("the larger of two softmaxes", (b, x) =>
    b.op("Max", [softmax(b, b.dense(trunk(b, x), 10, 3)), softmax(b, b.dense(trunk(b, x), 10, 3))]),
  ),
  flat("values beside sigmoids", (b, x) =>
    b.concat([b.dense(trunk(b, x), 10, 2), sigmoid(b, b.dense(trunk(b, x), 10, 3))], 1),
  ),
  flat("logits beside a softmax", (b, x) =>
    b.concat([b.dense(trunk(b, x), 10, 3), softmax(b, b.dense(trunk(b, x), 10, 3))], 1),
  ),
  flat("a softplus and an exponential beside a value", (b, x) =>
    b.concat(
      [
        b.dense(trunk(b, x), 10, 1),
        b.op("Softplus", [b.dense(trunk(b, x), 10, 1)]),
        b.op("Exp", [b.dense(trunk(b, x), 10, 1)]),
      ],
      1,
    ),
  ),
  flat("softmax in groups, flattened", (b, x) =>
    b.reshape(softmax(b, b.reshape(b.dense(trunk(b, x), 10, 6), [0, 2, 3]), 2), [0, 6]),
  ),
  flat("probabilities weighted by class", (b, x) =>
    b.op("Mul", [
      softmax(b, b.dense(trunk(b, x), 10, 4)),
      b.constant(float32Tensor([1, 3, 0.2, 2], [4]), "w"),
    ]),
  ),
  flat("differences of cumulative sigmoids", (b, x) => {
    const p = sigmoid(b, b.dense(trunk(b, x), 10, 3));
    const above = b.concat([scalarRow(b, x, 1), p], 1);
    const below = b.concat([p, scalarRow(b, x, 0)], 1);
    return b.op("Sub", [above, below]);
  }),
  {
    ...flat("the largest of each class over places", (b, x) =>
      b.op("ReduceMax", [softmax(b, b.conv(b.relu(b.conv(x, 3, 6)), 6, 5))], {
        axes: ints([2, 3]),
        keepdims: int(0),
      }),
    ),
    input: [1, 3, 8, 8],
  },
];

/** A column of one number, for each sample. */
function scalarRow(b: NetBuilder, x: Value, value: number): Value {
  const zero = b.op("Mul", [b.slice(x, 1, 0, 1), scalar(b, 0)]);
  return b.op("Add", [zero, scalar(b, value)]);
}

describe.each(lists)("$name", (each) => {
  test("the highest number is the first, and top1 explains it", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const input = array(each.input, seed);
      const explainer = new Explainer({ ort, model: modelOf(each), composite: "epsilon" });
      const found = await explainer.explain(input, { target: 0 });
      const own = found.outputs["output"]!.data;
      const best = own.indexOf(Math.max(...own));
      expect(found.top[0]?.map(({ value }) => value)).toEqual([...own].toSorted((a, c) => c - a).slice(0, 5));
      expect(found.top[0]?.[0]?.index).toBe(best);
      const named = await explainer.explain(input, { target: best });
      const compiled = compile(modelOf(each), { composite: "epsilon", target: "top1" });
      const top1 = await runModel(compiled.model, { input });
      expect(relativeDistance(top1["relevance"]!.data, named.relevance.data)).toBeLessThan(1e-6);
      await explainer.dispose();
    }
  });
});

test("an uncertainty p · (1 − p) starts at itself, not at a logit of 0", async () => {
  const model = flat("p · (1 − p)", (b, x) => {
    const p = sigmoid(b, b.dense(trunk(b, x), 10, 2));
    return b.op("Mul", [p, b.op("Sub", [scalar(b, 1), p])]);
  });
  const { facts } = compile(modelOf(model), { composite: "gradient" });
  expect(facts.scale.kind).toBe("value");
});

/** Shares e / (Σ e + ε), with the largest taken off first or not. */
const shares = (most: boolean, epsilon: number) =>
  flat("e / (Σ e + ε)", (b, x) => {
    const z = b.dense(trunk(b, x), 10, 4);
    const u = most ? b.op("Sub", [z, b.op("ReduceMax", [z], { axes: ints([1]), keepdims: int(1) })]) : z;
    const e = b.op("Exp", [u]);
    const sum = b.op("ReduceSum", [e, b.integers([1])], { keepdims: int(1) });
    return b.op("Div", [e, b.op("Add", [sum, scalar(b, epsilon)])]);
  });

test("shares of a sum are no embedding, and a softmax with an ε in its sum is one", () => {
  expect(compile(modelOf(shares(true, 1e-8))).facts).toMatchObject({
    kind: "classes",
    scale: { kind: "probability", by: "softmax" },
  });
  expect(compile(modelOf(shares(false, 1e-6))).facts.kind).toBe("scores");
  expect(compile(modelOf(shares(true, 0.1))).facts.kind).toBe("scores");
});

test("where a class wins is read from the output: peaks that were kept", async () => {
  const model: OutputModel = {
    ...flat("h · (h = maxpool h)", (b, x) => {
      const h = sigmoid(b, b.conv(b.relu(b.conv(x, 3, 6)), 6, 3));
      const m = b.op("MaxPool", [h], { kernel_shape: ints([3, 3]), pads: ints([1, 1, 1, 1]) });
      const kept = b.op("Cast", [b.op("Equal", [h, m])], { to: int(1) });
      return b.op("Mul", [h, kept]);
    }),
    input: [1, 3, 8, 8],
  };
  const explainer = new Explainer({ ort, model: modelOf(model), composite: "epsilon", outputKind: "map" });
  const input = array(model.input, 3);
  const size = 3 * 64;
  const run = await explainer.explain(input, {
    target: { data: new Float32Array(size), dims: [1, 3, 8, 8] },
  });
  const own = run.outputs["output"]!.data;
  const source = sourceOf(explainer, run);
  for (const index of [0, 1, 2]) {
    const at = (k: number, place: number): number => own[k * 64 + place] as number;
    const others = [0, 1, 2].filter((k) => k !== index);
    const wins = Array.from({ length: 64 }, (_, place) =>
      others.every((k) => at(index, place) > at(k, place)),
    );
    const count = wins.filter(Boolean).length;
    expect(count).toBeGreaterThan(0);
    const pick = pickAnswer(source, 0, { kind: "where", index }, { size: [8, 8], nameOf: String });
    expect(pick.elements).toBe(count);
    expect(
      Array.from(pick.target.data.slice(index * 64, (index + 1) * 64), (weight) => weight === 1),
    ).toEqual(wins);
  }
  await explainer.dispose();
});
