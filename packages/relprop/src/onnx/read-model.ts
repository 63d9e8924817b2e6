/** Reads .onnx files. Any bytes end in a consistent graph or a ModelFileError. */

import { convertOpset } from "./convert-opset.ts";
import type { Model, Value } from "./graph.ts";
import { inferGraph } from "./infer-shapes.ts";
import {
  type FunctionProto,
  type GraphProto,
  GraphProtoSchema,
  type ModelProto,
  ModelProtoSchema,
} from "./onnx_pb.ts";
import type { ModelFolder } from "./model-folder.ts";
import { inlineFunctions } from "./read/functions.ts";
import { chosenFunctions } from "./read/whole-functions.ts";
import { classNames, dictionarySizes, withoutDictionaries } from "./read/dictionaries.ts";
import { Constants, domainOf, readNodes, refuseSparse, valueNames } from "./read/nodes.ts";
import { sortedNodes } from "./read/order.ts";
import { ownLocation, outline } from "./read/outline.ts";
import { type ReadExternal, type Source, decoding, messageOf, refuse } from "./read/source.ts";
import { readTensorBytes } from "./read/tensor.ts";
import { type Declared, DimNames, isComplete, readHint, readValue } from "./read/values.ts";
import { decodePartly, checkStructure } from "./read/wire.ts";
import type { StoredBytes } from "./stored-tensor.ts";

/** The operator sets of ai.onnx that can be read: 7 (2018) to 28 (2026). */
export const readableOpsets: { readonly first: number; readonly last: number } = { first: 7, last: 28 };

/** Options of {@link readModel}. */
export interface ReadModelOptions {
  /** Name of the file, for error messages. */
  readonly file?: string;
  /**
   * Returns `length` bytes from `offset` of a file in the model's folder. `location` is relative and does not leave the
   * folder. The numbers come from the model, so check them against the size of the file before allocating.
   */
  readonly readExternal?: ReadExternal;
  /**
   * Operators by "domain/OpType", as `compile` takes them: model-local functions of these names are left whole, and so
   * are the nodes that call them. @default all functions are taken apart
   */
  readonly operators?: Readonly<Record<string, unknown>>;
}

/**
 * Reads an ONNX model with opset 7 to 28 of ai.onnx; operators of other domains are kept. Weights stay views on `bytes`, so
 * do not write to `bytes` afterwards. `Constant` nodes and inputs with a default become initializers, nodes are sorted and
 * get names, and unknown sizes get symbols. Subgraphs (If, Loop) are read in the same way, and calls of model-local
 * functions are replaced by the nodes of the functions.
 *
 * @throws ModelFileError if the bytes are not an ONNX model, or it has sparse weights, recursive functions, inputs that are
 *   not tensors, external data without `readExternal`, or an inconsistent graph; it says where
 *
 * Format: https://github.com/onnx/onnx/blob/main/docs/IR.md
 *
 * @example
 *     const model = readModel(await readFile("net.onnx"), { file: "net.onnx" });
 *     console.log(model.opsets[""], model.graph.inputs);
 */
export function readModel(
  bytes: Uint8Array,
  { file, readExternal, operators = {} }: ReadModelOptions = {},
): Model {
  const source: Source = { what: whatFails(file), readExternal };
  // Views on a Node Buffer would be Buffers, whose `slice` does not copy.
  const whole = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return readProto(source, whole, Object.keys(operators));
}

/**
 * Reads an ONNX model as {@link readModel} does, but leaves large weights, and all external data, in their files. A tensor
 * reads its `bytes` on access, so the files must not change while the model is used.
 * @param name name of the model's file in the folder
 * @param file what errors call it
 * @throws ModelFileError as {@link readModel}, and if a file is missing or shorter than the model says
 */
export function readModelIn(
  folder: ModelFolder,
  name: string,
  file: string = name,
  { operators = {} }: Pick<ReadModelOptions, "operators"> = {},
): Model {
  const readExternal = (location: string, offset: number, length: number): StoredBytes => {
    const fileName = location === ownLocation ? name : location;
    const size = folder.sizeOf(fileName);
    const end = offset + length;
    if (end > size) throw new Error(`it has ${size} bytes, and the model needs ${end}`);
    return { path: folder.pathOf(fileName), offset, read: () => folder.read(fileName, offset, length) };
  };
  const source: Source = { what: whatFails(file), readExternal };
  const size = folder.sizeOf(name);
  return readProto(
    source,
    decoding(source, () => outline((offset, length) => folder.read(name, offset, length), size)),
    Object.keys(operators),
  );
}

const whatFails = (file: string | undefined): string =>
  file === undefined ? "cannot read the model" : `cannot read "${file}"`;

function readProto(source: Source, bytes: Uint8Array, operators: readonly string[] = []): Model {
  const { proto, graph, initializers } = decode(source, bytes);
  const opsets = readOpsets(source, proto);
  const { apart, whole } = chosenFunctions(proto.functions, operators);
  const shell = {
    irVersion: Number(proto.irVersion),
    opsets,
    producer: [proto.producerName, proto.producerVersion].filter((text) => text !== "").join(" "),
    metadata: Object.fromEntries(proto.metadataProps.map(({ key, value }) => [key, value])),
    ...(whole.length > 0 && { functions: whole }),
  };
  return readGraph(source, shell, graph, initializers, apart);
}

interface Decoded {
  readonly proto: ModelProto;
  readonly graph: GraphProto;
  readonly initializers: readonly Uint8Array[];
}

