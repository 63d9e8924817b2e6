/**
 * Discrete Fourier transforms as linear operators. Their weights are cosines and sines:
 *
 *     y_k = Σ_n x_n · exp(∓2πi·kn / L)        (divided by L backwards)
 *
 * with real and imaginary parts as numbers of their own. STFT does so with each frame, times a window.
 */

import { int, ints, type Value } from "../../onnx/graph.ts";
import type { GraphBuilder } from "../../onnx/graph-builder.ts";
import { dftOf, framesOf, type Transform } from "../../onnx/operators/spectra.ts";
import { float32Tensor } from "../../onnx/tensor.ts";
import { x, type KeepsAxis, type LinearOperator, type Site, placeAt } from "../site.ts";
import { transposeConvolution } from "./convolution.ts";
import { transposed } from "./dense.ts";
import type { Window } from "./windows.ts";

/** A matrix of more numbers (80 MB) is refused: transforms of 4,096 samples have 16.8 million. */
const maxWeights = 20_000_000;

/** A transform with all its sizes. */
type Sized = { readonly [Key in keyof Transform]: Transform[Key] extends boolean ? boolean : number };

/** Weights [n, parts, K, made]: how much an element of the input counts for one of the output. */
function fourierWeights({ size, length, count, parts, made, isInverse, isOneSided }: Sized): Float32Array {
  const weights = new Float32Array(size * parts * count * made);
  const scale = isInverse ? 1 / length : 1;
  const turn = isInverse ? 1 : -1;
  const isToReal = made === 1;
  const put = (n: number, part: number, k: number, to: number, weight: number): void => {
    weights[((n * parts + part) * count + k) * made + to] = weight * scale;
  };
  for (let n = 0; n < Math.min(size, length); n++) {
    // The half that is not there is the conjugate of this one.
    const isTwice = isToReal && isOneSided && n > 0 && 2 * n !== length;
    const times = isTwice ? 2 : 1;
    for (let k = 0; k < count; k++) {
      const angle = (2 * Math.PI * ((n * k) % length)) / length;
      const [re, im] = [times * Math.cos(angle), times * turn * Math.sin(angle)];
      put(n, 0, k, 0, re);
      if (made === 2) put(n, 0, k, 1, im);
      if (parts === 1) continue;
      if (!isToReal || isTwice) put(n, 1, k, 0, -im);
      if (made === 2) put(n, 1, k, 1, re);
    }
  }
  return weights;
}

const dftAt = ({ node, inputs }: Site): Transform => dftOf(node, inputs);

/** The transform of one frame of STFT; undefined where only a run knows its sizes. */
function frameAt({ node, inputs }: Site): Transform | undefined {
  const { length, isOneSided } = framesOf(node, inputs);
  if (typeof length !== "number") return undefined;
  const count = isOneSided ? Math.floor(length / 2) + 1 : length;
  return { axis: 1, size: length, length, count, parts: 1, made: 2, isInverse: false, isOneSided };
}

const isSized = (transform: Transform): transform is Sized =>
  [transform.size, transform.length, transform.count, transform.parts].every(
    (dim) => typeof dim === "number",
  );

function refusesTransform(transform: Transform | undefined): string | undefined {
  if (!transform || !isSized(transform))
    return "how many samples it transforms is known at run time only: fix the input sizes, or what its length depends on";
  const { size, parts, count, made, length, isInverse, isOneSided } = transform;
  const weights = size * parts * count * made;
  if (weights > maxWeights)
    return `it is a matrix of ${weights.toLocaleString("en-US")} numbers, and at most ${maxWeights.toLocaleString("en-US")} are made of one transform`;
  if (parts !== 1 && parts !== 2)
    return `its last axis has ${parts} numbers, where real and imaginary part belong`;
  // Runtimes differ on spectra that are cut or continued before they are mirrored.
  if (isInverse && isOneSided && size !== Math.floor(length / 2) + 1)
    return `${size} bins are no half of a spectrum of ${length}, and runtimes differ on what is meant`;
  return undefined;
}

export const refusesDft = (site: Site): string | undefined => refusesTransform(dftAt(site));

export function refusesStft(site: Site): string | undefined {
  const [, , window] = site.inputs;
  if (window && site.isComputed(window)) return "its window depends on the model's input";
  if ((x(site).shape[2] ?? 1) !== 1)
    return "it transforms complex signals, which ONNX Runtime 1.30 computes wrongly";
  const { step } = framesOf(site.node, site.inputs);
  if (typeof step !== "number")
    return "the step between its frames is known at run time only: fix the input that it depends on";
  return refusesTransform(frameAt(site));
}

