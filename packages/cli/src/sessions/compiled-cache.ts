/**
 * Compiled models, cached in the folder `compiled`. Only weights that the model itself lacks, such as folded ones, are
 * stored; all others are read from the model again, or stay in its file.
 */

import { createHash } from "node:crypto";
import { readdir, readFile, utimes } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { RelpropError, sessionModel, readAnswer, version } from "@relprop/core";
import type {
  CompiledFacts,
  CompileOptions,
  AnswerReading,
  MethodOptions,
  SessionModel,
} from "@relprop/core";
import { build, placeOf } from "@relprop/core/internal";
import type { ExternalView, Model } from "@relprop/core/onnx";
import { forgetOldest } from "./forget-oldest.ts";
import { cacheFolder } from "../models/model-cache.ts";
import { writeWhole } from "../files/write-file.ts";

/** Must change whenever the file format does. */
const format = 2;

/** The size limit of all cached models together; the least recently used go first. */
const mostBytes = 2e9;

const folder = (): string => join(cacheFolder(), "compiled");

/** A compiled model, and whether it was cached. */
export interface Kept {
  readonly model: SessionModel;
  /** For people: `from the cache`, `now`, and why it was not cached. */
  readonly how: string;
  /** Hash of everything that determines the compiled model, except its file's path; undefined if nothing is cached. */
  readonly key: string | undefined;
}

/** The location of a weight of the session's model. */
type Weight = { readonly path: string; readonly length: number } & (
  | { readonly source: string }
  | { readonly offset: number }
);

/** The header of the file, before the graph's bytes and the weights. */
interface Header {
  readonly facts: CompiledFacts;
  readonly folder: string | undefined;
  readonly graph: number;
  readonly weights: readonly Weight[];
}

/** A model whose compiled forms are cached. */
export interface Source {
  readonly model: Model;
  /** A hash of all source files of the model. */
  readonly id: string;
  /** False turns the cache off, for reading and writing. */
  readonly useCache: boolean;
}

/**
 * Compiles a model, or reads it from the cache if model, options and code are the same.
 * Cached files have a checksum; a damaged one is replaced.
 * @throws what compiling throws
 */
export async function compileOnce(source: Source, options: CompileOptions | MethodOptions): Promise<Kept> {
  const { model } = source;
  const key = keyOf("compiled", source, options);
  if (key === undefined) return { model: sessionModel(model, options), how: "now", key: undefined };
  // The cached graph refers to the files that hold its weights.
  const path = pathOf(sha256(serialize([key, filesOf(model)])).toString("hex"));
  const file = await readKept(path);
  const found = file && sessionModelOf(file, model);
  if (found) return { model: found, how: "from the cache", key };
  const compiled = sessionModel(model, options);
  const problem = await keep(path, contentOf(compiled, model));
  if (problem !== undefined) return { model: compiled, how: `now, not kept: ${problem}`, key: undefined };
  return { model: compiled, how: "now, and kept", key };
}

/**
 * {@link readAnswer} with the same cache, since reading takes half as long as compiling.
 * @throws the errors of readAnswer
 */
export async function readOnce(source: Source, options: CompileOptions): Promise<AnswerReading> {
  const key = keyOf("read", source, options);
  if (key === undefined) return readAnswer(source.model, options);
  const path = pathOf(key);
  const file = await readKept(path);
  if (file) return deserialize(file) as AnswerReading;
  const reading = readAnswer(source.model, options);
  // If this cannot be written, the compiled model cannot either, and that failure is reported.
  await keep(path, [serialize(reading)]);
  return reading;
}

/** The cache key of a model with these options; undefined if nothing is cached. */
function keyOf(what: string, { model, id, useCache }: Source, options: object): string | undefined {
  if (!useCache || build === undefined) return undefined;
  // The shapes matter: a network built from a checkpoint takes the requested size.
  const { inputs, outputs } = model.graph;
  return sha256(serialize([what, format, version, build, id, inputs, outputs, options])).toString("hex");
}

const pathOf = (key: string): string => join(folder(), `${key}.bin`);

