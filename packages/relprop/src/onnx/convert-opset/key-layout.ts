/** Where the keys of GroupQueryAttention lie, and which of them a query sees. All positions are int64. */

import { type Node, int, numberAttribute } from "../graph.ts";
import { dataTypeCodes } from "../data-types.ts";
import { count, positionsUpTo, size } from "./attention-mask.ts";
import type { NodeWriter } from "./node-writer.ts";

interface Given {
  /** [N, positions, heads, size]. */
  readonly queries: string;
  /** The cache of keys that comes in, [N, heads, room, size]; "" is none. */
  readonly past: string;
  /** Places of the node's inputs. */
  readonly inputs: { readonly lengths: number; readonly total: number; readonly positions: number };
}

/** Behind all positions: a place of the cache that holds no key. */
const nowhere = 2 ** 40;

/**
 * Keys are the places of the cache that comes in, and then those of now. The node would write both into one cache; which
 * place holds which position makes no difference to attention, so that places without a key are hidden instead.
 */
export class KeyLayout {
  readonly #node: Node;
  readonly #write: NodeWriter;
  readonly #given: Given;
  /** Positions of now, [1]. */
  readonly #here: string;
  /** 0, 1, … of the positions of now. */
  readonly #steps: string;
  /** Of the longest text of the batch, [1]. */
  readonly #longest: string;
  /** Keys of each sample in all, and before those of now, [N, 1]. */
  readonly #total: string;
  readonly #before: string;
  /** The position of the first key in the cache that comes in, [N, 1]; undefined is 0. */
  readonly #first: string | undefined;
  /** Positions of the queries, [N, positions], and of the keys, [N, keys]. */
  readonly #queries: string;
  readonly #keys: string;

