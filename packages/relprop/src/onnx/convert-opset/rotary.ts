/** Replaces RotaryEmbedding, which rotates pairs of elements by the angle of their position (Su et al. 2021). */

import { type Node, int, numberAttribute } from "../graph.ts";
import { splitHeads, swapHeads } from "./attend.ts";
import { count, positionsUpTo } from "./attention-mask.ts";
import type { Conversion, Converter } from "./conversion.ts";
import { NodeWriter } from "./node-writer.ts";

/** The angles of a rotation, and how it goes. */
export interface Rotation {
  /** Cosines and sines of each position, [N or 1, positions, turned / 2]. */
  readonly cosines: string;
  readonly sines: string;
  /** Elements of each head that are turned; the others stay. undefined is all. */
  readonly turned: number | undefined;
  /** Whether pairs are even and odd elements, not halves. */
  readonly isInterleaved: boolean;
}

/**
 * y = (x₁ cos − x₂ sin, x₁ sin + x₂ cos), where x₁ and x₂ are the halves (or the even and odd elements) of each head. The
 * tables of cos and sin are usually constants, so these are products with constants.
 * @param x [N, positions, heads, size], as what is returned
 */
export function rotated(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  x: string,
  { cosines, sines, isInterleaved, turned: asked }: Rotation,
): string {
  const size = write.info(x)?.shape[3];
  if (typeof size !== "number") throw to.refuse(node, "the size of its heads is unknown");
  const turned = asked || size;
  const half = turned / 2;
  const last = { axis: int(-1) };
  const [moving = "", rest = ""] =
    turned < size
      ? write.ops("Split", [x, write.integers("parts", [turned, size - turned])], last, 2)
      : [x, ""];
  const [cos, sin] = [cosines, sines].map((rows) =>
    write.op("Unsqueeze", [rows, write.integers("axis", [2])]),
  ) as [string, string];
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
  return rest === "" ? rotated : write.op("Concat", [rotated, rest], last);
}

/** The rows of a table of cosines or sines at positions [N, positions]. */
export const rowsAt = (write: NodeWriter, table: string, positions: string): string =>
  write.op("Gather", [table, positions], { axis: int(0) });

/** Rotates [N, positions, heads · size] or [N, heads, positions, size], and writes the node's output. */
function rotateInput(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  heads: number,
  rotation: Omit<Rotation, "isInterleaved">,
): void {
  const [x = ""] = node.inputs;
  const isPerHead = to.shape(node, 0).length === 4;
  if (!isPerHead && heads === 0) throw to.refuse(node, "it does not say how many heads it has");
  const split = isPerHead ? swapHeads(write, x) : splitHeads(write, x, heads);
  const isInterleaved = numberAttribute(node, "interleaved", 0) !== 0;
  const whole = rotated(node, to, write, split, { ...rotation, isInterleaved });
  if (isPerHead) swapHeads(write, whole, node.outputs[0]);
  else write.op("Reshape", [whole, write.integers("joined", [0, 0, -1])], {}, node.outputs[0]);
}

/** RotaryEmbedding of ai.onnx (23). */
export const rotaryEmbedding: Converter = (node, to) => {
  const [, cosines = "", sines = "", positions = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const rows = (table: string): string => (positions === "" ? table : rowsAt(write, table, positions));
  rotateInput(node, to, write, numberAttribute(node, "num_heads", 0), {
    cosines: rows(cosines),
    sines: rows(sines),
    turned: numberAttribute(node, "rotary_embedding_dim", 0),
  });
  return write.nodes;
};

/**
 * RotaryEmbedding of com.microsoft: the tables say how many elements are turned. A single position is that of the first
 * token of each text.
 */
export const contribRotaryEmbedding: Converter = (node, to) => {
  const [x = "", given = "", cosines = "", sines = ""] = node.inputs;
  const write = new NodeWriter(node, to);
  const shape = to.shape(node, 0);
  const half = to.shape(node, 2)[1];
  const turned = typeof half === "number" ? 2 * half : numberAttribute(node, "rotary_embedding_dim", 0);
  const width = shape[2];
  const heads =
    numberAttribute(node, "num_heads", 0) || (typeof width === "number" && turned > 0 ? width / turned : 0);
  const isOne = to.shape(node, 1).length === 1;
  const steps = isOne ? positionsUpTo(write, count(write, x, shape.length === 4 ? 2 : 1)) : "";
  const positions = isOne
    ? write.op("Unsqueeze", [write.op("Add", [steps, given]), write.integers("axis", [0])])
    : given;
  const [cos, sin] = [rowsAt(write, cosines, positions), rowsAt(write, sines, positions)];
  rotateInput(node, to, write, heads, { cosines: cos, sines: sin, turned });
  return write.nodes;
};