/** The files in which a model's weights were left. */
const filesOf = ({ graph }: Model): string[] => [
  ...new Set([...graph.initializers.values()].flatMap((tensor) => placeOf(tensor)?.path ?? [])),
];

/** The content of a cached file, if it exists and its checksum is right. */
async function readKept(path: string): Promise<Buffer | undefined> {
  const file = await readFile(path).catch(() => undefined);
  const content = file?.subarray(checksumLength);
  if (!file || !content || !sha256(content).equals(file.subarray(0, checksumLength))) return undefined;
  const now = new Date();
  // Marks it as recently used. This may fail in a read-only folder.
  await utimes(path, now, now).catch(() => undefined);
  return content;
}

/** The cached files that are not as they were written. */
export async function damagedFiles(): Promise<string[]> {
  const names = await readdir(folder()).catch(() => []);
  const damaged: string[] = [];
  for (const name of names.filter((each) => each.endsWith(".bin"))) {
    const path = join(folder(), name);
    if ((await readKept(path)) === undefined) damaged.push(path);
  }
  return damaged;
}

/** Writes a file to the cache; returns the reason if that fails. */
async function keep(path: string, content: readonly Uint8Array[]): Promise<string | undefined> {
  try {
    await writeWhole(path, [sha256(...content), ...content]);
    await forgetOldest(folder(), path, mostBytes, (name) => name.endsWith(".bin"));
    return undefined;
  } catch (error) {
    if (error instanceof RelpropError) return error.why;
    throw error;
  }
}

const sha256 = (...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
};

const checksumLength = 32;
const lengthLength = 4;

/** The file: length of the header, header, graph, weights. */
function contentOf({ facts, view }: SessionModel, model: Model): Uint8Array[] {
  const nameOf = namesByPlace(model);
  const own: Uint8Array[] = [];
  let offset = 0;
  const weights = view.data.map(({ path, data }): Weight => {
    const { length } = data;
    const source = nameOf(data);
    if (source !== undefined) return { path, length, source };
    own.push(data);
    offset += length;
    return { path, length, offset: offset - length };
  });
  const header = serialize({
    facts,
    folder: view.folder,
    graph: view.bytes.length,
    weights,
  } satisfies Header);
  const length = Buffer.alloc(lengthLength);
  length.writeUInt32LE(header.length);
  return [length, header, view.bytes, ...own];
}

const rangeOf = ({ byteOffset, length }: Uint8Array): string => `${byteOffset}+${length}`;

/** The model's name for a weight, by its location in memory: compiling shares the weights that it does not change. */
function namesByPlace({ graph }: Model): (data: Uint8Array) => string | undefined {
  const buffers = new Map<ArrayBufferLike, Map<string, string>>();
  for (const [name, tensor] of graph.initializers) {
    // An external weight has not been read.
    if (placeOf(tensor)) continue;
    const { bytes } = tensor;
    const places = buffers.get(bytes.buffer) ?? new Map<string, string>();
    buffers.set(bytes.buffer, places.set(rangeOf(bytes), name));
  }
  return (data) => buffers.get(data.buffer)?.get(rangeOf(data));
}

/** Decodes the result of {@link contentOf}, if the model still has all the weights that it refers to. */
function sessionModelOf(content: Buffer, { graph }: Model): SessionModel | undefined {
  const end = lengthLength + content.readUInt32LE(0);
  const header = deserialize(content.subarray(lengthLength, end)) as Header;
  const { facts, folder, graph: graphLength, weights } = header;
  const own = end + graphLength;
  const data: ExternalView["data"] = [];
  for (const weight of weights) {
    const bytes =
      "source" in weight
        ? graph.initializers.get(weight.source)?.bytes
        : content.subarray(own + weight.offset, own + weight.offset + weight.length);
    if (bytes?.length !== weight.length) return undefined;
    data.push({ path: weight.path, data: bytes });
  }
  const bytes = new Uint8Array(content.subarray(end, own));
  return { facts, view: { bytes, data, ...(folder !== undefined && { folder }) } };
}
