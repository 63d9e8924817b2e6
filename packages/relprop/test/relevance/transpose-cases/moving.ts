/** Operators that move, copy, pick and write elements. */

import { int, int64Tensor, ints, string, type GraphBuilder, type Value } from "../../../src/onnx/index.ts";
import { moved, other, unary, weights, type Case } from "./case.ts";

const indices = (
  b: GraphBuilder,
  numbers: readonly number[],
  dims: readonly number[] = [numbers.length],
): Value => b.constant(int64Tensor(numbers, dims), `indices${numbers.join("_")}`);
/** Integers that only the run knows: no constant, but the same whatever x is. */
const late = (b: GraphBuilder, x: Value, numbers: Value): Value => {
  const first = b.op("Shape", [x], { start: int(0), end: int(1) });
  return b.op("Add", [numbers, b.op("Min", [b.op("Sub", [first, b.integers([1])]), b.integers([0])])]);
};
const condition = (b: GraphBuilder, pattern: readonly number[], dims: readonly number[]): Value =>
  b.constant({ dataType: "bool", dims, bytes: Uint8Array.from(pattern) }, "condition");

const gather = (title: string, numbers: readonly number[], axis: number, dims?: readonly number[]): Case => ({
  op: "Gather",
  title,
  make: (b, x) => b.op("Gather", [x, indices(b, numbers, dims)], { axis: int(axis) }),
});
const pad = (title: string, pads: readonly number[], mode: string): Case => ({
  op: "Pad",
  title,
  make: (b, x) => b.op("Pad", [x, b.integers(pads)], { mode: string(mode) }),
});
/** Slice of one axis. */
const slice = (title: string, axis: number, start: number, end: number, step: number): Case => ({
  op: "Slice",
  title,
  make: (b, x) =>
    b.op("Slice", [x, b.integers([start]), b.integers([end]), b.integers([axis]), b.integers([step])]),
});
const far = Number.MAX_SAFE_INTEGER;
/** Windows of [3, 2] put together to an image of [5, 6]. */
const col2im = (title: string, windows: number, stride: number, pads: readonly number[]): Case => ({
  op: "Col2Im",
  title,
  opset: 18,
  shape: [2, 3 * 6, windows],
  make: (b, x) => {
    const attributes = { strides: ints([stride, stride]), pads: ints(pads) };
    return b.like({ opType: "Col2Im", attributes }, [x, b.integers([5, 6]), b.integers([3, 2])]);
  },
});

/** Some of its elements come from nowhere, and relevance that stands there has no way on. */
export const uncoveredCases: readonly Case[] = [col2im("a row that no window covers", 6, 2, [1, 0, 0, 0])];