function sized(transform: Transform | undefined): Sized {
  if (transform && isSized(transform)) return transform;
  throw new Error("a transform of open size was not refused");
}

/** The axes of a tensor with one of them behind the others, but before the last. */
function beforeLast(rank: number, axis: number): { readonly to: number[]; readonly from: number[] } {
  const rest = Array.from({ length: rank - 1 }, (_, i) => i).filter((i) => i !== axis);
  const to = [...rest, axis, rank - 1];
  return { to, from: to.map((_, i) => to.indexOf(i)) };
}

const turned = (b: GraphBuilder, v: Value, perm: readonly number[]): Value =>
  perm.every((axis, i) => axis === i) ? v : b.op("Transpose", [v], { perm: ints(perm) });

/** The last axes of a tensor as others; those before them stay as they are. */
const reshapedEnd = (b: GraphBuilder, v: Value, kept: number, end: readonly number[]): Value =>
  b.op("Reshape", [v, b.integers([...Array.from({ length: kept }, () => 0), ...end])]);

/** DFT along an axis: a product with a matrix [n·parts, K·made]. */
export function dft(site: Site): LinearOperator {
  const { b, node } = site;
  const transform = sized(dftAt(site));
  const { axis, size, parts, count, made } = transform;
  const rank = x(site).shape.length;
  const { to, from } = beforeLast(rank, axis);
  const weights = b.constant(
    float32Tensor(fourierWeights(transform), [size * parts, count * made]),
    `${node.name}_weights`,
  );
  const through = (v: Value, W: Value, end: readonly number[]): Value => {
    const rows = reshapedEnd(b, turned(b, v, to), rank - 2, [-1]);
    return turned(b, reshapedEnd(b, b.op("MatMul", [rows, W]), rank - 2, end), from);
  };
  return {
    x: x(site),
    weights,
    bias: undefined,
    biasShape: undefined,
    fanIn: size * parts,
    forward: (v, W) => through(v, W, [count, made]),
    pullBack: (s, W) => through(s, transposed(b, W), [size, parts]),
  };
}

/** STFT: a convolution over the signal [B, 1, n], whose kernels are the transform times the window. */
export function stft(site: Site): LinearOperator {
  const { b, node, inputs } = site;
  const transform = sized(frameAt(site));
  const { size, count, made } = transform;
  const { step } = framesOf(node, inputs);
  const window: Window = {
    kernel: [size],
    strides: [Number(step)],
    dilations: [1],
    padsBegin: [0],
    padsEnd: [0],
  };
  const attributes = { strides: ints(window.strides), kernel_shape: ints([size]), group: int(1) };
  const hasParts = x(site).shape.length === 3;
  const channels = (v: Value): Value => (hasParts ? turned(b, v, [0, 2, 1]) : reshapedEnd(b, v, 1, [1, -1]));
  const signal = channels(x(site));
  const flat = fourierWeights(transform);
  const kernels = new Float32Array(flat.length);
  const outputs = count * made;
  // [n, K·made] -> [K·made, 1, n]
  for (let i = 0; i < flat.length; i++)
    kernels[(i % outputs) * size + Math.floor(i / outputs)] = flat[i] ?? 0;
  const plain = b.constant(float32Tensor(kernels, [outputs, 1, size]), `${node.name}_weights`);
  const shape = inputs[2];
  return {
    x: x(site),
    weights: shape ? b.op("Mul", [plain, shape]) : plain,
    bias: undefined,
    biasShape: undefined,
    fanIn: size,
    forward: (v, W) =>
      reshapedEnd(b, turned(b, b.op("Conv", [channels(v), W], attributes), [0, 2, 1]), 2, [count, made]),
    pullBack: (s, W) => {
      const frames = turned(b, reshapedEnd(b, s, 2, [outputs]), [0, 2, 1]);
      const back = transposeConvolution(b, frames, W, window, 1, signal);
      return reshapedEnd(b, back, 1, x(site).shape.length === 3 ? [-1, 1] : [-1]);
    },
  };
}

/** All but the axis that is transformed, and that of parts. */
export const throughDft: KeepsAxis = (site, place, input) => {
  const { axis } = dftAt(site);
  const isMixed = input !== 0 || place.axis === axis || place.axis === x(site).shape.length - 1;
  return isMixed ? undefined : placeAt(site, place, place.axis);
};
