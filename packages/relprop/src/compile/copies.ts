/** Values for K maps of each sample, [K·N, …], by the names of those for one. */

import { fixedDims, type Node, type Value } from "../onnx/graph.ts";
import { ownerOf } from "../onnx/owners.ts";
import type { Row } from "../relevance/row-kinds.ts";
import { prefix } from "./copied-node.ts";
import type { MapCount } from "./forward-values.ts";

/** R ⊙ f with an f that is the same for all maps, before it is computed. */
interface Waiting {
  /** Name of R. */
  readonly of: string;
  /** f, [N, …]. */
  readonly factor: Value;
  readonly node: Node;
}

/**
 * Factors of the forward pass wait until another operator needs the product, so that of `R ⊙ x / S(z)` only one product runs on
 * all maps: x / S(z) is computed once.
 */
export class Copies {
  readonly #count: MapCount;
  readonly #values = new Map<string, Value>();
  readonly #waiting = new Map<string, Waiting>();

  constructor(count: MapCount) {
    this.#count = count;
  }

  has = (name: string): boolean => this.#values.has(name) || this.#waiting.has(name);

  set(name: string, value: Value): void {
    this.#values.set(name, value);
  }

  get(name: string): Value | undefined {
    const waiting = this.#waiting.get(name);
    if (waiting && !this.#values.has(name)) this.#values.set(name, this.#multiplied(waiting));
    return this.#values.get(name);
  }

  /** Takes a product or quotient with a value of the forward pass in, if the node is one. @returns whether it is */
  takeFactor(node: Node, row: Row | undefined): boolean {
    const { b } = this.#count.analysis;
    const [output = ""] = node.outputs;
    const [left = "", right = ""] = node.inputs;
    if (node.body || node.inputs.length !== 2 || !(row?.family === "gate" || row?.family === "quotient"))
      return false;
    const [of, other] = this.has(left) ? [left, right] : [right, left];
    const isDivided = row.family === "quotient";
    if (this.has(other) || !this.#isWhole(of) || (isDivided && of !== left)) return false;
    const before = this.#waiting.get(of);
    const factor = b.value(other);
    const isSameShape = (name: string): boolean =>
      String(b.value(name).shape) === String(b.value(output).shape);
    if (!isSameShape(of) || !isSameShape(other) || (isDivided && !before)) return false;
    const whole = before ? this.#within(node, () => b.like(node, [before.factor, factor])) : factor;
    this.#waiting.set(output, { of: before?.of ?? of, factor: whole, node });
    return true;
  }

  /** An element-wise operator on [K, N, …] and [N, …], which repeats nothing. @returns undefined where something has to be */
  broadcast(node: Node, row: Row | undefined): Value | undefined {
    if (row?.kind !== "plain" || !row.elementwise || node.body || node.outputs.length !== 1) return undefined;
    const { b } = this.#count.analysis;
    const [output = ""] = node.outputs;
    if (!this.#isWhole(output)) return undefined;
    const rank = b.value(output).shape.length;
    const isShared = node.inputs.some((name) => name !== "" && !this.has(name) && this.#isWhole(name));
    const fits = node.inputs.every((name) => {
      if (name === "") return true;
      const { shape } = b.value(name);
      const isWhole = this.#isWhole(name) && shape.length === rank;
      return isWhole || (!this.has(name) && !shape.some((dim) => typeof dim === "string"));
    });
    if (!isShared || !fits) return undefined;
    return this.#within(node, () =>
      this.#joined(
        b.like(
          node,
          node.inputs.map((name) => {
            const copy = name === "" ? undefined : this.get(name);
            return copy ? this.#apart(copy) : name === "" ? undefined : b.value(name);
          }),
        ),
      ),
    );
  }

  #multiplied({ of, factor, node }: Waiting): Value {
    const { b } = this.#count.analysis;
    const copy = this.get(of);
    if (!copy) throw new Error(`"${of}" is not copied yet`);
    return this.#within(node, () => this.#joined(b.op("Mul", [this.#apart(copy), factor])));
  }

  /** Whether a value is [N, …] with sizes that are known but for N. */
  #isWhole(name: string): boolean {
    const { shape } = this.#count.analysis.b.value(name);
    return shape[0] === this.#count.batch && fixedDims(shape.slice(1)) !== undefined;
  }

  /** [K·N, …] -> [K, N, …] */
  #apart(value: Value): Value {
    const { analysis, count } = this.#count;
    const { b } = analysis;
    return b.op("Reshape", [value, b.integers([count, -1, ...(fixedDims(value.shape.slice(1)) ?? [])])]);
  }

  /** [K, N, …] -> [K·N, …] */
  #joined(value: Value): Value {
    const { b } = this.#count.analysis;
    return b.op("Reshape", [value, b.integers([-1, ...(fixedDims(value.shape.slice(2)) ?? [])])]);
  }

  #within<T>(node: Node, build: () => T): T {
    return this.#count.analysis.b.within({ name: prefix + node.name, owner: ownerOf(node) }, build);
  }
}
