/** Images read at computed places: GridSample and RoiAlign in all their modes. */

import { float, float32Tensor, int, int64Tensor, string, type Value } from "../../../src/onnx/index.ts";
import { randomNumbers } from "../../support/run.ts";
import { image, type Case } from "./case.ts";

/** Places inside of the image, on its border and beyond. */
const places = Array.from(randomNumbers(2 * 4 * 3 * 2, 5), (n) => 1.6 * n);

const gridSample = (mode: string, padding: string, isAligned: number, open = false): Case => ({
  op: "GridSample",
  title: `${mode}, ${padding}, align_corners ${isAligned}${open ? ", open sizes" : ""}`,
  ...(open ? { open: [2, 3, "H", "W"] } : { shape: image }),
  make: (b, x): Value =>
    b.op("GridSample", [x, b.constant(float32Tensor(places, [2, 4, 3, 2]), "grid")], {
      mode: string(mode),
      padding_mode: string(padding),
      align_corners: int(isAligned),
    }),
});

/** Regions of both samples: inside, over the border, far outside, and of no size. */
const regions = [0, 0, 4, 5, 1.3, 0.7, 3.9, 2.2, -3, -2, 2.5, 9, 20, 20, 30, 30, 2, 2, 2, 2];

const roiAlign = (transformation: string, points: number, scale: number): Case => ({
  op: "RoiAlign",
  title: `${transformation}, ${points} points, scale ${scale}`,
  shape: image,
  make: (b, x): Value => {
    const rois = b.constant(float32Tensor(regions, [5, 4]), "rois");
    const samples = b.constant(int64Tensor([0, 1, 1, 0, 1]), "samples");
    return b.op("RoiAlign", [x, rois, samples], {
      coordinate_transformation_mode: string(transformation),
      output_height: int(3),
      output_width: int(2),
      sampling_ratio: int(points),
      spatial_scale: float(scale),
    });
  },
});

export const samplingCases: readonly Case[] = [
  ...["bilinear", "nearest"].flatMap((mode) =>
    ["zeros", "border", "reflection"].flatMap((padding) =>
      [0, 1].map((isAligned) => gridSample(mode, padding, isAligned)),
    ),
  ),
  gridSample("bilinear", "zeros", 0, true),
  ...["half_pixel", "output_half_pixel"].flatMap((transformation) => [
    roiAlign(transformation, 1, 1),
    roiAlign(transformation, 2, 0.5),
    roiAlign(transformation, 3, 1.25),
  ]),
];
