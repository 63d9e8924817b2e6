/** Replaces RotaryEmbedding (23), which rotates pairs of elements by the angle of their position (Su et al. 2021). */

import { int, ints, numberAttribute } from "../graph.ts";
import type { Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/**
 * y = (x₁ cos − x₂ sin, x₁ sin + x₂ cos), where x₁ and x₂ are the halves (or the even and odd elements) of each head. The
 * tables of cos and sin are usually constants, so these are products with constants.
 */
export const rotaryEmbedding: Converter = (node, to) => {
  const [x = "", cosines = "", sines = "", positions = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const rank = to.shape(node, 0).length;
  const heads = numberAttribute(node, "num_heads", 0);
  if (rank !== 4 && heads === 0) throw to.refuse(node, "it does not say how many heads it has");
  // From here on: [N, positions, heads, size].
  const split =
    rank === 4
      ? write.op("Transpose", [x], { perm: ints([0, 2, 1, 3]) })
      : write.op("Reshape", [x, write.integers("heads", [0, 0, heads, -1])]);
  const size = write.info(split)?.shape[3];
  if (typeof size !== "number") throw to.refuse(node, "the size of its heads is unknown");
  const turned = numberAttribute(node, "rotary_embedding_dim", 0) || size;
  const half = turned / 2;
  const last = { axis: int(-1) };
  const [moving = "", rest = ""] =
    turned < size
      ? write.ops("Split", [split, write.integers("parts", [turned, size - turned])], last, 2)
      : [split, ""];
  const tableOf = (cache: string): string => {
    const rows = positions === "" ? cache : write.op("Gather", [cache, positions], { axis: int(0) });
    return write.op("Unsqueeze", [rows, write.integers("axis", [2])]);
  };
  const [cos, sin] = [tableOf(cosines), tableOf(sines)];
  const isInterleaved = numberAttribute(node, "interleaved", 0) !== 0;
  const pairs = isInterleaved
    ? write.op("Reshape", [moving, write.integers("pairs", [0, 0, 0, half, 2])])
    : moving;
  const sizes = write.integers("halves", isInterleaved ? [1, 1] : [half, half]);
  const squeeze = (part: string): string =>
    isInterleaved ? write.op("Squeeze", [part, write.integers("axis", [-1])]) : part;
  const [first = "", second = ""] = write.ops("Split", [pairs, sizes], last, 2).map(squeeze);
  const real = write.op("Sub", [write.op("Mul", [first, cos]), write.op("Mul", [second, sin])]);
  const imaginary = write.op("Add", [write.op("Mul", [first, sin]), write.op("Mul", [second, cos])]);
  const unsqueeze = (part: string): string =>
    isInterleaved ? write.op("Unsqueeze", [part, write.integers("axis", [-1])]) : part;
  const joined = write.op("Concat", [unsqueeze(real), unsqueeze(imaginary)], last);
  const rotated = isInterleaved
    ? write.op("Reshape", [joined, write.integers("whole", [0, 0, 0, turned])])
    : joined;
  const whole = rest === "" ? rotated : write.op("Concat", [rotated, rest], last);
  if (rank === 4) write.op("Transpose", [whole], { perm: ints([0, 2, 1, 3]) }, node.outputs[0]);
  else write.op("Reshape", [whole, write.integers("joined", [0, 0, -1])], {}, node.outputs[0]);
  return write.nodes;
};
