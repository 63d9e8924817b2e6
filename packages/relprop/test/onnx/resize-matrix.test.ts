/** The matrices of Resize against ONNX Runtime's own kernels: every mode, coordinate, rounding and border. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  concatChunks,
  float,
  float32Tensor,
  GraphBuilder,
  int,
  int64Tensor,
  string,
  writeModel,
  type Attributes,
  type Node,
} from "../../src/onnx/index.ts";
import { resamplingOf, resizeMatrix, type Resampling } from "../../src/onnx/resize-matrix.ts";
import { randomNumbers } from "../support/run.ts";

const transformations = ["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"];
const roundings = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

/** From sizes to sizes; undefined factors are those of the sizes. */
const geometries: { from: [number, number]; to: [number, number]; by?: [number, number] }[] = [
  { from: [5, 4], to: [10, 12] },
  { from: [7, 9], to: [3, 4] },
  { from: [6, 5], to: [1, 13] },
  { from: [16, 20], to: [24, 35] },
  { from: [4, 6], to: [9, 4], by: [2.3, 0.7] },
  { from: [6, 5], to: [9, 3], by: [1.5, 0.6] },
];

interface Kind {
  readonly title: string;
  readonly attributes: Attributes;
}

const nearest = (transformation: string): Kind[] =>
  roundings.map((rounding) => {
    const mode = { mode: string("nearest"), nearest_mode: string(rounding) };
    const coordinate = { coordinate_transformation_mode: string(transformation) };
    return { title: `nearest, ${transformation}, ${rounding}`, attributes: Object.assign(coordinate, mode) };
  });

const weighted = (transformation: string): Kind[] => {
  const coordinate = { coordinate_transformation_mode: string(transformation) };
  const cubic = { ...coordinate, mode: string("cubic") };
  return [
    { title: `linear, ${transformation}`, attributes: { ...coordinate, mode: string("linear") } },
    { title: `cubic, ${transformation}`, attributes: cubic },
    {
      title: `cubic, ${transformation}, a = −0.5, nothing from outside`,
      attributes: { ...cubic, cubic_coeff_a: float(-0.5), exclude_outside: int(1) },
    },
  ];
};

const kinds = transformations.flatMap((each) => nearest(each).concat(weighted(each)));

async function byRuntime(
  attributes: Attributes,
  { from, to, by }: (typeof geometries)[number],
  x: Float32Array,
): Promise<ort.Tensor> {
  const b = new GraphBuilder();
  const input = b.input("x", "float32", [1, 1, ...from]);
  const scales = by && b.constant(float32Tensor([1, 1, ...by], [4]), "scales");
  const sizes = by ? undefined : b.constant(int64Tensor([1, 1, ...to]), "sizes");
  b.output(
    b.like({ opType: "Resize", attributes }, [input, undefined, scales, ...(sizes ? [sizes] : [])]),
    "y",
  );
  const model = {
    irVersion: 8,
    opsets: { "": 17 },
    producer: "test",
    metadata: {},
    graph: b.graph("resize"),
  };
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks));
  const results = await session.run({ x: new ort.Tensor("float32", x, [1, 1, ...from]) });
  await session.release();
  return results["y"] as ort.Tensor;
}

/** A_h x A_wᵀ */
function byMatrices(
  how: Resampling,
  { from, to, by }: (typeof geometries)[number],
  x: Float32Array,
): number[] {
  const [rows, columns] = [0, 1].map((axis) => {
    const [input, output] = [from[axis] as number, to[axis] as number];
    return resizeMatrix(how, { input, output, scale: by?.[axis] ?? output / input });
  }) as [Float32Array, Float32Array];
  return Array.from({ length: to[0] * to[1] }, (_, at) => {
    const [i, j] = [Math.floor(at / to[1]), at % to[1]];
    let sum = 0;
    for (let h = 0; h < from[0]; h++) {
      for (let w = 0; w < from[1]; w++) {
        const weight = (rows[i * from[0] + h] as number) * (columns[j * from[1] + w] as number);
        sum += weight * (x[h * from[1] + w] as number);
      }
    }
    return sum;
  });
}

const nodeOf = (attributes: Attributes): Node => ({
  name: "resize",
  opType: "Resize",
  domain: "",
  inputs: ["x"],
  outputs: ["y"],
  attributes,
});

describe("a Resize is its matrices", () => {
  it.each(kinds.map(({ title, attributes }) => [title, attributes] as const))(
    "%s",
    async (_title, attributes) => {
      for (const geometry of geometries) {
        const x = randomNumbers(geometry.from[0] * geometry.from[1], 7);
        const y = await byRuntime(attributes, geometry, x);
        expect(y.dims).toEqual([1, 1, ...geometry.to]);
        const ours = byMatrices(resamplingOf(nodeOf(attributes)) as Resampling, geometry, x);
        const distance = Math.max(
          ...ours.map((n, i) => Math.abs(n - ((y.data as Float32Array)[i] as number))),
        );
        expect(distance, JSON.stringify(geometry)).toBeLessThan(2e-5);
      }
    },
  );

  it("but for one that crops", () => {
    const crop = { coordinate_transformation_mode: string("tf_crop_and_resize") };
    expect(resamplingOf(nodeOf(crop))).toBeUndefined();
  });
});
