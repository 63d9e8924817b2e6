/** Takes weights from a state dict one by one, and collects all problems for one error. */

import type { Tensor } from "../onnx/graph.ts";

const floats = new Set(["float32", "float64", "float16", "bfloat16"]);

/** The weights of a state dict, and the problems found so far. */
export class WeightList {
  readonly #tensors: ReadonlyMap<string, Tensor>;
  readonly #taken = new Set<string>();
  readonly #problems: string[] = [];

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    this.#tensors = tensors;
  }

  /** The tensor, if it has this shape (undefined: any size) and a float type; else undefined, and a problem is added. */
  take(name: string, dims: readonly (number | undefined)[]): Tensor | undefined {
    this.#taken.add(name);
    const tensor = this.#tensors.get(name);
    if (!tensor) {
      this.#problems.push(`${name} is missing`);
      return undefined;
    }
    const fits =
      tensor.dims.length === dims.length &&
      dims.every((dim, axis) => dim === undefined || dim === tensor.dims[axis]) &&
      tensor.dims.every((dim) => dim > 0);
    if (fits && floats.has(tensor.dataType)) return tensor;
    const expected = dims.map((dim) => dim ?? "?").join(", ");
    const found = `${tensor.dataType} [${tensor.dims.join(", ")}]`;
    this.#problems.push(`${name} is ${found}, expected float32 [${expected}]`);
    return undefined;
  }

  /** Adds a problem. */
  addProblem(problem: string): void {
    this.#problems.push(problem);
  }

  /** The problems found so far, then the tensors that were not taken. */
  *problems(ignore: (name: string) => boolean): Generator<string> {
    yield* this.#problems;
    for (const name of this.#tensors.keys()) {
      if (!this.#taken.has(name) && !ignore(name)) yield `${name.slice(0, 80)} is unknown`;
    }
  }
}
