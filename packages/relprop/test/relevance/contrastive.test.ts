/** Relevance that starts with a class against all others, computed by hand in float64. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, Explainer, type CompileOptions } from "../../src/index.ts";
import { float32Tensor, GraphBuilder, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel, type Array32 } from "../support/run.ts";

const [samples, features, classes] = [3, 5, 4];
const W = randomNumbers(classes * features, 3);
const x: Array32 = { data: randomNumbers(samples * features, 4), dims: [samples, features] };

function build(shape: readonly (number | string)[], make: (b: GraphBuilder, x: Value) => Value): Model {
  const b = new GraphBuilder();
  b.output(make(b, b.input("x", "float32", shape)), "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const linear = (last: (b: GraphBuilder, z: Value) => Value = (_b, z) => z): Model =>
  build(["N", features], (b, input) => {
    const weights = b.constant(
      float32Tensor(
        W.map((_, i) => at(i % classes, Math.floor(i / classes))),
        [features, classes],
      ),
      "W",
    );
    return last(b, b.op("MatMul", [input, weights]));
  });

const at = (k: number, c: number): number => W[k * features + c] as number;

/** z of one place. */
const logitsOf = (input: readonly number[]): number[] =>
  Array.from({ length: classes }, (_, k) => input.reduce((z, n, c) => z + n * at(k, c), 0));

/** t − Σt · (probabilities of the others among themselves). */
function startOf(z: readonly number[], t: readonly number[]): number[] {
  const highest = Math.max(...z);
  const p = z.map((n, k) => (t[k] === 0 ? Math.exp(n - highest) : 0));
  const others = p.reduce((sum, n) => sum + n, 0);
  const whole = t.reduce((sum, n) => sum + n, 0);
  return t.map((n, k) => n - (others === 0 ? 0 : (whole * (p[k] as number)) / others));
}

/** R_c = x_c Σ_k W_kc R_k / z_k. */
function relevanceOf(input: readonly number[], t: readonly number[]): number[] {
  const z = logitsOf(input);
  const R = startOf(z, t);
  return input.map((n, c) => n * R.reduce((sum, each, k) => sum + (at(k, c) * each) / (z[k] as number), 0));
}

const oneHot = (k: number): number[] => Array.from({ length: classes }, (_, i) => Number(i === k));
const rowsOf = ({ data }: Array32, size: number): number[][] =>
  Array.from({ length: data.length / size }, (_, i) => [...data.subarray(i * size, (i + 1) * size)]);
const options: CompileOptions = { composite: "epsilon", epsilon: 0, seed: "contrastive", reduce: "none" };
const tolerance = 2e-5;

async function explained(
  model: Model,
  given: CompileOptions,
  feeds: Record<string, Array32>,
): Promise<Float32Array> {
  const { relevance } = await runModel(compile(model, { ...options, ...given }).model, feeds);
  return relevance!.data as Float32Array;
}

