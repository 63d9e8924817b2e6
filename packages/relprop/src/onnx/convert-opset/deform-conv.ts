/**
 * DeformConv (opset 19): a convolution that reads the image beside its grid, by offsets that the network computes. Spelled out
 * as reading the image at those places, and a convolution of what was read:
 *
 *     y[o, p] = Σ_{c, k} W[o, c, k] · m[k, p] · x[c, place(p) + k + offset[k, p]]
 *
 * Source: https://onnx.ai/onnx/operators/onnx__DeformConv.html
 */

import { int, ints, intsAttribute, numberAttribute, string } from "../graph.ts";
import { float32Tensor } from "../tensor.ts";
import type { Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

export const deformConv: Converter = (node, to) => {
  const [x = "", w = "", offset = "", bias = "", mask = ""] = node.inputs;
  const numbersOf = (input: number, from: number, what: string): readonly number[] => {
    const dims = to.shape(node, input).slice(from);
    if (dims.length === 4 - from && dims.every((dim) => typeof dim === "number")) return dims;
    throw to.refuse(
      node,
      `its ${what} [${to.shape(node, input).join(", ")}] is not fixed, or not of pictures`,
    );
  };
  const [channels = 0, height = 0, width = 0] = numbersOf(0, 1, "input");
  const [outputs = 0, inputs = 0, rows = 0, columns = 0] = numbersOf(1, 0, "kernel");
  const [, outRows = 0, outColumns = 0] = numbersOf(2, 1, "offset");
  const [strideRow = 1, strideColumn = 1] = intsAttribute(node, "strides") ?? [];
  const [dilationRow = 1, dilationColumn = 1] = intsAttribute(node, "dilations") ?? [];
  const [padRow = 0, padColumn = 0] = intsAttribute(node, "pads") ?? [];
  const parts = numberAttribute(node, "offset_group", 1);
  const [kernel, places] = [rows * columns, outRows * outColumns];

  // Without offsets, an element of the kernel reads the image here.
  const grid = new Float32Array(kernel * 2 * places);
  for (let k = 0; k < kernel; k++) {
    for (let p = 0; p < places; p++) {
      const [row, column] = [Math.floor(p / outColumns), p % outColumns];
      const at = k * 2 * places + p;
      grid[at] = row * strideRow - padRow + Math.floor(k / columns) * dilationRow;
      grid[at + places] = column * strideColumn - padColumn + (k % columns) * dilationColumn;
    }
  }

  const write = new NodeWriter(node, to);
  const constant = (
    what: string,
    values: Float32Array | readonly number[],
    dims: readonly number[],
  ): string => to.constant(node, what, float32Tensor(values, dims));
  const reshape = (value: string, dims: readonly number[]): string =>
    write.op("Reshape", [value, write.integers("shape", dims)]);
  const offsets = reshape(offset, [-1, kernel, 2, places]);
  const pixels = write.op("Add", [offsets, constant("grid", grid, [kernel, 2, places])]);
  // GridSample counts from −1 to 1 between the image's borders, columns first.
  const scaled = write.op("Mul", [pixels, constant("scale", [2 / height, 2 / width], [2, 1])]);
  const shifted = write.op("Add", [scaled, constant("shift", [1 / height - 1, 1 / width - 1], [2, 1])]);
  const points = write.op("Transpose", [shifted], { perm: ints([0, 1, 3, 2]) });
  const turned = write.op("Gather", [points, write.integers("order", [1, 0])], { axis: int(3) });
  const images = parts === 1 ? x : reshape(x, [-1, channels / parts, height, width]);
  const read = write.op("GridSample", [images, turned], {
    mode: string("bilinear"),
    padding_mode: string("zeros"),
    align_corners: int(0),
  });
  const seen = mask === "" ? read : write.op("Mul", [read, reshape(mask, [-1, 1, kernel, places])]);
  const patches = reshape(seen, [-1, channels * kernel, places]);
  const weights = reshape(w, [outputs, inputs * kernel, 1]);
  const attributes = { group: int(numberAttribute(node, "group", 1)), kernel_shape: ints([1]) };
  const result = write.op("Conv", bias === "" ? [patches, weights] : [patches, weights, bias], attributes);
  write.op(
    "Reshape",
    [result, write.integers("shape", [-1, outputs, outRows, outColumns])],
    {},
    node.outputs[0],
  );
  return write.nodes;
};
