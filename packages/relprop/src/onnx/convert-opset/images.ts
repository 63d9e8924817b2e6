/** Operators on images that opset 17 does not have: CenterCropPad (18), Col2Im (18), Pad by wrapping (19). */

import { wrapped } from "../axis.ts";
import { type Dim, type Node, int, ints, intsAttribute } from "../graph.ts";
import { columnWindow, pickEach } from "../column-window.ts";
import { type Conversion, type Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** Axes of the input as non-negative numbers; all of them if none are named. */
function axesOf(given: readonly number[] | undefined, rank: number): number[] {
  const axes = given ?? Array.from({ length: rank }, (_, axis) => axis);
  return axes.map((axis) => wrapped(axis, rank));
}

/** CenterCropPad: Slice of the axes that are too long, Pad of those that are too short. */
export const centerCropPad: Converter = (node, to) => {
  const [x = "", , ...rest] = node.inputs;
  const shape = to.shape(node, 0);
  const target = to.constantIntegers(node, 1, "sizes") ?? [];
  const axes = axesOf(intsAttribute(node, "axes"), shape.length);
  const write = new NodeWriter({ ...node, inputs: [x, ...rest] }, to);
  const pads = [...shape, ...shape].map(() => 0);
  const [starts, ends]: [number[], number[]] = [[], []];
  for (const [i, axis] of axes.entries()) {
    const [have, want] = [knownSize(node, to, shape[axis]), target[i] ?? 0];
    const start = Math.max(0, Math.floor((have - want) / 2));
    starts.push(start);
    ends.push(start + Math.min(have, want));
    const missing = Math.max(0, want - have);
    pads[axis] = Math.floor(missing / 2);
    pads[axis + shape.length] = missing - Math.floor(missing / 2);
  }
  const [from, through] = [write.integers("starts", starts), write.integers("ends", ends)];
  const cropped = write.op("Slice", [x, from, through, write.integers("axes", axes)]);
  write.op("Pad", [cropped, write.integers("pads", pads)], {}, node.outputs[0]);
  return write.nodes;
};

function knownSize(node: Node, to: Conversion, dim: Dim | undefined): number {
  if (typeof dim === "number") return dim;
  throw to.refuse(
    node,
    "the sizes that it crops or pads are known only at run time",
    "fix the model's input sizes",
  );
}

/** Pad by wrapping: copies the end of each axis before its beginning, and the beginning after its end. */
export const padByWrapping: Converter = (node, to) => {
  const shape = to.shape(node, 0);
  const pads = to.constantIntegers(node, 1, "pads") ?? [];
  const axes = axesOf(to.constantIntegers(node, 3, "axes"), shape.length);
  const write = new NodeWriter(node, to);
  let value = node.inputs[0] ?? "";
  for (const [i, axis] of axes.entries()) {
    const [begin = 0, end = 0] = [pads[i], pads[i + axes.length]];
    const size = shape[axis];
    const isTooLong = typeof size === "number" && Math.max(begin, end) > size;
    if (isTooLong || begin < 0 || end < 0) {
      throw to.refuse(
        node,
        "it wraps by more than the whole axis, or crops",
        "export the model with Concat and Slice",
      );
    }
    const part = (from: number, through: number): string =>
      write.op("Slice", [
        value,
        write.integers("from", [from]),
        write.integers("through", [through]),
        write.integers("along", [axis]),
      ]);
    const before = begin > 0 ? [part(-begin, Number.MAX_SAFE_INTEGER)] : [];
    const after = end > 0 ? [part(0, end)] : [];
    if (begin + end > 0) value = write.op("Concat", [...before, value, ...after], { axis: int(axis) });
  }
  write.asOutput(value, 0);
  return write.nodes;
};

/**
 * Col2Im [N, C·k, windows] -> [N, C, image]: a transposed convolution that moves each of the k positions of a window to its
 * place and adds overlaps. The node stays, with this body.
 */
export const col2imOverBody: Converter = (node, to) => {
  const image = to.constantIntegers(node, 1, "image sizes") ?? [];
  const block = to.constantIntegers(node, 2, "block sizes") ?? [];
  const columns = to.shape(node, 0)[1];
  const window = columnWindow(node, image, block);
  const write = new NodeWriter(node, to);
  const channels = typeof columns === "number" ? columns / window.positions : undefined;
  if (channels === undefined) throw to.refuse(node, "its number of channels is known only at run time");
  // Channels do not mix, so they are handled as samples.
  const single = write.op("Reshape", [
    node.inputs[0] ?? "",
    write.integers("single", [-1, window.positions, ...window.counts]),
  ]);
  const kernel = to.constant(node, "places", pickEach(node, block));
  const attributes = { ...window.attributes, output_padding: ints(window.rest) };
  const placed = write.op("ConvTranspose", [single, kernel], attributes);
  const whole = write.integers("whole", [-1, channels, ...image]);
  write.op("Reshape", [placed, whole], {}, node.outputs[0]);
  return [{ ...node, body: write.nodes }];
};