function decode(source: Source, bytes: Uint8Array): Decoded {
  if (bytes.length === 0) throw refuse(source, { why: "it is empty" });
  const graphField = ModelProtoSchema.field.graph.number;
  const initializerField = GraphProtoSchema.field.initializer.number;
  const { message, graph } = decoding(source, () => {
    checkStructure(ModelProtoSchema, bytes);
    const model = decodePartly(ModelProtoSchema, bytes, [graphField]);
    const graphs = model.fields.get(graphField) ?? [];
    if (graphs.length > 1) throw new Error("it has several graphs");
    const graph = graphs[0] && decodePartly(GraphProtoSchema, graphs[0], [initializerField]);
    return { message: model.message, graph };
  });
  if (!graph) throw refuse(source, { why: "it has no graph", fix: "check that this is an ONNX model" });
  return {
    proto: message,
    graph: graph.message,
    initializers: graph.fields.get(initializerField) ?? [],
  };
}

function readOpsets(source: Source, proto: ModelProto): Record<string, number> {
  const opsets = Object.fromEntries(
    // Functions import the same opsets as the model; a model that consists of calls may have none of its own.
    [...proto.functions.flatMap((each) => each.opsetImport), ...proto.opsetImport].map(
      ({ domain, version }) => [domainOf(domain), Number(version)],
    ),
  );
  const version = opsets[""];
  const { first, last } = readableOpsets;
  if (version === undefined) throw refuse(source, { why: "it does not say which opset of ai.onnx it uses" });
  if (version < first || version > last) {
    const why = `it uses opset ${version}, and relprop reads opsets ${first} to ${last}`;
    const convert = `onnx.version_converter.convert_version(model, 17)`;
    throw refuse(source, { why, fix: `export it with opset 17, or convert it with ${convert}` });
  }
  return opsets;
}

function readGraph(
  source: Source,
  shell: Omit<Model, "graph">,
  proto: GraphProto,
  encoded: readonly Uint8Array[],
  functions: readonly FunctionProto[],
): Model {
  refuseSparse(source, proto);
  const constants = new Constants(source);
  for (const bytes of encoded) {
    const read = readTensorBytes(source, bytes);
    if ("texts" in read) constants.texts.push(read.texts);
    else constants.add(read.name, read.tensor, `initializer "${read.name}"`);
  }
  inlineFunctions(source, proto, functions, constants.names());
  const scope = valueNames(proto, constants.names());
  const nodes = readNodes(source, proto.node, constants, scope);
  const initializers = constants.tensors;

  const dimNames = new DimNames([...proto.input, ...proto.output, ...proto.valueInfo]);
  const inputs: Value[] = [];
  const given = new Set(initializers.keys());
  for (const info of proto.input) {
    // Before IR version 4 constants had to be inputs as well; callers do not feed them.
    if (initializers.has(info.name)) continue;
    const where = `input "${info.name}"`;
    if (info.name === "" || given.has(info.name))
      throw refuse(source, { where, why: "it needs a unique name" });
    const declared = readValue(source, info, "input", dimNames);
    if (!isComplete(declared)) {
      const fix = "export the model with its input shapes, or set them with onnx.tools.update_model_dims";
      throw refuse(source, { where, why: "it has no type and shape", fix });
    }
    given.add(info.name);
    inputs.push(declared);
  }

  const sorted = sortedNodes(source, withoutDictionaries(nodes), given);
  const made = new Set([...given, ...sorted.flatMap((node) => node.outputs)]);
  if (proto.output.length === 0) throw refuse(source, { why: "it has no outputs" });
  const seen = new Set<string>();
  const sizes = dictionarySizes(nodes);
  const declared = proto.output.map((info): Declared => {
    const where = `output "${info.name}"`;
    if (info.name === "" || !made.has(info.name)) throw refuse(source, { where, why: "no node computes it" });
    if (seen.has(info.name)) throw refuse(source, { where, why: "it is there twice" });
    seen.add(info.name);
    const size = sizes.get(info.name);
    if (size !== undefined)
      return { name: info.name, dataType: "float32", shape: [dimNames.make(`${info.name}_dim0`), size] };
    return readValue(source, info, "output", dimNames);
  });
  const hints = new Map(
    proto.valueInfo.flatMap((info) => {
      const hint = made.has(info.name) ? readHint(source, info, dimNames) : undefined;
      return hint ? [[info.name, hint] as const] : [];
    }),
  );
  const graph = {
    name: proto.name,
    inputs,
    outputs: declared.filter(isComplete),
    initializers,
    nodes: sorted,
    ...(hints.size > 0 && { hints }),
  };
  const names = classNames(nodes);
  const metadata = {
    ...(names.length > 0 && { classes: JSON.stringify(names) }),
    ...shell.metadata,
  };
  const outputs = complete(source, { ...shell, graph }, declared);
  return { ...shell, metadata, graph: { ...graph, outputs } };
}

function infer(source: Source, model: Model): ReadonlyMap<string, Value> {
  try {
    return inferGraph(convertOpset(model).graph);
  } catch (error) {
    const why = `an output has no type and shape, and inferring them failed: ${messageOf(error)}`;
    throw refuse(source, { why, fix: "save it after onnx.shape_inference.infer_shapes" }, { cause: error });
  }
}

/** The outputs, with types and shapes that the file leaves out inferred from the rest. */
function complete(source: Source, model: Model, declared: readonly Declared[]): Value[] {
  if (declared.every(isComplete)) return declared.filter(isComplete);
  const inferred = infer(source, model);
  return declared.map(({ name, ...partial }) => {
    const known = inferred.get(name);
    const dataType = partial.dataType ?? known?.dataType;
    const shape = partial.shape ?? known?.shape;
    if (dataType && shape) return { name, dataType, shape };
    const fix = "save it after onnx.shape_inference.infer_shapes";
    throw refuse(source, {
      where: `output "${name}"`,
      why: "the model does not say its type and shape",
      fix,
    });
  });
}
