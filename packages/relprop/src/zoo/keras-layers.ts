/**
 * Reads models in TensorFlow.js's layers format: a `model.json` with Keras' layers and a manifest of weights, and shards with
 * the weights one after the other.
 */

import { ModelFileError } from "../errors.ts";
import type { Tensor } from "../onnx/graph.ts";
import { sizeOf } from "../onnx/tensor.ts";
import { badFile } from "./bytes-source.ts";
import { type Field, type Fields, fieldsOf } from "../cards/json-fields.ts";

/** A layer of a Keras model. */
export interface KerasLayer {
  /** Unique in the model; inputs of other layers refer to it. */
  readonly name: string;
  /** Its class, such as `Conv2D`. */
  readonly type: string;
  /** Its settings, as Keras saves them, checked on reading. */
  readonly config: Fields;
  /** Names of the layers whose outputs it reads. */
  readonly inputs: readonly string[];
}

/** A Keras model, as the file describes it. */
export interface KerasModel {
  /** Name of the file in messages. */
  readonly file: string;
  /** In the order of the file, which is topological. */
  readonly layers: readonly KerasLayer[];
  /** Name of the layer whose output is the model's. */
  readonly output: string;
  /** By name (`conv1/kernel`), in Keras' layouts. */
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** The content of a model.json, checked before the shards are read. */
interface Outline {
  readonly layers: readonly KerasLayer[];
  readonly output: string;
  readonly paths: readonly string[];
  readonly weights: readonly { readonly name: string; readonly dims: readonly number[] }[];
}

/**
 * Names of the shards, files beside the model.json, in the order that {@link readKerasLayers} expects.
 * @throws ModelFileError if the JSON is not such a model, or a name leads out of the folder
 */
export function kerasShardPaths(json: unknown, file = "model.json"): readonly string[] {
  return outlineOf(json, file).paths;
}

/**
 * Reads a model from its parsed JSON and its shards, as one array or one for each. Weights are views of the shards, except
 * those that continue in the next shard.
 * @throws ModelFileError if the JSON is not a layers model of one input and one output, its weights are not float32, or
 *   the shards and the weights differ in their number of bytes
 */
export function readKerasLayers(
  json: unknown,
  shards: Uint8Array | readonly Uint8Array[],
  file = "model.json",
): KerasModel {
  const { layers, output, weights } = outlineOf(json, file);
  const parts = shards instanceof Uint8Array ? [shards] : shards;
  const available = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const needed = weights.reduce((sum, { dims }) => sum + 4 * sizeOf(dims), 0);
  if (available !== needed) {
    const why = `its weights take ${needed} bytes, and the shards have ${available}`;
    throw badFile({ name: file }, why, "weightsManifest", "download the model again");
  }
  const reader = new ShardReader(parts);
  const byName = new Map<string, Tensor>();
  for (const { name, dims } of weights) {
    if (byName.has(name)) throw badFile({ name: file }, "it occurs twice", `weight "${name}"`);
    byName.set(name, { dataType: "float32", dims, bytes: reader.next(4 * sizeOf(dims)) });
  }
  return { file, layers, output, weights: byName };
}

/** Reads bytes from several arrays in order; the caller has checked that there are enough. */
class ShardReader {
  readonly #shards: readonly Uint8Array[];
  #shard = 0;
  #offset = 0;

  constructor(shards: readonly Uint8Array[]) {
    this.#shards = shards;
  }

  next(length: number): Uint8Array {
    const whole = this.#piece(length);
    if (whole.byteLength === length) return whole;
    const joined = new Uint8Array(length);
    joined.set(whole);
    for (let filled = whole.byteLength; filled < length;) {
      const piece = this.#piece(length - filled);
      joined.set(piece, filled);
      filled += piece.byteLength;
    }
    return joined;
  }

  /** Up to `length` bytes of the current shard. */
  #piece(length: number): Uint8Array {
    let shard = this.#shards[this.#shard];
    while (shard && this.#offset === shard.byteLength && this.#shard + 1 < this.#shards.length) {
      shard = this.#shards[++this.#shard];
      this.#offset = 0;
    }
    const piece = shard?.subarray(this.#offset, this.#offset + length) ?? new Uint8Array(0);
    this.#offset += piece.byteLength;
    return piece;
  }
}

function outlineOf(json: unknown, file: string): Outline {
  const root = fieldsOf(json, "", (where, why) => {
    throw badFile({ name: file }, why, where, "give the model.json of a TensorFlow.js layers model");
  });
  root.required("format").oneOf("layers-model");
  const topology = root.required("modelTopology").fields();
  const model = topology.required("model_config").fields();
  model.required("class_name").oneOf("Model", "Functional");
  const config = model.required("config").fields();
  const groups = root
    .required("weightsManifest")
    .list()
    .map((group) => group.fields());
  const [output = ""] = config.required("output_layers").list(1).map(layerReference);
  config.required("input_layers").list(1);
  return {
    layers: config
      .required("layers")
      .list()
      .map((layer) => layerOf(layer.fields())),
    output,
    paths: groups.flatMap((group) => group.required("paths").list().map(fileName)),
    weights: groups.flatMap((group) =>
      group
        .required("weights")
        .list()
        .map((weight) => weightOf(weight.fields())),
    ),
  };
}

function layerOf(layer: Fields): KerasLayer {
  const nodes = layer.required("inbound_nodes");
  // A layer that is used several times has several inbound nodes.
  if (nodes.list().length > 1) nodes.wrong("a layer that is used once");
  return {
    name: layer.required("name").text(),
    type: layer.required("class_name").text(),
    config: layer.required("config").fields(),
    inputs: nodes.list().flatMap((node) => node.list().map(layerReference)),
  };
}

/** Reads `[layer name, node index, tensor index, …]`; both indices must be 0: layers are used once and have one output. */
function layerReference(reference: Field): string {
  const [name, node, tensor] = reference.list();
  if (!name || !node || !tensor) return reference.wrong("a layer's name and two indices");
  node.integer(0, 0);
  tensor.integer(0, 0);
  return name.text();
}

function fileName(path: Field): string {
  const name = path.text();
  return /^[\w-][\w.-]*$/.test(name) ? name : path.wrong("the name of a file in the same folder");
}

function weightOf(weight: Fields): { name: string; dims: number[] } {
  weight.only("name", "shape", "dtype");
  weight.required("dtype").oneOf("float32");
  const dims = weight
    .required("shape")
    .list()
    .map((dim) => dim.integer(1, 2 ** 31));
  return { name: weight.required("name").text(), dims };
}

/** The error of a layer that cannot be built; of the model if it has no layer. */
export function layerError(model: KerasModel, layer: KerasLayer | undefined, why: string): ModelFileError {
  const fix = "export the model to ONNX, for example with tf2onnx";
  return badFile({ name: model.file }, why, layer && `${layer.type} "${layer.name}"`, fix);
}
