/** The masks of com.microsoft's attention: which keys a query sees, as numbers that are added to its scores. */

import { type Dim, type Node, int, numberAttribute } from "../graph.ts";
import { dataTypeCodes } from "../data-types.ts";
import type { Bias } from "./attention-mask.ts";
import { count, positionsUpTo, size } from "./attention-mask.ts";
import type { Conversion } from "./conversion.ts";
import type { NodeWriter } from "./node-writer.ts";

/** The lowest numbers of float32 and float16. ONNX Runtime hides keys by them, not by −∞. */
const lowest = { float32: -3.4028234663852886e38, float16: -65504 };

/** What a mask is about, as names of values. */
export interface Masked {
  /** [N, heads, positions, size]. */
  readonly queries: string;
  /** Including those of the past. */
  readonly keys: string;
  /** Which input of the node the mask is; its forms are listed at {@link seenByMask}. */
  readonly mask: number;
}

/**
 * The bias of Attention and MultiHeadAttention: `mask_filter_value` at padding, and the lowest number behind a query's own
 * position if the node is unidirectional. Rows that see nothing share equally, as in ONNX Runtime.
 */
export function maskBias(node: Node, to: Conversion, write: NodeWriter, masked: Masked): Bias | undefined {
  const isHalf = to.info(node.inputs[0])?.dataType === "float16";
  const least = isHalf ? lowest.float16 : lowest.float32;
  const filter = Math.max(least, numberAttribute(node, "mask_filter_value", -10000));
  const seen = seenByMask(node, to, write, masked);
  const padding = seen && write.op("Where", [seen, 0, filter]);
  if (numberAttribute(node, "unidirectional", 0) === 0) return padding ? { value: padding } : undefined;
  const queries = count(write, masked.queries, 2);
  const past = write.op("Sub", [count(write, masked.keys, 2), queries]);
  const own = write.op("Add", [positionsUpTo(write, queries), past]);
  const earlier = write.op("LessOrEqual", [
    positionsUpTo(write, count(write, masked.keys, 2)),
    write.op("Unsqueeze", [own, write.integers("axis", [1])]),
  ]);
  return { value: write.op("Where", [earlier, padding ?? 0, least]) };
}

/**
 * Whether a key is no padding, as booleans that are broadcast to [N, heads, positions, keys]. The mask is one of
 * - [N, keys], [N, positions, keys] or [N, 1, M, M] with 1 where a key is seen;
 * - [N]: the key after the last one that is seen; [2N]: those, and then the first ones; [3N + 2]: those, and offsets.
 */
function seenByMask(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  { queries, keys, mask }: Masked,
): string | undefined {
  const name = node.inputs[mask] ?? "";
  if (name === "") return undefined;
  const shape = to.shape(node, mask);
  const isSeen = (value: string): string =>
    write.op("Greater", [
      write.op("Cast", [value], { to: int(dataTypeCodes.int64) }),
      write.integers("none", [0], []),
    ]);
  switch (shape.length) {
    case 1:
      return betweenEnds(write, name, shape, keys, write.info(queries)?.shape[0]);
    case 2:
      return write.op("Unsqueeze", [isSeen(name), write.integers("axes", [1, 2])]);
    case 3:
      return write.op("Unsqueeze", [isSeen(name), write.integers("axes", [1])]);
    case 4: {
      // The rows of the last positions, and the first columns.
      const all = size(write, keys, 2);
      const first = write.op("Sub", [all, size(write, queries, 2)]);
      const rows = write.op("Slice", [isSeen(name), first, all, write.integers("axis", [2])]);
      return write.op("Slice", [rows, write.integers("zero", [0]), all, write.integers("axis", [3])]);
    }
    default:
      throw to.refuse(node, `its mask has ${shape.length} axes`, "export the model without a fused mask");
  }
}

/** Keys from the first one up to the last one of each sample. */
function betweenEnds(
  write: NodeWriter,
  mask: string,
  [length]: readonly Dim[],
  keys: string,
  samples: Dim | undefined,
): string {
  const key = positionsUpTo(write, count(write, keys, 2));
  const long = write.op("Cast", [mask], { to: int(dataTypeCodes.int64) });
  const perSample = (value: string): string =>
    write.op("Reshape", [value, write.integers("sample", [-1, 1, 1, 1])]);
  if (length === samples) return write.op("Less", [key, perSample(long)]);
  const [zero, N] = [write.integers("zero", [0]), size(write, keys, 0)];
  const hasOffsets = typeof length === "number" && typeof samples === "number" && length === 3 * samples + 2;
  const last = write.op("Less", [key, perSample(write.op("Slice", [long, zero, N]))]);
  if (hasOffsets) return last;
  // Without first keys, the zeros behind the mask stand for them.
  const zeros = write.op("Expand", [zero, N]);
  const padded = write.op("Concat", [long, zeros], { axis: int(0) });
  const firsts = write.op("Slice", [padded, N, write.op("Add", [N, N])]);
  return write.op("And", [last, write.op("GreaterOrEqual", [key, perSample(firsts)])]);
}
