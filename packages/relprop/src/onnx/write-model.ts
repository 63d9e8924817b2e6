/**
 * Writes .onnx files. Weights are neither copied nor encoded: a protobuf message is the concatenation of its fields, so a
 * file consists of chunks, and the large ones are the views that the model holds.
 */

import { toBinary } from "@bufbuild/protobuf";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { ModelFileError } from "../errors.ts";
import { locationProblem } from "./external-location.ts";
import type { Model, Tensor } from "./graph.ts";
import {
  GraphProtoSchema,
  ModelProtoSchema,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from "./onnx_pb.ts";
import { placeOf } from "./stored-tensor.ts";
import { byteLength } from "./tensor.ts";
import { Chunks, concatChunks } from "./write/chunks.ts";
import { externalEntries, graphProto, irVersionOf, modelProto, tensorHeader } from "./write/protos.ts";

export { concatChunks };

/** Limit of a protobuf message. */
const maxFileSize = 2 ** 31 - 1;
/** Offsets are multiples of the page size, so runtimes can map the file into memory. */
const pageSize = 4096;
const defaultThreshold = 1024;

/** Options of {@link writeModel}. */
export interface WriteModelOptions {
  /** Writes initializers of `threshold` bytes or more (default 1024) to a file `location`, relative to the model's folder. */
  readonly external?: { readonly location: string; readonly threshold?: number };
}

/** The content of a file. */
export interface WrittenFile {
  /** The bytes in order, in pieces that share memory with the model. */
  readonly chunks: readonly Uint8Array[];
  /** How many they are. */
  readonly byteLength: number;
}

/** The model file, and the file of its external weights if it has some. */
export interface WrittenModel extends WrittenFile {
  /** The file of large weights, if there is one. */
  readonly external?: WrittenFile & { readonly location: string };
}

/** A model for ONNX Runtime's in-memory external data: `InferenceSession.create(bytes, { externalData: data })`. */
export interface ExternalView {
  /** The .onnx file, without large weights. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Large initializers by their path in the model; they share memory with the model. */
  readonly data: { path: string; data: Uint8Array }[];
  /** The folder of the files that hold other weights, if the model was read without them. */
  readonly folder?: string;
}

/** Returns the external-data entries of an initializer; undefined if it is in the model file. */
type Place = (tensor: Tensor) => Readonly<Record<string, string>> | undefined;

/**
 * Writes a model as an .onnx file without copying its weights. Nodes with a `body` are written as their body; names of
 * values and nodes stay.
 *
 * @throws ModelFileError if the file would be 2 GiB or larger, which protobuf does not allow, or `location` leaves the folder
 *
 * @example
 *     await writeFile("net.onnx", concatChunks(writeModel(model).chunks));
 */
export function writeModel(model: Model, options: WriteModelOptions = {}): WrittenModel {
  if (!options.external) return encode(model, () => undefined);
  const { location, threshold = defaultThreshold } = options.external;
  const problem = locationProblem(location);
  if (problem) {
    const why = `its external data cannot be in ${JSON.stringify(location)}: ${problem}`;
    throw new ModelFileError({
      what: "cannot write the model",
      why,
      fix: "give the name of a file beside it",
    });
  }
  const data = new Chunks();
  const file = encode(model, (tensor) => {
    if (lengthOf(tensor) < threshold) return undefined;
    const { bytes } = tensor;
    const padding = (pageSize - (data.byteLength % pageSize)) % pageSize;
    data.append(new Uint8Array(padding));
    const offset = data.byteLength;
    data.append(bytes);
    return { location, offset: String(offset), length: String(bytes.length) };
  });
  return { ...file, external: { location, chunks: data.finish(), byteLength: data.byteLength } };
}

/**
 * Writes a model for a session that uses the weights without copying them: a small .onnx file, and each initializer of
 * `threshold` bytes or more (default 1024) as external data. The views may lie at any address. If weights were left in files
 * (`readModelFile` of `@relprop/core/node`), the model refers to them there, and all others are in the .onnx file.
 *
 * @throws ModelFileError if the .onnx file would be 2 GiB or larger
 */
export function externalView(
  model: Model,
  { threshold = defaultThreshold }: { readonly threshold?: number } = {},
): ExternalView {
  const data: { path: string; data: Uint8Array }[] = [];
  const places = [...model.graph.initializers.values()].flatMap((tensor) => placeOf(tensor) ?? []);
  const folder = places[0] && partsOfPath(places[0].path)[0];
  const { chunks } = encode(model, (tensor) => {
    const length = lengthOf(tensor);
    if (folder !== undefined) {
      const place = placeOf(tensor);
      const [itsFolder, location] = place ? partsOfPath(place.path) : [];
      // ONNX Runtime reads from one folder or from memory, not both (InjectExternalInitializersFromFilesInMemory).
      if (!place || location === undefined || itsFolder !== folder) return undefined;
      return { location, offset: String(place.offset), length: String(length) };
    }
    if (length < threshold) return undefined;
    const path = `weights/${data.length}`;
    data.push({ path, data: tensor.bytes });
    return { location: path, offset: "0", length: String(length) };
  });
  return { bytes: concatChunks(chunks), data, ...(folder !== undefined && { folder }) };
}

/** Folder and name of a path, also of a Windows path. */
function partsOfPath(path: string): [folder: string, name: string] {
  const end = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\")) + 1;
  return [end === 0 ? "." : path.slice(0, end), path.slice(end)];
}

const lengthOf = ({ dataType, dims }: Tensor): number => byteLength(dataType, dims);

/** The tag and length before the bytes of a field. */
const fieldHeader = (number: number, length: number): Uint8Array =>
  new BinaryWriter().tag(number, WireType.LengthDelimited).uint32(length).finish();

function encode(model: Model, place: Place): WrittenFile {
  const graph = new Chunks();
  graph.append(toBinary(GraphProtoSchema, graphProto(model.graph, irVersionOf(model))));
  for (const [name, tensor] of model.graph.initializers)
    appendInitializer(graph, name, tensor, place(tensor));
  checkSize(graph.byteLength);

  const file = new Chunks();
  file.append(toBinary(ModelProtoSchema, modelProto(model)));
  file.append(fieldHeader(ModelProtoSchema.field.graph.number, graph.byteLength));
  for (const chunk of graph.finish()) file.append(chunk);
  checkSize(file.byteLength);
  return { chunks: file.finish(), byteLength: file.byteLength };
}

function appendInitializer(
  graph: Chunks,
  name: string,
  tensor: Tensor,
  place: Readonly<Record<string, string>> | undefined,
): void {
  const proto = tensorHeader(name, tensor);
  const { initializer } = GraphProtoSchema.field;
  if (place) {
    proto.dataLocation = TensorProto_DataLocation.EXTERNAL;
    proto.externalData = externalEntries(place);
    const encoded = toBinary(TensorProtoSchema, proto);
    graph.append(fieldHeader(initializer.number, encoded.length));
    graph.append(encoded);
    return;
  }
  const { bytes } = tensor;
  checkSize(bytes.length);
  const header = toBinary(TensorProtoSchema, proto);
  const data = fieldHeader(TensorProtoSchema.field.rawData.number, bytes.length);
  graph.append(fieldHeader(initializer.number, header.length + data.length + bytes.length));
  graph.append(header);
  graph.append(data);
  graph.append(bytes);
}

function checkSize(byteLength: number): void {
  if (byteLength <= maxFileSize) return;
  throw new ModelFileError({
    what: "cannot write the model",
    why: `one file would have ${byteLength} bytes or more, and protobuf allows ${maxFileSize}`,
    fix: "write it with `external` data",
  });
}
