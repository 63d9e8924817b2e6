import { expect, test } from "vitest";
import { doubtOfNorm, doubtOfPicture, doubtsOfPixels } from "../../src/cards/doubts.ts";
import { firstNorm, seenByNorm } from "../../src/cards/first-norm.ts";
import { imageNetPixels } from "../../src/cards/model-card.ts";
import { float32Tensor, GraphBuilder, type Model } from "../../src/onnx/index.ts";
import { caffePixels } from "../../src/zoo/architectures/vgg.ts";

const three = (n: number): number[] => [n, n, n];

test.each([
  [imageNetPixels],
  [caffePixels],
  [{ scale: 1 / 255, mean: three(0), std: three(1) }],
  [{ scale: 1, mean: three(0), std: three(1) }],
  [{ scale: 1, mean: three(127.5), std: three(128) }],
  [{ scale: 1 / 127.5, mean: three(1), std: three(1) }],
  [{ scale: 1 / 255, mean: [0.1307], std: [0.3081] }],
])("%j is what networks are trained with", (numbers) => {
  expect(doubtsOfPixels(numbers)).toEqual([]);
});

test.each([
  [
    { scale: 1 / 255, mean: [104, 117, 123], std: three(1) },
    "the mean 104 lies outside of the pixels, which are 0 to 1 after scaling",
  ],
  [
    { scale: 1, mean: three(0.485), std: three(0.229) },
    "inputs reach 1110 deviations: the deviation 0.229,0.229,0.229 is of another range than the pixels",
  ],
])("%j cannot be right", (numbers, doubt) => {
  expect(doubtsOfPixels(numbers)).toEqual([doubt]);
});

test("a picture is constant if each channel is", () => {
  const said = "all pixels of the picture are equal, as the network sees it";
  expect(doubtOfPicture([1, 1, 2, 2], 2, false)).toBe(said);
  expect(doubtOfPicture([1, 2, 1, 2], 2, true)).toBe(said);
  expect(doubtOfPicture([1, 2, 1, 2], 2, false)).toBeUndefined();
  expect(doubtOfPicture([1, 1, 2, 2], 2, true)).toBeUndefined();
});

/** Halves, then a batch-norm of running mean 3 and variance 4, and another behind it. */
function net(other?: string): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 1, 2, 2]);
  const added = other === undefined ? x : b.op("Add", [x, b.input(other, "float32", [1])]);
  const number = (n: number): typeof x => b.constant(float32Tensor([n], [1]), "w");
  const norm = (of: typeof x): typeof x =>
    b.op("BatchNormalization", [of, number(1), number(1), number(3), number(4)]);
  b.output(norm(b.op("Relu", [norm(b.op("Mul", [added, b.scalar(0.5)]))])), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
}

test("the first batch-norm is found, with what leads to it", () => {
  const found = firstNorm(net(), "x");
  expect(found?.mean).toEqual([3]);
  expect(found?.variance[0]).toBeCloseTo(4 + 1e-5, 9);
  expect(found?.model.graph.nodes.map(({ opType }) => opType)).toEqual(["Mul"]);
  expect(found?.model.graph.inputs.map(({ name }) => name)).toEqual(["x"]);
  expect(firstNorm(net("z"), "x")).toBeUndefined();
});

test("what it is given is measured in its deviations", () => {
  const norm = { mean: [3], variance: [4] };
  expect(seenByNorm(norm, [5, 1, 5, 1], [1, 1, 2, 2])).toEqual({ distance: 1, contrast: 1 });
  expect(seenByNorm(norm, [23, 23, 23, 23], [1, 1, 2, 2])).toEqual({ distance: 10, contrast: 0 });
});

test.each([
  [{ distance: 1.2, contrast: 0.17 }, undefined],
  [{ distance: 40, contrast: 1600 }, /at 40 of the deviations .* too large/],
  [{ distance: 0.02, contrast: 0.0004 }, /given 0.0004 of the variance .* too small/],
])("%j", (seen, doubt) => {
  const said = doubtOfNorm(seen);
  if (doubt === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(doubt);
});
