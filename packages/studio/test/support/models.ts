/** Small networks as .onnx files: what is dropped on the studio. */

import {
  concatChunks,
  float32Tensor,
  int,
  ints,
  writeModel,
  type Node,
  type Tensor,
  type Value,
} from "@relprop/core/onnx";

const weights = (dims: readonly number[], seed: number): Tensor => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const values = Float32Array.from({ length: size }, (_, i) => Math.sin(seed + i * i) / Math.sqrt(size));
  return float32Tensor(values, dims);
};

const node = (
  opType: string,
  inputs: string[],
  output: string,
  attributes: Node["attributes"] = {},
): Node => ({
  name: output,
  opType,
  domain: "",
  inputs,
  outputs: [output],
  attributes,
});

function file(
  inputs: readonly Value[],
  classes: number,
  nodes: readonly Node[],
  initializers: ReadonlyMap<string, Tensor>,
): Uint8Array<ArrayBuffer> {
  const { chunks } = writeModel({
    irVersion: 8,
    opsets: { "": 17 },
    producer: "test",
    metadata: {},
    graph: {
      name: "test",
      inputs: [...inputs],
      outputs: [{ name: "y", dataType: "float32", shape: [1, classes] }],
      initializers: new Map(initializers),
      nodes: [...nodes],
    },
  });
  return new Uint8Array(concatChunks(chunks));
}

/** A convolution, a mean, a softmax over classes: takes pictures [1, channels, side, side]. */
export function pictureModel({
  channels = 3,
  side = 64,
  classes = 4,
  seed = 1,
}: {
  readonly channels?: number;
  readonly side?: number;
  readonly classes?: number;
  readonly seed?: number;
} = {}): Uint8Array<ArrayBuffer> {
  const inner = 8;
  return file(
    [{ name: "x", dataType: "float32", shape: [1, channels, side, side] }],
    classes,
    [
      node("Conv", ["x", "first"], "conv", { pads: ints([1, 1, 1, 1]) }),
      node("Relu", ["conv"], "relu"),
      node("GlobalAveragePool", ["relu"], "pool"),
      node("Flatten", ["pool"], "flat"),
      node("Gemm", ["flat", "last"], "logits"),
      node("Softmax", ["logits"], "y", { axis: int(-1) }),
    ],
    new Map([
      ["first", weights([inner, channels, 3, 3], seed)],
      ["last", weights([inner, classes], seed + 1)],
    ]),
  );
}

/** Token ids [1, 8] through a table of vectors to two classes. */
export function textModel(): Uint8Array<ArrayBuffer> {
  return file(
    [{ name: "input_ids", dataType: "int64", shape: [1, 8] }],
    2,
    [
      node("Gather", ["table", "input_ids"], "vectors"),
      node("Flatten", ["vectors"], "flat"),
      node("Gemm", ["flat", "last"], "y"),
    ],
    new Map([
      ["table", weights([30, 4], 1)],
      ["last", weights([32, 2], 2)],
    ]),
  );
}
