/**
 * torch's AdaptiveAvgPool2d in ONNX, for fixed input sizes. Along an axis of size s, output i of n is the mean of the
 * elements from ⌊i·s/n⌋ to ⌈(i+1)·s/n⌉. If s is a multiple of n, these are the windows of an AveragePool. Otherwise they
 * overlap and differ in size; each axis then takes n slices, since the mean of a rectangle is the mean of its rows' means.
 */

import { int, ints, type Value } from "../onnx/graph.ts";
import type { GraphBuilder } from "../onnx/graph-builder.ts";

/**
 * Averages [N, C, H, W] to [N, C, size[0], size[1]]. Returns x itself if it has that size.
 * @throws RangeError if H or W is symbolic
 */
export function adaptiveAveragePool(builder: GraphBuilder, x: Value, size: readonly [number, number]): Value {
  const [height, width] = [x.shape[2], x.shape[3]];
  if (typeof height !== "number" || typeof width !== "number") {
    throw new RangeError(`the adaptive pooling of "${x.name}" needs sizes that are numbers`);
  }
  if (height === size[0] && width === size[1]) return x;
  if (height % size[0] === 0 && width % size[1] === 0) {
    const window = ints([height / size[0], width / size[1]]);
    return builder.op("AveragePool", [x], { kernel_shape: window, strides: window }, "avgpool");
  }
  return alongAxis(builder, alongAxis(builder, x, 2, height, size[0]), 3, width, size[1]);
}

function alongAxis(builder: GraphBuilder, x: Value, axis: number, from: number, to: number): Value {
  if (from === to) return x;
  const means = Array.from({ length: to }, (_, i) => {
    const start = builder.integers([Math.floor((i * from) / to)]);
    const end = builder.integers([Math.ceil(((i + 1) * from) / to)]);
    const window = builder.op("Slice", [x, start, end, builder.integers([axis])], {}, "avgpool.window");
    return builder.op("ReduceMean", [window], { axes: ints([axis]), keepdims: int(1) }, "avgpool.mean");
  });
  return builder.op("Concat", means, { axis: int(axis) }, "avgpool");
}
