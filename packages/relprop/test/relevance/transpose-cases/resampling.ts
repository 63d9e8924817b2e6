/** Resize in all its modes and coordinates. */

import { float32Tensor, int, ints, string } from "../../../src/onnx/index.ts";
import { image, type Case } from "./case.ts";

const resize = (
  title: string,
  attributes: Readonly<Record<string, string>>,
  scales: readonly number[],
): Case => ({
  op: "Resize",
  title,
  make: (b, x) => {
    const given = b.constant(float32Tensor(scales, [scales.length]), "scales");
    const named = Object.entries(attributes).map(([name, value]) => [name, string(value)] as const);
    return b.like({ opType: "Resize", attributes: Object.fromEntries(named) }, [x, undefined, given]);
  },
});
const toSizes = (
  title: string,
  mode: string,
  transformation: string,
  height: number,
  width: number,
): Case => ({
  op: "Resize",
  title,
  make: (b, x) => {
    const leading = b.op("Shape", [x], { start: int(0), end: int(2) });
    const sizes = b.op("Concat", [leading, b.integers([height, width])], { axis: int(0) });
    const attributes = { mode: string(mode), coordinate_transformation_mode: string(transformation) };
    return b.op("Resize", [x, undefined, undefined, sizes], attributes);
  },
});

const transformations = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"];

export const resamplingCases: readonly Case[] = [
  resize(
    "nearest, as PyTorch doubles",
    { coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" },
    [1, 1, 2, 2],
  ),
  resize("nearest, doubled from the centre", {}, [1, 1, 2, 3]),
  ...transformations.flatMap((transformation): Case[] => [
    resize(
      `nearest, ${transformation}, larger`,
      { coordinate_transformation_mode: transformation },
      [1, 1, 1.5, 2.4],
    ),
    resize(
      `nearest, ${transformation}, smaller`,
      { coordinate_transformation_mode: transformation, nearest_mode: "ceil" },
      [1, 1, 0.5, 0.7],
    ),
    resize(
      `linear, ${transformation}, larger`,
      { mode: "linear", coordinate_transformation_mode: transformation },
      [1, 1, 2, 1.6],
    ),
    toSizes(`linear, ${transformation}, to sizes`, "linear", transformation, 4, 11),
    toSizes(`nearest, ${transformation}, to sizes`, "nearest", transformation, 13, 4),
  ]),
  ...["half_pixel", "align_corners"].map((transformation): Case =>
    Object.assign(toSizes(`cubic, ${transformation}`, "cubic", transformation, 9, 4), { shape: image }),
  ),
  {
    op: "Resize",
    title: "linear, 1-D",
    shape: [2, 3, 5],
    make: (b, x) => b.op("Resize", [x, undefined, b.numbers([1, 1, 2])], { mode: string("linear") }),
  },
  {
    op: "Resize",
    title: "linear, 3-D",
    shape: [1, 2, 3, 4, 2],
    make: (b, x) => b.op("Resize", [x, undefined, b.numbers([1, 1, 2, 1.5, 2])], { mode: string("linear") }),
  },
  {
    op: "Resize",
    title: "nearest, 3-D",
    shape: [1, 2, 3, 4, 2],
    make: (b, x) =>
      b.op("Resize", [x, undefined, b.numbers([1, 1, 2, 1.5, 2])], {
        coordinate_transformation_mode: string("asymmetric"),
        nearest_mode: string("floor"),
      }),
  },
  {
    op: "Resize",
    title: "linear, channels last",
    shape: [1, 3, 4, 2],
    make: (b, x) =>
      b.op("Resize", [x, undefined, b.numbers([1, 2, 2, 1])], {
        mode: string("linear"),
        coordinate_transformation_mode: string("asymmetric"),
      }),
  },
  {
    op: "Resize",
    title: "linear, to the size of another map",
    make: (b, x) => {
      const small = b.op("MaxPool", [x], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
      const leading = b.op("Shape", [small], { start: int(0), end: int(2) });
      const spatial = b.op("Shape", [x], { start: int(2) });
      const sizes = b.op("Concat", [leading, spatial], { axis: int(0) });
      return b.op("Resize", [small, undefined, undefined, sizes], { mode: string("linear") });
    },
  },
];
