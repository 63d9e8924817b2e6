/** What all operators of attention share: heads, scores, softmax, weighted values. */

import { type Node, int, ints } from "../graph.ts";
import type { Bias } from "./attention-mask.ts";
import type { Conversion } from "./conversion.ts";
import type { NodeWriter } from "./node-writer.ts";

/** Queries, keys and values as [N, heads, positions, size]. Several heads of queries may share one of keys and values. */
export interface Heads {
  readonly queries: string;
  readonly keys: string;
  readonly values: string;
}

/** How scores become weights. */
export interface Scoring {
  /** The node's attribute; 0 or undefined is 1/√size. */
  readonly scale: number | undefined;
  /** c in c · tanh(score / c); 0 is none. */
  readonly cap: number;
  /** Added to the scores, in this order: a mask is the last. */
  readonly biases: readonly (Bias | undefined)[];
  /** One more score for each row, [1, heads, 1, 1], whose weight goes to no value. */
  readonly sink?: string | undefined;
  /** Softmax along the last axis. */
  readonly softmax?: (scores: string) => string;
}

/** All that operators give out besides the result. */
export interface Attended {
  /** The result, [N, heads, positions, size]. */
  readonly rows: string;
  readonly raw: string;
  readonly capped: string;
  readonly biased: string;
  readonly weights: string;
}

/** [N, positions, heads · size] -> [N, positions, heads, size]. */
export const splitHeads = (write: NodeWriter, value: string, heads: number): string =>
  write.op("Reshape", [value, write.integers("heads", [0, 0, heads, -1])]);

/** [N, positions, heads, size] <-> [N, heads, positions, size]. */
export const swapHeads = (write: NodeWriter, value: string, output?: string): string =>
  write.op("Transpose", [value], { perm: ints([0, 2, 1, 3]) }, output);

/** [N, positions, heads · size] -> [N, heads, positions, size]. */
export const perHead = (write: NodeWriter, value: string, heads: number): string =>
  swapHeads(write, splitHeads(write, value, heads));

/** [N, heads, positions, size] -> [N, positions, heads · size]. */
export const joinHeads = (write: NodeWriter, rows: string, output?: string): string =>
  write.op("Reshape", [swapHeads(write, rows), write.integers("joined", [0, 0, -1])], {}, output);

/** The values of the past before those of now, along the positions of [N, heads, positions, size]. */
export const append = (write: NodeWriter, past: string, now: string): string =>
  past === "" ? now : write.op("Concat", [past, now], { axis: int(2) });

/** Repeats heads of keys or values that several heads of queries share. */
function spread(node: Node, to: Conversion, write: NodeWriter, queries: string, few: string): string {
  const [many, some] = [write.info(queries)?.shape[1], write.info(few)?.shape[1]];
  if (many === some) return few;
  if (typeof many !== "number" || typeof some !== "number" || many % some !== 0) {
    throw to.refuse(node, `its ${many} heads of queries cannot share ${some} heads of keys`);
  }
  const owners = Array.from({ length: many }, (_, head) => Math.floor((head * some) / many));
  return write.op("Gather", [few, write.integers("owners", owners)], { axis: int(1) });
}

/** The softmax with one more score for each row, without that score's own weight. */
function softmaxBeside(write: NodeWriter, scores: string, sink: string): string {
  const rows = write.op("Shape", [scores], { start: int(0), end: int(-1) });
  const form = write.op("Concat", [rows, write.integers("one", [1])], { axis: int(0) });
  const column = write.op("Expand", [sink, form]);
  const all = write.op("Softmax", [write.op("Concat", [scores, column], { axis: int(-1) })], {
    axis: int(-1),
  });
  const [from, end, axis] = [[0], [-1], [-1]].map((list) => write.integers("without", list));
  return write.op("Slice", [all, from ?? "", end ?? "", axis ?? ""]);
}

/**
 * softmax(cap · tanh(scale · Q Kᵀ / cap) + bias) V, per head, by default as a new value. The scale multiplies Q; ai.onnx multiplies Q and K by √scale,
 * and ONNX Runtime multiplies their product, which differ in rounding only.
 */
export function attend(
  node: Node,
  to: Conversion,
  write: NodeWriter,
  { queries, keys, values }: Heads,
  scoring: Scoring,
  output?: string,
): Attended {
  const size = write.info(queries)?.shape[3];
  if (typeof size !== "number" && !scoring.scale) {
    throw to.refuse(node, "neither its scale nor the size of its heads is known");
  }
  const scale = scoring.scale || 1 / Math.sqrt(Number(size));
  const scaled = scale === 1 ? queries : write.op("Mul", [queries, scale]);
  const turned = write.op("Transpose", [spread(node, to, write, queries, keys)], {
    perm: ints([0, 1, 3, 2]),
  });
  const raw = write.op("MatMul", [scaled, turned]);
  const { cap, sink } = scoring;
  const capped = cap === 0 ? raw : write.op("Mul", [write.op("Tanh", [write.op("Div", [raw, cap])]), cap]);
  const [biases, mask] = splitMask(scoring.biases);
  const added = biases.reduce((sum, { value }) => write.op("Add", [sum, value]), capped);
  const biased = mask ? write.op("Add", [added, mask.value]) : added;
  const safe = mask?.safe === undefined ? biased : write.op("Add", [added, mask.safe]);
  const softmax = scoring.softmax ?? ((scores) => write.op("Softmax", [scores], { axis: int(-1) }));
  const soft = sink === undefined ? softmax(safe) : softmaxBeside(write, safe, sink);
  const weights = mask?.seesNone === undefined ? soft : write.op("Where", [mask.seesNone, 0, soft]);
  const rows = write.op("MatMul", [weights, spread(node, to, write, queries, values)], {}, output);
  return { rows, raw, capped, biased, weights };
}

/** What is added, and the last of it, which may hide whole rows. */
function splitMask(given: readonly (Bias | undefined)[]): [Bias[], Bias | undefined] {
  const biases = given.filter((bias) => bias !== undefined);
  return [biases.slice(0, -1), biases.at(-1)];
}
