/** The bias that Attention adds to its scores: its mask input, and masks of causality, windows and padding. */

import { type DataType, type Node, int, numberAttribute } from "../graph.ts";
import { numbersOf } from "../tensor.ts";
import type { Conversion } from "./conversion.ts";
import type { NodeWriter } from "./node-writer.ts";

/** The bias of an Attention, as names of values. */
export interface Bias {
  /** −∞ where a query does not see a key. */
  readonly value: string;
  /** `value` with 0 in rows that are −∞ everywhere, whose softmax would be 0/0; undefined if there are none. */
  readonly safe?: string;
  /** True for those rows, whose result is 0. */
  readonly seesNone?: string;
}

interface Scores {
  /** [N, heads, positions, size]. */
  readonly queries: string;
  /** Including those of the past. */
  readonly keys: string;
  /** "" if there is no past. */
  readonly pastKeys: string;
  readonly dataType: DataType;
}

/** The bias of a node, or undefined if every query sees every key. */
export function attentionBias(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  scores: Scores,
): Bias | undefined {
  const given = givenMask(node, to, write, scores);
  const seen = seenKeys(node, write, scores);
  if (given === undefined && seen === undefined) return undefined;
  const hidden = seen && write.op("Where", [seen.allowed, 0, -Infinity]);
  const value = given && hidden ? write.op("Add", [given.bias, hidden]) : (given?.bias ?? hidden ?? "");
  // Two masks that each show a query some key may together show it none.
  const mayHideAll = given && seen ? true : (given ?? seen)?.mayHideAll;
  if (!mayHideAll) return { value };
  const best = write.op("ReduceMax", [value], { axes: { type: "ints", value: [-1] }, keepdims: int(1) });
  const seesNone = write.op("Equal", [best, -Infinity]);
  return { value, seesNone, safe: write.op("Where", [seesNone, 0, value]) };
}

/** The mask input as a bias: booleans become 0 and −∞, and keys beyond its end are hidden. */
function givenMask(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  { keys }: Scores,
): { readonly bias: string; readonly mayHideAll: boolean } | undefined {
  const name = node.inputs[3];
  if (!name) return undefined;
  const shape = to.shape(node, 3);
  const isYesOrNo = to.info(name)?.dataType === "bool";
  const bias = isYesOrNo ? write.op("Where", [name, 0, -Infinity]) : name;
  const [length, all] = [shape.at(-1), write.info(keys)?.shape[2]];
  const mayHideAll = hidesSomeRow(to, name, isYesOrNo);
  if (length === all) return { bias, mayHideAll };
  const last = { start: int(shape.length - 1), end: int(shape.length) };
  const missing = write.op("Sub", [size(write, keys, 2), write.op("Shape", [bias], last)]);
  const zeros = write.integers(
    "none",
    Array.from({ length: 2 * shape.length - 1 }, () => 0),
  );
  const pads = write.op("Concat", [zeros, missing], { axis: int(0) });
  return { bias: write.op("Pad", [bias, pads, -Infinity]), mayHideAll };
}

/** Whether a row of the mask may hide all keys; false only if the mask is constant and no row does. */
function hidesSomeRow(to: Conversion, name: string, isYesOrNo: boolean): boolean {
  const constant = to.info(name)?.constant;
  const length = constant?.dims.at(-1) ?? 0;
  if (!constant || length === 0) return true;
  const numbers = numbersOf(constant);
  for (let start = 0; start < numbers.length; start += length) {
    let isSeen = false;
    for (let i = start; i < start + length && !isSeen; i++)
      isSeen = isYesOrNo ? numbers[i] !== 0 : numbers[i] !== -Infinity;
    if (!isSeen) return true;
  }
  return false;
}

/** The size of an axis, [1]. */
export const size = (write: NodeWriter, value: string, axis: number): string =>
  write.op("Shape", [value], { start: int(axis), end: int(axis + 1) });

/** The size of an axis, []. */
export const count = (write: NodeWriter, value: string, axis: number): string =>
  write.op("Squeeze", [size(write, value, axis), write.integers("axis", [0])]);

/** 0, 1, … up to a number, exclusive. */
export const positionsUpTo = (write: NodeWriter, end: string): string =>
  write.op("Range", [write.integers("zero", [0], []), end, write.integers("one", [1], [])]);

/**
 * The keys that each query sees by its position: those before it (`is_causal`), those near it (`left_window_size`,
 * `right_window_size`), and no padding (`nonpad_kv_seqlen`). The position of a query counts from the beginning of the past.
 */
function seenKeys(
  node: Node,
  write: NodeWriter,
  { queries, keys, pastKeys }: Scores,
): { readonly allowed: string; readonly mayHideAll: boolean } | undefined {
  const isCausal = numberAttribute(node, "is_causal", 0) !== 0;
  const left = numberAttribute(node, "left_window_size", -1);
  const right = numberAttribute(node, "right_window_size", -1);
  const lengths = node.inputs[6] ?? "";
  if (!isCausal && left < 0 && right < 0 && lengths === "") return undefined;

  const key = positionsUpTo(write, count(write, keys, 2));
  const perSample = (value: string): string =>
    write.op("Reshape", [value, write.integers("sample", [-1, 1, 1, 1])]);
  const tests: string[] = [];
  if (isCausal || left >= 0 || right >= 0) {
    const index = write.op("Unsqueeze", [
      positionsUpTo(write, count(write, queries, 2)),
      write.integers("axis", [1]),
    ]);
    const offset = lengths
      ? perSample(write.op("Sub", [lengths, size(write, queries, 2)]))
      : pastKeys
        ? size(write, pastKeys, 2)
        : undefined;
    const position = offset === undefined ? index : write.op("Add", [index, offset]);
    const ahead = write.op("Sub", [key, position]);
    const test = (opType: "LessOrEqual" | "GreaterOrEqual", bound: number): void => {
      tests.push(write.op(opType, [ahead, write.integers("bound", [bound], [])]));
    };
    if (isCausal) test("LessOrEqual", 0);
    if (left >= 0) test("GreaterOrEqual", -left);
    if (right >= 0) test("LessOrEqual", right);
  }
  if (lengths !== "") tests.push(write.op("Less", [key, perSample(lengths)]));
  const allowed = tests.reduce((all, test) => write.op("And", [all, test]));
  // A query sees the key of its own position, unless that is padding, or beyond the last key of a window.
  const hasOwnKey = write.info(queries)?.shape[2] === write.info(keys)?.shape[2];
  const isWindowed = left >= 0 || right >= 0;
  return { allowed, mayHideAll: lengths !== "" || (isWindowed && !hasOwnKey) };
}
