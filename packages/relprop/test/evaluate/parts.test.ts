/** Orders, shares, cells, superpixels, baselines and random weights, each by itself. */

import { expect, it } from "vitest";
import { batchScores } from "../../src/evaluate/batch-scores.ts";
import { baselineNames, fillerOf } from "../../src/evaluate/baselines.ts";
import {
  layoutOf,
  layoutOfPicture,
  patchCells,
  relevanceOfCells,
  runCells,
  usualCellsOf,
} from "../../src/evaluate/layout.ts";
import { randomized } from "../../src/evaluate/randomize.ts";
import { meanAlong, orderOf, removalSteps, sharesLeft } from "../../src/evaluate/removal.ts";
import { superpixels } from "../../src/evaluate/superpixels.ts";
import type { RunSource } from "../../src/answers/pick-answer.ts";
import { numbersOf } from "../../src/onnx/tensor.ts";
import { convnet } from "../methods/nets.ts";
import { randomNumbers } from "../support/run.ts";

it("orders by relevance; equal ones come in the same random order both ways", () => {
  expect([...orderOf([1, 3, 2], "most")]).toEqual([1, 2, 0]);
  expect([...orderOf([1, 3, 2], "least")]).toEqual([0, 2, 1]);
  const zeros = new Float64Array(50);
  expect(orderOf(zeros, "most")).toEqual(orderOf(zeros, "least"));
  expect(orderOf(zeros, "most", 2)).not.toEqual(orderOf(zeros, "most", 1));
  expect([...orderOf(zeros, "most")].toSorted((a, c) => a - c)).toEqual([...zeros.keys()]);
});

it("steps go from none to all, each once", () => {
  expect(removalSteps(10, 4)).toEqual([0, 3, 5, 8, 10]);
  expect(removalSteps(3, 100)).toEqual([0, 1, 2, 3]);
});

it("the mean along a curve is the area below it", () => {
  expect(meanAlong([0, 1, 4], [1, 0.5, 0.5])).toBeCloseTo((0.75 + 3 * 0.5) / 4, 12);
});

it("shares of probabilities are ratios; values fall whatever their sign", () => {
  expect([...sharesLeft([0.25, 0.75], 0.5, "probability")]).toEqual([0.5, 1.5]);
  expect([...sharesLeft([1, -2], 2, "value")]).toEqual([0.5, -1]);
  expect([...sharesLeft([-3, -1], -2, "value")]).toEqual([0.5, 1.5]);
});

it.each([
  ["probability", 9e-4, [0.1], "the probability of what is explained is 0.0009"],
  ["value", 0, [1], "the value of what is explained is 0"],
  ["value", 1e-5, [1], "the value of what is explained is 0.00001"],
  ["value", 1, [Number.NaN], "the model's answer is no number"],
] as const)("a %s of %s has no shares", (kind, whole, numbers, message) => {
  expect(() => sharesLeft(numbers, whole, kind)).toThrow(message);
});

it("patches start at the left and the top of what may be removed", () => {
  const layout = layoutOfPicture([1, 3, 4, 6]);
  const { count, of } = patchCells(layout, 2, { left: 1, top: 1, right: 6, bottom: 4 });
  expect(count).toBe(6);
  expect([...of]).toEqual(
    [
      [-1, -1, -1, -1, -1, -1],
      [-1, 0, 0, 1, 1, 2],
      [-1, 0, 0, 1, 1, 2],
      [-1, 3, 3, 4, 4, 5],
    ].flat(),
  );
  const means = relevanceOfCells(
    Array.from({ length: 24 }, (_, i) => i),
    { count, of },
  );
  expect([...means]).toEqual([10.5, 12.5, 14, 19.5, 21.5, 23]);
});

it("runs of a signal never cross a row", () => {
  expect([...runCells(10, 5, 2).of]).toEqual([0, 0, 1, 1, 2, 3, 3, 4, 4, 5]);
  expect(usualCellsOf([1, 30]).count).toBe(30);
  expect(usualCellsOf([1, 2, 1000]).count).toBe(250);
});

