/** Spectra: discrete Fourier transforms, of whole signals and of frames, and the tables of numbers that go with them. */

import { type Dim, type Node, type TensorInfo, numberAttribute } from "../graph.ts";
import { constantIntegers, numbersOf } from "../tensor.ts";
import { computed } from "./evaluating.ts";
import {
  axisOf,
  contradiction,
  dataTypeOfCode,
  elementsOf,
  freshDim,
  input,
  showShape,
  withDim,
} from "./inferring.ts";
import type { Call, Evaluate, Inputs, Operators, ShapeRule } from "./operator.ts";
import { floorDivide, plus, product } from "./sizes.ts";

/** What a node transforms, and into what. */
export interface Transform {
  /** The axis that is transformed. */
  readonly axis: number;
  /** Size of the input along it. */
  readonly size: Dim;
  /** Length L of the transform: the input is cut, or followed by zeros. */
  readonly length: Dim;
  /** Size of the output along the axis. */
  readonly count: Dim;
  /** Numbers of an element: 1 for real numbers, 2 for real and imaginary parts. */
  readonly parts: Dim;
  readonly made: number;
  readonly isInverse: boolean;
  /** Whether only the half of the spectrum is there that the other half follows from, since signals are real. */
  readonly isOneSided: boolean;
}

const isSet = (node: Node, name: string): boolean => numberAttribute(node, name, 0) !== 0;

/** ⌊L / 2⌋ + 1 */
const half = (length: Dim): Dim => plus(floorDivide(length, 2), 1);

/** A scalar input as a size; undefined if only a run knows it. */
const sizeIn = (info: TensorInfo | undefined): Dim | undefined =>
  (info && constantIntegers(info)?.[0]) ?? elementsOf(info)?.[0];

/** What DFT does. Inputs: signal [.., n, .., 1 or 2], length. */
export function dftOf(node: Node, inputs: Inputs): Transform {
  const { shape } = input(node, inputs, 0);
  const axis = axisOf(node, numberAttribute(node, "axis", 1), shape.length);
  if (axis >= shape.length - 1)
    throw contradiction(node, `the last axis of ${showShape(shape)} holds real and imaginary parts`);
  const size = shape[axis] ?? 1;
  const [isInverse, isOneSided] = [isSet(node, "inverse"), isSet(node, "onesided")];
  const isToReal = isInverse && isOneSided;
  const usual = isToReal ? plus(product([size, 2]), -2) : size;
  const length = inputs[1] ? (sizeIn(inputs[1]) ?? freshDim(node, axis)) : usual;
  return {
    axis,
    size,
    length,
    count: isOneSided && !isInverse ? half(length) : length,
    parts: shape.at(-1) ?? 1,
    made: isToReal ? 1 : 2,
    isInverse,
    isOneSided,
  };
}

const dft: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const { axis, count, made } = dftOf(node, inputs);
  return [{ dataType, shape: [...withDim(shape, axis, count).slice(0, -1), made] }];
};

/** Frames of a signal, and what is made of each. */
export interface Frames {
  /** Elements from one frame to the next; undefined if only a run knows it. */
  readonly step: Dim | undefined;
  /** Elements N of a frame, which is the length of its transform. */
  readonly length: Dim | undefined;
  readonly isOneSided: boolean;
}

/** What STFT does. Inputs: signal [B, n] or [B, n, 1 or 2], step, window, length. */
export const framesOf = (node: Node, [, step, window, length]: Inputs): Frames => ({
  step: sizeIn(step),
  length: length ? sizeIn(length) : window?.shape[0],
  isOneSided: numberAttribute(node, "onesided", 1) !== 0,
});

const stft: ShapeRule = (node, inputs) => {
  const { dataType, shape } = input(node, inputs, 0);
  const { step, length, isOneSided } = framesOf(node, inputs);
  const [batch = 1, size = 1] = shape;
  const canCount = typeof step === "number" && typeof length === "number" && step > 0;
  const frames = canCount ? floorDivide(plus(size, step - length), step) : freshDim(node, 1);
  const bins = length === undefined ? freshDim(node, 2) : isOneSided ? half(length) : length;
  return [{ dataType, shape: [batch, frames, bins, 2] }];
};

/** The type that an attribute names, float32 unless it says another. */
const namedType = (node: Node) => dataTypeOfCode(node, numberAttribute(node, "output_datatype", 1));

const window: ShapeRule = (node, inputs) => [
  { dataType: namedType(node), shape: [sizeIn(input(node, inputs, 0)) ?? freshDim(node, 0)] },
];

/** Σ_k a_k cos(2πk n / M), M the size of a periodic window, or one less. */
const cosines =
  (...factors: readonly number[]): Evaluate =>
  ({ node, dims, dataType }: Call) => {
    const [size = 0] = dims;
    const period = size - 1 + numberAttribute(node, "periodic", 1);
    if (period < 1) return undefined;
    const numbers = Array.from({ length: size }, (_, n) =>
      factors.reduce((sum, a, k) => sum + a * Math.cos((2 * Math.PI * k * n) / period), 0),
    );
    return computed(dataType, numbers, dims);
  };

const melShape: ShapeRule = (node, inputs) => {
  const bands = sizeIn(input(node, inputs, 0)) ?? freshDim(node, 1);
  const length = sizeIn(input(node, inputs, 1));
  return [
    { dataType: namedType(node), shape: [length === undefined ? freshDim(node, 0) : half(length), bands] },
  ];
};

const mel = (hertz: number): number => (2595 * Math.log1p(hertz / 700)) / Math.LN10;

/** Triangles over the bins of a spectrum, evenly spaced in mel: 2595·log₁₀(1 + f/700). */
const melWeights: Evaluate = ({ inputs, dims, dataType }) => {
  const given = inputs.map((tensor) => (tensor ? (numbersOf(tensor)[0] ?? Number.NaN) : Number.NaN));
  const [bands = 0, length = 0, rate = 1, low = 0, high = 0] = given;
  if (given.length < 5 || given.some(Number.isNaN) || rate <= 0) return undefined;
  const step = (mel(high) - mel(low)) / (bands + 2);
  const bins = Array.from({ length: bands + 2 }, (_, i) => {
    const hertz = 700 * Math.expm1(((i * step + mel(low)) / 2595) * Math.LN10);
    return Math.floor(((length + 1) * hertz) / rate);
  });
  const [rows = 0] = dims;
  // Edges above the highest frequency are the model's error, and left for the runtime to say.
  if (bins.some((bin) => bin < 0 || bin > rows) || (bins.at(-2) ?? 0) >= rows) return undefined;
  const numbers = new Float64Array(rows * bands);
  for (let band = 0; band < bands; band++) {
    const [left = 0, center = 0, right = 0] = bins.slice(band, band + 3);
    const put = (bin: number, number: number): void => {
      numbers[bin * bands + band] = number;
    };
    for (let bin = left; bin < center; bin++) put(bin, (bin - left) / (center - left));
    put(center, 1);
    for (let bin = center; bin < right; bin++) put(bin, (right - bin) / (right - center));
  }
  return computed(dataType, numbers, dims);
};

export const spectra: Operators = {
  DFT: { shape: dft },
  STFT: { shape: stft },
  HannWindow: { shape: window, evaluate: cosines(0.5, -0.5) },
  HammingWindow: { shape: window, evaluate: cosines(25 / 46, -21 / 46) },
  BlackmanWindow: { shape: window, evaluate: cosines(0.42, -0.5, 0.08) },
  MelWeightMatrix: { shape: melShape, evaluate: melWeights },
};
