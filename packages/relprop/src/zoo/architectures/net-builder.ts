/**
 * Builds a network from the weights of a state dict, layer by layer, and collects all problems: a layer whose weight is
 * missing returns a flow without a value, and the next layers check their weights nevertheless.
 */

import { ModelFileError, OptionError } from "../../errors.ts";
import { int, type Model, type Tensor, type Value } from "../../onnx/graph.ts";
import { GraphBuilder } from "../../onnx/graph-builder.ts";
import {
  type AttributesOf,
  type InputsOf,
  type OneOutput,
  type OperatorName,
  namesOf,
  onnxNode,
} from "../../onnx/operator-node.ts";
import { toFloat32 } from "../checkpoint.ts";
import { WeightList } from "../weight-list.ts";

/** Tensors by parameter name, as `readCheckpoint` returns them. */
export type StateDict = ReadonlyMap<string, Tensor>;

/** The output of a layer. */
export interface Flow {
  /** Undefined after a layer whose weights do not fit. */
  readonly value: Value | undefined;
  /** Number of channels, if known. */
  readonly width: number | undefined;
}

/** Options of a network that is built from a state dict. */
export interface BuildOptions {
  /** [height, width] of the input in pixels. @default that of the card */
  readonly size?: readonly [number, number];
  /** What errors call the weights. @default "checkpoint" */
  readonly file?: string;
}

/** Whether a tensor counts training steps, which files may have or not. */
export const isCounter = (name: string): boolean => name.endsWith(".num_batches_tracked");

/** Inputs of an operator; undefined where weights do not fit. */
type Inputs<K extends OperatorName> = InputsOf<K, Value | undefined>;

const areThere = <K extends OperatorName>(inputs: Inputs<K>): inputs is InputsOf<K, Value> =>
  (inputs as readonly (Value | undefined)[]).every((input) => input !== undefined);

/** A network under construction. */
export class NetBuilder {
  readonly state: StateDict;
  readonly builder: GraphBuilder = new GraphBuilder();
  readonly #weights: WeightList;
  readonly #architecture: string;
  readonly #size: readonly [number, number];
  readonly #file: string;

  /**
   * @param architecture its name, for errors and the graph
   * @param least the smallest side of the input in pixels
   * @throws OptionError if the size is not one, or too small for the architecture
   */
  constructor(state: StateDict, architecture: string, options: BuildOptions = {}, least = 32) {
    const { size = [224, 224], file = "checkpoint" } = options;
    if (!size.every((pixels) => Number.isInteger(pixels) && pixels >= least && pixels <= 16384)) {
      throw new OptionError({
        what: `cannot build ${architecture} from "${file}"`,
        why: `its input cannot be ${size.join(" × ")} pixels: its strides need ${least} at least`,
        fix: `give a size from ${least} to 16384 pixels`,
      });
    }
    this.state = state;
    this.#weights = new WeightList(state);
    this.#architecture = architecture;
    this.#size = size;
    this.#file = file;
    this.builder.reserve("output");
  }

  /** The input, with the number of channels of the first convolution's weight. */
  input(firstWeight: string): Flow {
    const channels = this.sizeOf(firstWeight, 1) ?? 3;
    const shape = ["N", channels, ...this.#size];
    return { value: this.builder.input("input", "float32", shape), width: channels };
  }

  /** Whether the state dict has a weight. */
  has(name: string): boolean {
    return this.state.has(name);
  }

  /** The size of a weight along an axis, if the state dict has it. */
  sizeOf(name: string, axis: number): number | undefined {
    return this.state.get(name)?.dims[axis];
  }

  /** Adds a problem to those that {@link finish} throws. */
  addProblem(problem: string): void {
    this.#weights.addProblem(problem);
  }

  /**
   * A weight as float32; undefined, and a problem is added, if it is missing or has another shape.
   * @param dims the shape that it must have; undefined: any size
   */
  tensor(name: string, dims: readonly (number | undefined)[]): Tensor | undefined {
    const tensor = this.#weights.take(name, dims);
    return tensor && toFloat32(tensor);
  }

  /**
   * {@link tensor} as a constant of the graph, under its own name.
   * @param change brings it into the layout of ONNX, if that differs
   */
  weight(
    name: string,
    dims: readonly (number | undefined)[],
    change: (tensor: Tensor) => Tensor = (tensor) => tensor,
  ): Value | undefined {
    const tensor = this.tensor(name, dims);
    return tensor && this.builder.constant(change(tensor), name);
  }

  /** An operator on values and weights; undefined if one of them is. */
  op<K extends OneOutput>(
    opType: K,
    inputs: Inputs<K>,
    attributes: AttributesOf<K>,
    name: string,
  ): Value | undefined {
    return areThere(inputs) ? this.builder.op(opType, inputs, attributes, name) : undefined;
  }

  /**
   * Adds the last operator, whose output is `output`, and returns the model (opset 17).
   * @throws ModelFileError if weights are missing, unknown or of a wrong shape; it names up to five
   */
  finish<K extends OneOutput>(
    opType: K,
    inputs: Inputs<K>,
    attributes: AttributesOf<K>,
    name: string,
  ): Model {
    const problems = [...this.#weights.problems(isCounter)];
    if (problems.length > 0 || !areThere(inputs)) throw this.#misfit(problems);
    const names = namesOf(inputs, (value: Value) => value.name);
    const node = onnxNode(opType, names, ["output"], attributes, name);
    for (const output of this.builder.add(node)) this.builder.output(output);
    return {
      irVersion: 8,
      opsets: { "": 17 },
      producer: "relprop",
      metadata: {},
      graph: this.builder.graph(this.#architecture),
    };
  }

  /** {@link finish} with a fully connected layer of weight [classes, width]. */
  finishLinear(x: Flow, name: string): Model {
    const weight = this.weight(`${name}.weight`, [undefined, x.width]);
    const bias = this.weight(`${name}.bias`, [this.sizeOf(`${name}.weight`, 0)]);
    return this.finish("Gemm", [x.value, weight, bias], { transB: int(1) }, name);
  }

  #misfit(problems: readonly string[]): ModelFileError {
    const listed = problems.slice(0, 5).join("; ");
    const more = problems.length > 5 ? ` and ${problems.length - 5} more` : "";
    return new ModelFileError({
      what: `cannot build a model from "${this.#file}"`,
      why: `its weights do not fit ${this.#architecture}, the closest architecture known: ${listed}${more}`,
      fix: "export the model to ONNX, or see `relprop models` for the architectures that relprop builds from checkpoints",
    });
  }
}
