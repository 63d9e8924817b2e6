/**
 * Builds a network from the weights of a state dict, layer by layer, and collects everything that does not fit on the
 * way: a layer whose weight is missing gives a flow without a value, and the next layers go on checking what they can.
 */

import { ModelFileError, OptionError } from "../../errors.ts";
import { type Attributes, int, type Model, type Tensor, type Value } from "../../onnx/graph.ts";
import { GraphBuilder } from "../../onnx/graph-builder.ts";
import { toFloat32 } from "../checkpoint.ts";
import { WeightList } from "../weight-list.ts";

/** Tensors by parameter name, as readCheckpoint gives them. */
export type StateDict = ReadonlyMap<string, Tensor>;

/** What goes from layer to layer. */
export interface Flow {
  /** Undefined after a layer whose weights do not fit. */
  readonly value: Value | undefined;
  /** Channels, where they are known. */
  readonly width: number | undefined;
}

export interface NetOptions {
  /** What the weights are taken for, in errors and as the graph's name. */
  readonly architecture: string;
  /** [height, width] of the input in pixels. */
  readonly size: readonly [number, number];
  /** What to call the weights in errors. */
  readonly file: string;
  /** The fewest pixels a side can have, 32 unless given. */
  readonly least?: number;
}

/** Counts training steps; files have it or not. */
export const isCounter = (name: string): boolean => name.endsWith(".num_batches_tracked");

export class NetBuilder {
  readonly state: StateDict;
  readonly builder: GraphBuilder = new GraphBuilder();
  readonly #weights: WeightList;
  readonly #options: NetOptions;

  /** @throws OptionError if the size is too small for the architecture, or no size. */
  constructor(state: StateDict, options: NetOptions) {
    const { architecture, file, size, least = 32 } = options;
    if (!size.every((pixels) => Number.isInteger(pixels) && pixels >= least && pixels <= 16384)) {
      throw new OptionError({
        what: `cannot build ${architecture} from "${file}"`,
        why: `its input cannot be ${size.join(" × ")} pixels: its strides need ${least} at least`,
        fix: `give a size from ${least} to 16384 pixels`,
      });
    }
    this.state = state;
    this.#weights = new WeightList(state);
    this.#options = options;
    this.builder.reserve("output");
  }

  /** The input: as many channels as the weight of the first convolution takes. */
  input(firstWeight: string): Flow {
    const channels = this.sizeOf(firstWeight, 1) ?? 3;
    const shape = ["N", channels, ...this.#options.size];
    return { value: this.builder.input("input", "float32", shape), width: channels };
  }

  has(name: string): boolean {
    return this.state.has(name);
  }

  /** How long a weight is along an axis, if it is there. */
  sizeOf(name: string, axis: number): number | undefined {
    return this.state.get(name)?.dims[axis];
  }

  /** Adds what does not fit to the list that {@link finish} throws. */
  complain(problem: string): void {
    this.#weights.complain(problem);
  }

  /**
   * A weight as float32; undefined, and a misfit, where it is missing or has another shape.
   * @param dims what its shape must be; undefined: any size.
   */
  tensor(name: string, dims: readonly (number | undefined)[]): Tensor | undefined {
    const tensor = this.#weights.take(name, dims);
    return tensor && toFloat32(tensor);
  }

  /**
   * {@link tensor} as a constant of the graph, under its own name.
   * @param change how it is laid out for ONNX, if otherwise than in the state dict.
   */
  weight(
    name: string,
    dims: readonly (number | undefined)[],
    change: (tensor: Tensor) => Tensor = (tensor) => tensor,
  ): Value | undefined {
    const tensor = this.tensor(name, dims);
    return tensor && this.builder.constant(change(tensor), name);
  }

  /** An operator on values and weights, if all of them are there. */
  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    name: string,
  ): Value | undefined {
    const values = inputs.filter((input) => input !== undefined);
    if (values.length < inputs.length) return undefined;
    return this.builder.op(opType, values, attributes, name);
  }

  /**
   * The model (opset 17) whose output `output` is what a last operator gives.
   * @throws ModelFileError naming up to five weights that are missing, unknown or of a wrong shape.
   */
  finish(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    name: string,
  ): Model {
    const problems = [...this.#weights.problems(isCounter)];
    const values = inputs.filter((input) => input !== undefined);
    if (problems.length > 0 || values.length < inputs.length) throw this.#misfit(problems);
    const names = values.map((value) => value.name);
    const node = { name, opType, domain: "", inputs: names, outputs: ["output"], attributes };
    for (const output of this.builder.add(node)) this.builder.output(output);
    return {
      irVersion: 8,
      opsets: { "": 17 },
      producer: "relprop",
      metadata: {},
      graph: this.builder.graph(this.#options.architecture),
    };
  }

  /** {@link finish} with a fully connected layer of weights [classes, width]. */
  finishLinear(x: Flow, name: string): Model {
    const weight = this.weight(`${name}.weight`, [undefined, x.width]);
    const bias = this.weight(`${name}.bias`, [this.sizeOf(`${name}.weight`, 0)]);
    return this.finish("Gemm", [x.value, weight, bias], { transB: int(1) }, name);
  }

  #misfit(problems: readonly string[]): ModelFileError {
    const listed = problems.slice(0, 5).join("; ");
    const more = problems.length > 5 ? ` and ${problems.length - 5} more` : "";
    const { architecture, file } = this.#options;
    return new ModelFileError({
      what: `cannot build a model from "${file}"`,
      why: `its weights do not fit ${architecture}, the closest architecture known: ${listed}${more}`,
      fix: "export the model to ONNX, or see `relprop models` for the architectures that checkpoints are read of",
    });
  }
}