export const movingCases: readonly Case[] = [
  slice("from the second, all sizes open or not", 2, 1, far, 1),
  slice("to the last but one", 3, 0, -1, 1),
  slice("the last three", 2, -3, far, 1),
  slice("every second", 2, 0, far, 2),
  slice("every second from the second", 3, 1, far, 2),
  slice("every third to the last but one", 2, 1, -1, 3),
  slice("all backwards", 3, -1, -far, -1),
  slice("every second backwards", 2, -2, -far, -2),
  slice("longer than the axis", 2, 2, 100, 1),
  {
    op: "Slice",
    title: "from where only the run knows",
    make: (b, x) => b.op("Slice", [x, late(b, x, b.integers([-4])), b.integers([far]), b.integers([2])]),
  },
  {
    op: "Slice",
    title: "half of an open axis, as windows shift",
    make: (b, x) => {
      const half = b.op("Div", [b.op("Shape", [x], { start: int(2), end: int(3) }), b.integers([2])]);
      const front = b.op("Slice", [x, b.integers([0]), half, b.integers([2])]);
      const back = b.op("Slice", [x, half, b.integers([far]), b.integers([2])]);
      return b.op("Concat", [back, b.op("Mul", [front, b.scalar(2)])], { axis: int(2) });
    },
  },
  {
    op: "Split",
    title: "in two, of which one is used twice",
    make: (b, x) => {
      const [first, second] = b.ops("Split", [x, b.integers([1, 2])], { axis: int(1) }, 2) as [Value, Value];
      return b.op("Concat", [second, first, b.op("Tanh", [second])], { axis: int(1) });
    },
  },
  pad("constant, with crops", [0, 0, -1, 2, 0, 1, 1, -2], "constant"),
  pad("reflect", [0, 0, 2, 1, 0, 0, 1, 3], "reflect"),
  pad("edge", [0, 0, 2, 0, 0, 0, 1, 3], "edge"),
  ...["DCR", "CRD"].map((mode): Case => ({
    op: "DepthToSpace",
    title: mode,
    make: (b, x) => {
      const deep = b.op("Conv", [x, weights(b, [8, 3, 1, 1])]);
      return b.op("DepthToSpace", [deep], { blocksize: int(2), mode: string(mode) });
    },
  })),
  {
    op: "SpaceToDepth",
    make: (b, x) => b.op("SpaceToDepth", [b.op("Concat", [x, x], { axis: int(3) })], { blocksize: int(2) }),
  },
  col2im("windows that overlap", 20, 1, [0, 0, 1, 0]),
  col2im("strides of 2", 9, 2, [1, 0, 1, 0]),
  unary("Trilu"),
  {
    op: "Trilu",
    title: "lower, above the diagonal",
    make: (b, x) => b.op("Trilu", [x, b.integer(1)], { upper: int(0) }),
  },
  {
    op: "ReverseSequence",
    make: (b, x) =>
      b.op("ReverseSequence", [x, indices(b, [3, 2])], { time_axis: int(1), batch_axis: int(0) }),
  },
  {
    op: "Expand",
    make: (b, x) => b.op("Expand", [b.op("GlobalAveragePool", [x]), b.integers([1, 1, 4, 5])]),
  },
  {
    op: "Expand",
    title: "to more axes",
    make: (b, x) => b.op("Expand", [b.op("GlobalAveragePool", [x]), b.integers([2, 1, 3, 3, 2])]),
  },
  { op: "Tile", make: (b, x) => b.op("Tile", [x, b.integers([1, 2, 1, 3])]) },
  {
    op: "Tile",
    title: "as often as only the run knows",
    make: (b, x) => b.op("Tile", [x, late(b, x, b.integers([1, 1, 3, 2]))]),
  },
  {
    op: "Where",
    make: (b, x) => b.op("Where", [condition(b, [1, 0, 1], [3, 1, 1]), x, other(b, x)]),
  },
  {
    op: "Where",
    title: "of a comparison, with a constant and broadcasting",
    make: (b, x) =>
      b.op("Where", [
        b.op("Greater", [other(b, x), b.scalar(2)]),
        b.scalar(-Infinity),
        b.op("GlobalAveragePool", [x]),
      ]),
  },
  gather("one", [1], 2),
  gather("one as a scalar", [-1], 3, []),
  gather("one as a scalar, from the front", [2], 2, []),
  gather("a run", [1, 2, 3], 2),
  gather("the last two", [-2, -1], 3),
  gather("the last and the first", [-1, 0], 3),
  gather("some twice, some never", [0, 2, 2, 1, 0], 2),
  gather("one very often", [1, 0, 1, 1, 1, 1, 1], 1),
  gather("a table of indices", [0, 1, 2, 2, 1, 1], 2, [2, 3]),
  gather("turned round", [2, 1, 0], 1),
  {
    op: "Gather",
    title: "by indices of the run",
    make: (b, x) => b.op("Gather", [x, late(b, x, b.integers([0, -1, 1, 0]))], { axis: int(2) }),
  },
  {
    op: "Gather",
    title: "by a table of the run",
    make: (b, x) => {
      const table = b.op("Reshape", [late(b, x, b.integers([0, -1, 1, 0])), b.integers([2, 2])]);
      return b.op("Gather", [x, table], { axis: int(2) });
    },
  },
  {
    op: "GatherElements",
    shape: [2, 5],
    make: (b, x) => b.op("GatherElements", [x, indices(b, [0, -1, 2, 0, 1, 1], [2, 3])], { axis: int(1) }),
  },
  {
    op: "GatherND",
    title: "elements",
    shape: [2, 3, 4],
    make: (b, x) => b.op("GatherND", [x, indices(b, [0, 1, -1, 1, 2, 0, 0, 1, -1], [3, 3])]),
  },
  {
    op: "GatherND",
    title: "rows",
    shape: [2, 3, 4],
    make: (b, x) => b.op("GatherND", [x, indices(b, [0, 1, 1, -1, 0, 0, 0, 1], [2, 2, 2])]),
  },
  {
    op: "GatherND",
    title: "within each sample",
    shape: [2, 3, 4],
    make: (b, x) => b.op("GatherND", [x, indices(b, [0, 2, -1, 1], [2, 2, 1])], { batch_dims: int(1) }),
  },
  {
    op: "GatherND",
    title: "by indices of the run",
    shape: [2, 3, 4],
    make: (b, x) => {
      const tuples = b.op("Reshape", [late(b, x, b.integers([0, 1, 1, -1, 0, 1])), b.integers([3, 2])]);
      return b.op("GatherND", [x, tuples]);
    },
  },
  {
    op: "Compress",
    make: (b, x) => b.op("Compress", [x, condition(b, [0, 1, 1, 0, 1], [5])], { axis: int(3) }),
  },
  {
    op: "Compress",
    title: "of all elements",
    shape: [2, 3],
    make: (b, x) => b.op("Compress", [x, condition(b, [0, 1, 1, 0, 1], [5])]),
  },
  {
    op: "TopK",
    make: (b, x) => b.ops("TopK", [x, b.integers([2])], { axis: int(2) }, 2)[0]!,
  },
  {
    op: "TopK",
    title: "whose indices pick from another tensor",
    make: (b, x) => {
      const [values, places] = b.ops("TopK", [x, b.integers([2])], { axis: int(2) }, 2) as [Value, Value];
      return b.op("Add", [values, b.op("GatherElements", [other(b, x), places], { axis: int(2) })]);
    },
  },
  {
    op: "MaxUnpool",
    make: (b, x) => {
      const window = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
      const [top, places] = b.ops("MaxPool", [moved(b, x, 1, 2)], window, 2) as [Value, Value];
      return b.op("Tanh", [b.op("MaxUnpool", [top, places], window)]);
    },
    shape: [2, 3, 6, 4],
  },
  {
    op: "ScatterElements",
    shape: [2, 5],
    make: (b, x) => {
      const places = indices(b, [0, -1, 3, 2], [2, 2]);
      const written = b.op("Tanh", [b.op("Slice", [x, b.integers([0]), b.integers([2]), b.integers([1])])]);
      return b.op("ScatterElements", [x, places, written], { axis: int(1) });
    },
  },
  {
    op: "ScatterElements",
    title: "adding",
    shape: [2, 5],
    make: (b, x) => {
      const written = b.op("Tanh", [b.op("Slice", [x, b.integers([0]), b.integers([2]), b.integers([1])])]);
      const attributes = { axis: int(1), reduction: string("add") };
      return b.op("ScatterElements", [x, indices(b, [0, 0, 3, 2], [2, 2]), written], attributes);
    },
  },
  {
    op: "ScatterND",
    shape: [4, 3],
    make: (b, x) => {
      const written = b.op("Tanh", [b.op("Slice", [x, b.integers([0]), b.integers([2])])]);
      return b.op("ScatterND", [x, indices(b, [-1, 1], [2, 1]), written]);
    },
  },
  {
    op: "ScatterND",
    title: "adding to a constant",
    shape: [4, 3],
    make: (b, x) => {
      const places = indices(b, [0, 1, 1, 2, 2, 0, 0, 2], [4, 2]);
      const written = b.op("Slice", [x, b.integers([0]), b.integers([1]), b.integers([1])]);
      const flat = b.op("Reshape", [written, b.integers([-1])]);
      return b.op("ScatterND", [weights(b, [3, 3]), places, flat], { reduction: string("add") });
    },
  },
];