  constructor(node: Node, write: NodeWriter, given: Given) {
    this.#node = node;
    this.#write = write;
    this.#given = given;
    const { inputs, queries, past } = given;
    const long = (index: number, form: readonly number[]): string =>
      write.op("Reshape", [
        write.op("Cast", [node.inputs[index] ?? ""], { to: int(dataTypeCodes.int64) }),
        write.integers("form", form),
      ]);
    this.#total = write.op("Add", [long(inputs.lengths, [-1, 1]), write.integers("one", [1])]);
    this.#longest = long(inputs.total, [1]);
    this.#here = size(write, queries, 1);
    this.#steps = positionsUpTo(write, count(write, queries, 1));
    // A prompt may be shorter than the longest of its batch: what is behind its end is padding.
    const earlier = write.op("Sub", [this.#total, this.#here]);
    this.#before = write.op("Where", [this.#isPrompt(), write.integers("none", [0]), earlier]);
    this.#first =
      past === "" || !this.#isWindowed ? undefined : this.#firstKept(this.#before, size(write, past, 2));
    this.#queries = write.op("Add", [this.#before, this.#steps]);
    this.#keys = past === "" ? this.#queries : this.#keysAfter(past);
  }

  /** Positions by which keys and queries are turned, [N or 1, positions]. A prompt counts from its first position. */
  get angles(): string {
    const given = this.#node.inputs[this.#given.inputs.positions] ?? "";
    if (given === "") return this.#queries;
    const write = this.#write;
    const first = write.op("Gather", [
      write.op("Reshape", [given, write.integers("flat", [-1])]),
      write.integers("first", [0]),
    ]);
    return write.op("Where", [this.#isPrompt(), write.op("Add", [first, this.#steps]), given]);
  }

  /** Whether a query sees a key, [N, 1, positions, keys]. */
  get seen(): string {
    const write = this.#write;
    const axes = (...list: number[]): string => write.integers("axes", list);
    const key = write.op("Unsqueeze", [this.#keys, axes(1, 2)]);
    const query = write.op("Unsqueeze", [this.#queries, axes(1, 3)]);
    if (numberAttribute(this.#node, "causal", 1) === 0)
      return write.op("Less", [key, write.op("Unsqueeze", [this.#total, axes(1, 2)])]);
    const isEarlier = write.op("LessOrEqual", [key, query]);
    const window = numberAttribute(this.#node, "local_window_size", -1);
    if (window < 0) return isEarlier;
    const distance = write.op("Sub", [query, key]);
    const isNear = write.op("Less", [distance, write.integers("window", [window])]);
    return write.op("And", [isEarlier, isNear]);
  }

  /** The columns of a bias [N or 1, heads or 1, positions, longest], whose columns are positions, in the order of the keys. */
  columns(bias: string): string {
    if (this.#given.past === "") return bias;
    const write = this.#write;
    const last = write.op("Sub", [this.#longest, write.integers("one", [1])]);
    const index = write.op("Unsqueeze", [
      write.op("Min", [this.#keys, last]),
      write.integers("axes", [1, 2]),
    ]);
    const ones = (count: number): string =>
      write.integers(
        "ones",
        Array.from({ length: count }, () => 1),
      );
    const join = (...parts: string[]): string => write.op("Concat", parts, { axis: int(0) });
    const all = write.op("Expand", [bias, join(size(write, this.#keys, 0), ones(3))]);
    const middle = write.op("Shape", [bias], { start: int(1), end: int(3) });
    return write.op("GatherElements", [all, write.op("Expand", [index, join(ones(1), middle, ones(1))])], {
      axis: int(3),
    });
  }

  /** Writes the cache that goes out, from the keys (or values) of before and of now, [N, heads, keys, size]. */
  writeCache(all: string, output: string): void {
    const write = this.#write;
    const { past } = this.#given;
    if (past === "") {
      write.op("Identity", [all], {}, output);
      return;
    }
    const room = size(write, past, 2);
    const rows = this.#isWindowed ? room : write.op("Max", [room, this.#longest]);
    const row = positionsUpTo(write, write.op("Squeeze", [rows, write.integers("axis", [0])]));
    const position = this.#isWindowed
      ? write.op("Add", [row, this.#firstKept(this.#total, room)])
      : write.op("Add", [row, write.op("Mul", [this.#before, write.integers("zero", [0])])]);
    const isPast = write.op("Less", [position, this.#before]);
    const inPast = this.#first === undefined ? position : write.op("Sub", [position, this.#first]);
    const inNow = write.op("Add", [write.op("Sub", [position, this.#before]), room]);
    const place = write.op("Where", [isPast, inPast, inNow]);
    // Rows behind the last key hold what they like.
    const last = write.op("Sub", [size(write, all, 2), write.integers("one", [1])]);
    const inside = write.op("Min", [place, last]);
    const index = write.op("Unsqueeze", [inside, write.integers("axes", [1, 3])]);
    const one = write.integers("one", [1]);
    const form = write.op("Concat", [one, size(write, all, 1), one, size(write, all, 3)], { axis: int(0) });
    write.op("GatherElements", [all, write.op("Expand", [index, form])], { axis: int(2) }, output);
  }

  get #isWindowed(): boolean {
    return numberAttribute(this.#node, "sliding_window_cache", 0) !== 0;
  }

  /** Whether there is nothing before, [1]. */
  #isPrompt(): string {
    return this.#write.op("Equal", [this.#longest, this.#here]);
  }

  /** Positions of the keys of a cache, where it holds one, and of those of now. */
  #keysAfter(past: string): string {
    const write = this.#write;
    const places = positionsUpTo(write, count(write, past, 2));
    const positions = write.op("Add", [places, this.#first ?? write.integers("zero", [0])]);
    const holds = write.op("Less", [positions, this.#before]);
    const known = write.op("Where", [holds, positions, write.integers("nowhere", [nowhere], [])]);
    return write.op("Concat", [known, this.#queries], { axis: int(1) });
  }

  /**
   * The position of the first key that a cache with room for C holds of T, where W are seen: T − L with
   * L = T − G ⌈(T − C) / G⌉ and G = C − W + 1, or T where all fit.
   */
  #firstKept(T: string, C: string): string {
    const write = this.#write;
    const window = numberAttribute(this.#node, "local_window_size", 0);
    const one = write.integers("one", [1]);
    const G = write.op("Max", [write.op("Sub", [C, write.integers("window", [window - 1])]), one]);
    const over = write.op("Max", [write.op("Sub", [T, C]), write.integers("zero", [0])]);
    const steps = write.op("Div", [write.op("Add", [over, write.op("Sub", [G, one])]), G]);
    return write.op("Mul", [steps, G]);
  }
}
