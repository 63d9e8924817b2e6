/** A network that takes long enough to run that it can be seen whether something else waits for it. */

import {
  concatChunks,
  float32Tensor,
  ints,
  writeModel,
  type Node,
  type Tensor,
  type Value,
} from "@relprop/core/onnx";

const layers = 40;
const channels = 64;
const side = 64;

const weights = (dims: readonly number[]): Tensor => {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const spread = Math.sqrt(2 / (size / (dims[0] ?? 1)));
  return float32Tensor(
    Float32Array.from({ length: size }, (_, i) => spread * Math.sin(i * i + 1)),
    dims,
  );
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

const value = (name: string, shape: number[]): Value => ({ name, dataType: "float32", shape });

/** [1, 3, 64, 64] through forty 3×3 convolutions, all with the same weights, to ten classes: .onnx bytes, < 1 MB. */
export function slowModel(): Uint8Array {
  const pads = { pads: ints([1, 1, 1, 1]) };
  const nodes: Node[] = [node("Conv", ["x", "first"], "z0", pads), node("Relu", ["z0"], "a0")];
  for (let layer = 1; layer <= layers; layer++) {
    nodes.push(
      node("Conv", [`a${layer - 1}`, "inner"], `z${layer}`, pads),
      node("Relu", [`z${layer}`], `a${layer}`),
    );
  }
  nodes.push(
    node("GlobalAveragePool", [`a${layers}`], "pooled"),
    node("Flatten", ["pooled"], "flat"),
    node("Gemm", ["flat", "last"], "y"),
  );
  const { chunks } = writeModel({
    irVersion: 8,
    opsets: { "": 17 },
    producer: "test",
    metadata: {},
    graph: {
      name: "slow",
      inputs: [value("x", [1, 3, side, side])],
      outputs: [value("y", [1, 10])],
      initializers: new Map([
        ["first", weights([channels, 3, 3, 3])],
        ["inner", weights([channels, channels, 3, 3])],
        ["last", weights([channels, 10])],
      ]),
      nodes,
    },
  });
  return concatChunks(chunks);
}