it.each([
  ["NCHW", [1, 3, 20, 18]],
  ["NHWC", [1, 20, 18, 3]],
])("baselines replace what is removed, and nothing else: %s", (_name, dims) => {
  const input = randomNumbers(20 * 18 * 3, 5);
  const layout = layoutOf(dims);
  const cells = patchCells(layout, 4);
  const removed = Uint8Array.from(cells.of, (cell) => (cell % 3 === 0 ? 1 : 0));
  for (const name of baselineNames) {
    const filled = fillerOf(name, { input, layout, cells }, { black: [-1, -2, -3] })(removed);
    for (let place = 0; place < layout.places; place++) {
      for (let channel = 0; channel < 3; channel++) {
        const at = place * layout.step.place + channel * layout.step.channel;
        if (!removed[place]) expect(filled[at]).toBe(input[at]);
        else if (name === "black") expect(filled[at]).toBe(-1 - channel);
        else expect(filled[at]).not.toBe(input[at]);
      }
    }
  }
  // With nothing left there are no neighbours to ask.
  const all = fillerOf("inpaint", { input, layout, cells })(new Uint8Array(360).fill(1));
  expect(all.every(Number.isFinite)).toBe(true);
});

it("superpixels are connected, keep to edges, and leave padding out", () => {
  const [height, width] = [40, 60];
  const layout = layoutOfPicture([1, 1, height, width]);
  // Two halves of different brightness, with some noise.
  const noise = randomNumbers(height * width, 3);
  const input = noise.map((n, i) => (i % width < 33 ? 0 : 10) + 0.1 * n);
  const cells = patchCells(layout, 8, { left: 0, top: 5, right: width, bottom: height });
  const { count, of } = superpixels({ input, layout, cells }, { count: 30 });
  expect(count).toBeGreaterThan(15);
  expect(count).toBeLessThan(45);
  expect([...of.subarray(0, 5 * width)].every((cell) => cell === -1)).toBe(true);
  for (let cell = 0; cell < count; cell++) {
    const own = [...of.keys()].filter((place) => of[place] === cell);
    const sides = new Set(own.map((place) => place % width < 33));
    expect(sides.size).toBe(1);
    const seen = new Set([own[0]!]);
    for (const place of seen)
      for (const near of [place - 1, place + 1, place - width, place + width])
        if (of[near] === cell) seen.add(near);
    expect(seen.size).toBe(own.length);
  }
});

it("random weights are the same numbers, from the output on", () => {
  const model = convnet("Relu", true);
  const numbers = (of: typeof model, name: string): number[] =>
    numbersOf(of.graph.initializers.get(name)!) as unknown as number[];
  const names = [...model.graph.initializers.keys()].filter((name) => name.startsWith("weights"));
  const changed = (share: number): string[] => {
    const other = randomized(model, share, 1);
    return names.filter((name) => {
      const [before, after] = [[...numbers(model, name)], [...numbers(other, name)]];
      expect(after.toSorted((a, c) => a - c)).toEqual(before.toSorted((a, c) => a - c));
      return before.some((n, i) => n !== after[i]);
    });
  };
  expect(changed(0)).toEqual([]);
  expect(changed(1)).toEqual(names);
  const some = changed(0.34);
  expect(some.length).toBeGreaterThan(0);
  expect(some).not.toContain("weights1");
  expect(numbers(randomized(model, 1, 1), "weights1")).toEqual(numbers(randomized(model, 1, 1), "weights1"));
});

it("the next batch is made while the network runs", async () => {
  const events: string[] = [];
  const answer = async (input: { dims: readonly number[] }): Promise<RunSource> => {
    events.push(`run ${input.dims[0]}`);
    await new Promise((done) => setTimeout(done, 5));
    events.push("answered");
    return { count: input.dims[0] } as unknown as RunSource;
  };
  function* inputs(): Generator<Float32Array> {
    for (let i = 0; i < 5; i++) {
      events.push(`make ${i}`);
      yield Float32Array.of(i);
    }
  }
  const scores = batchScores(answer, { of: (_source, sample) => sample }, { dims: [1, 1], batch: 2 });
  expect([...(await scores(inputs()))]).toEqual([0, 1, 0, 1, 0]);
  expect(events).toEqual(
    [
      ["make 0", "make 1", "run 2", "make 2", "make 3", "answered"],
      ["run 2", "make 4", "answered"],
      ["run 1", "answered"],
    ].flat(),
  );
});