describe("a class against all others", () => {
  it("starts with SGLRP's p (onehot − p), divided by p (1 − p)", () => {
    const z = logitsOf(rowsOf(x, features)[0] as number[]);
    const sum = z.reduce((all, n) => all + Math.exp(n), 0);
    const p = z.map((n) => Math.exp(n) / sum);
    const ours = startOf(z, oneHot(1));
    const q = p[1] as number;
    const theirs = p.map((n, k) => (k === 1 ? q * (1 - q) : -q * n) / (q * (1 - q)));
    expect(relativeDistance(ours, theirs)).toBeLessThan(1e-12);
    expect(ours.reduce((all, n) => all + n, 0)).toBeCloseTo(0, 12);
  });

  const targets = [oneHot(2), oneHot(0), [0, 1, 1, 0]];
  const rows = rowsOf(x, features);
  it("agrees with the hand's for a class in each sample, and for two", async () => {
    const target = { data: Float32Array.from(targets.flat()), dims: [samples, classes] };
    const expected = rows.flatMap((row, i) => relevanceOf(row, targets[i] as number[]));
    expect(relativeDistance(await explained(linear(), {}, { x, target }), expected)).toBeLessThan(tolerance);
  });

  it("agrees behind a softmax, for the best class, and for a class that is compiled in", async () => {
    const model = linear((b, z) => b.op("Softmax", [z]));
    const best = rows.flatMap((row) => {
      const z = logitsOf(row);
      return relevanceOf(row, oneHot(z.indexOf(Math.max(...z))));
    });
    expect(relativeDistance(await explained(model, { target: "top1" }, { x }), best)).toBeLessThan(tolerance);
    const third = rows.flatMap((row) => relevanceOf(row, oneHot(3)));
    const fixed = await explained(model, { target: 3 }, { x });
    expect(relativeDistance(fixed, third)).toBeLessThan(tolerance);
  });

  it("leaves what is out of the target's reach at 0: a place of a map, and a target of all classes or none", async () => {
    const map = build(["N", features, 2, 1], (b, input) =>
      b.op("Conv", [input, b.constant(float32Tensor(W, [classes, features, 1, 1]), "W")]),
    );
    const places = { data: randomNumbers(features * 2, 8), dims: [1, features, 2, 1] };
    const second = Array.from({ length: features }, (_, c) => places.data[2 * c + 1] as number);
    // Only the second place is asked about.
    const target = { data: Float32Array.from(oneHot(1).flatMap((n) => [0, n])), dims: [1, classes, 2, 1] };
    const R = await explained(map, { outputKind: "map", composite: "epsilon" }, { x: places, target });
    const own = relevanceOf(second, oneHot(1));
    expect(
      relativeDistance(
        R,
        own.flatMap((n) => [0, n]),
      ),
    ).toBeLessThan(tolerance);
    for (const all of [0, 1]) {
      const same = { data: new Float32Array(samples * classes).fill(all), dims: [samples, classes] };
      const expected = rows.flatMap((row) =>
        relevanceOf(
          row,
          Array.from({ length: classes }, () => all),
        ),
      );
      const found = await explained(linear(), {}, { x, target: same });
      if (all === 0) expect([...found].every((n) => n === 0)).toBe(true);
      else expect(relativeDistance(found, expected)).toBeLessThan(tolerance);
    }
  });

  it("gives several maps in one run the numbers of single ones", async () => {
    const explainer = new Explainer({ ort, model: linear(), ...options, maps: 2 });
    const pairs = [oneHot(2), oneHot(0), oneHot(1), oneHot(3), oneHot(3), oneHot(2)];
    const target = { data: Float32Array.from(pairs.flat()), dims: [2 * samples, classes] };
    const { relevance } = await explainer.explain(x, { target });
    await explainer.dispose();
    const all = rowsOf(relevance as Array32, features);
    const byMap = [0, 1].flatMap((map) =>
      rows.map((row, i) => relevanceOf(row, pairs[map * samples + i] as number[])),
    );
    expect(relativeDistance(all.flat(), byMap.flat())).toBeLessThan(tolerance);
  });

  it.each([
    ["binary", linear((b, z) => b.op("Sigmoid", [b.op("ReduceSum", [z, b.integers([1])])])), /already/],
    ["multi-label", linear((b, z) => b.op("Sigmoid", [z])), /exclude/],
    ["values", linear(), /no probabilities/],
  ] as const)("is refused with the reason for %s", (outputKind, model, reason) => {
    expect(() => compile(model, { ...options, outputKind })).toThrow(reason);
  });

  it("is refused from probabilities, and with a ledger", () => {
    const softmax = linear((b, z) => b.op("Softmax", [z]));
    expect(() => compile(softmax, { ...options, start: "output" })).toThrow(/by their logits/);
    expect(() => compile(softmax, { ...options, ledger: true })).toThrow(/no shares/);
  });
});
