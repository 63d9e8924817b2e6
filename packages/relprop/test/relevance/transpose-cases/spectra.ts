/** Discrete Fourier transforms: both directions, halves of spectra, cut and continued signals, frames. */

import { int, int64Tensor, type GraphBuilder, type Value } from "../../../src/onnx/index.ts";
import { weights, type Case } from "./case.ts";

const whole = (b: GraphBuilder, value: number): Value =>
  b.constant(int64Tensor([value], []), `whole_${value}`);

interface Transform {
  readonly axis: number;
  readonly length?: number;
  readonly inverse?: 0 | 1;
  readonly onesided?: 0 | 1;
}

const dft = (
  title: string,
  shape: readonly number[],
  { axis, length, inverse = 0, onesided = 0 }: Transform,
): Case => ({
  op: "DFT",
  title,
  shape,
  make: (b, x) =>
    b.op("DFT", length === undefined ? [x] : [x, whole(b, length)], {
      axis: int(axis),
      inverse: int(inverse),
      onesided: int(onesided),
    }),
});

const stft = (
  title: string,
  shape: readonly number[],
  isOneSided: boolean,
  has: "window" | "length" | "both",
): Case => ({
  op: "STFT",
  title,
  shape,
  make: (b, x) => {
    const window = has === "length" ? undefined : weights(b, [8]);
    const length = has === "window" ? undefined : whole(b, 8);
    return b.op("STFT", [x, whole(b, 3), window, length], { onesided: int(Number(isOneSided)) });
  },
});

export const spectrumCases: readonly Case[] = [
  dft("of real numbers", [2, 6, 5, 1], { axis: 1 }),
  dft("half of it", [2, 6, 5, 1], { axis: 2, onesided: 1 }),
  dft("of complex numbers", [2, 5, 3, 2], { axis: 1 }),
  dft("along the last axis but one", [2, 4, 3, 2], { axis: -2 }),
  dft("backwards", [2, 6, 2], { axis: 1, inverse: 1 }),
  dft("backwards, of real numbers", [2, 6, 1], { axis: 1, inverse: 1 }),
  dft("cut", [2, 8, 3, 1], { axis: 1, length: 5 }),
  dft("continued by zeros, half of it", [2, 5, 1], { axis: 1, length: 8, onesided: 1 }),
  stft("half, frames by a window", [2, 20, 1], true, "window"),
  stft("whole, frames without a window", [2, 22, 1], false, "length"),
  stft("of signals without an axis of parts", [2, 20], true, "both"),
];
