/** Networks that scale their pixels themselves: what they have to be fed is read from the graph. */

import { expect, test } from "vitest";
import { guessCard } from "../../src/cards/guess-card.ts";
import { float32Tensor, int, ints, type DataType, type Dim, type Value } from "../../src/onnx/index.ts";
import { NetBuilder } from "../support/output-models.ts";

const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];

interface Case {
  readonly name: string;
  readonly shape?: readonly Dim[];
  readonly dataType?: DataType;
  readonly scale: (b: NetBuilder, x: Value, of: (numbers: readonly number[]) => Value) => Value;
  /** What black and white are fed as; undefined where nothing can be told. */
  readonly fed?: readonly [black: number, white: number];
}

const last: readonly Dim[] = ["N", 32, 32, 3];

const cases: readonly Case[] = [
  {
    name: "Keras' Rescaling(1/255)",
    shape: last,
    scale: (b, x) => b.op("Mul", [x, b.scalar(1 / 255)]),
    fed: [0, 255],
  },
  {
    name: "MobileNet's x/127.5 − 1",
    shape: last,
    scale: (b, x) => b.op("Sub", [b.op("Div", [x, b.scalar(127.5)]), b.scalar(1)]),
    fed: [0, 255],
  },
  {
    name: "tf-hub's 0..1 brought to −1..1, behind a Transpose",
    shape: last,
    scale: (b, x) => b.op("Add", [b.op("Mul", [b.scalar(2), b.transpose(x, [0, 3, 1, 2])]), b.scalar(-1)]),
    fed: [0, 1],
  },
  {
    name: "−1..1 brought back to 0..255",
    scale: (b, x) => b.op("Mul", [b.op("Add", [x, b.scalar(1)]), b.scalar(127.5)]),
    fed: [-1, 1],
  },
  {
    name: "ImageNet's numbers of 0..1",
    scale: (b, x, of) => b.op("Div", [b.op("Sub", [x, of(mean)]), of(std)]),
    fed: [0, 1],
  },
  {
    name: "ImageNet's numbers of 0..255",
    scale: (b, x, of) =>
      b.op("Div", [b.op("Sub", [x, of(mean.map((n) => 255 * n))]), of(std.map((n) => 255 * n))]),
    fed: [0, 255],
  },
  {
    name: "bytes",
    dataType: "uint8",
    shape: last,
    scale: (b, x) => b.op("Cast", [x], { to: int(1) }),
    fed: [0, 255],
  },
  { name: "nothing", scale: (_b, x) => x },
  { name: "numbers that nobody is fed", scale: (b, x) => b.op("Mul", [x, b.scalar(0.37)]) },
  { name: "a number minus the pixels", scale: (b, x) => b.op("Sub", [b.scalar(1), x]) },
  {
    name: "two ways at once",
    scale: (b, x) => b.op("Mul", [b.op("Mul", [x, b.scalar(1 / 255)]), b.op("Sigmoid", [x])]),
  },
];

test.each(cases)("$name", ({ shape = ["N", 3, 32, 32], dataType = "float32", scale, fed }) => {
  const b = new NetBuilder();
  const x = b.input("input", dataType, [...shape]);
  const isLast = shape.at(-1) === 3;
  const of = (numbers: readonly number[]): Value =>
    b.constant(float32Tensor(numbers, isLast ? [3] : [3, 1, 1]), "numbers");
  const scaled = scale(b, x, of);
  const first = scaled.shape.at(-1) === 3 ? b.transpose(scaled, [0, 3, 1, 2]) : scaled;
  b.output(b.op("ReduceMean", [b.conv(first, 3, 4)], { axes: ints([2, 3]) }), "output");
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "t", metadata: {}, graph: b.graph("t") };
  const { card, guesses } = guessCard("net", model, {});
  const { scale: factor, mean: [m = 0] = [], std: [s = 1] = [] } = card.input;
  const said = guesses.some((each) => each.startsWith("pixels "));
  expect(said).toBe(fed !== undefined);
  const given = [0, 255].map((pixel) => (pixel * factor - m) / s);
  const usual = [0, 255].map((pixel) => (pixel / 255 - 0.485) / 0.229);
  for (const [i, number] of (fed ?? usual).entries()) expect(given[i]).toBeCloseTo(number, 5);
  // What the user says goes before it.
  expect(guessCard("net", model, { scale: 1 / 128, mean: [0], std: [1] }).card.input.scale).toBe(1 / 128);
});
