/**
 * Compiled models, kept for the next run in the folder `compiled` of the cache. Of weights only those are kept that the
 * model does not have itself, folded ones; all others are taken from the model again, or stay in its file.
 */

import { createHash } from "node:crypto";
import { readFile, utimes } from "node:fs/promises";
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

/** Changes whenever the file does. */
const format = 2;

/** All kept models together; the ones used longest ago go first. */
const mostBytes = 2e9;

const folder = (): string => join(cacheFolder(), "compiled");

/** A compiled model, and what became of keeping it. */
export interface Kept {
  readonly model: SessionModel;
  /** For people: `from the cache`, `now`, and why it isn't kept if it should be. */
  readonly how: string;
  /** Of all that makes it what it is, wherever the model's file is; undefined if nothing is to be kept. */
  readonly key: string | undefined;
}

/** Where a weight of the session's model is. */
type Weight = { readonly path: string; readonly length: number } & (
  | { readonly source: string }
  | { readonly offset: number }
);

/** What comes before the graph's bytes and the weights. */
interface Header {
  readonly facts: CompiledFacts;
  readonly folder: string | undefined;
  readonly graph: number;
  readonly weights: readonly Weight[];
}

/** A model whose compiled forms are kept. */
export interface Source {
  readonly model: Model;
  /** A hash of all that the model was read from. */
  readonly id: string;
  /** False: everything is done anew, and nothing is kept. */
  readonly useCache: boolean;
}

/**
 * Compiles a model, or takes what an earlier run compiled from the same model with the same options and the same code.
 * What is kept has a checksum: a broken file is replaced, never used.
 * @throws what compiling throws
 */
export async function compileOnce(source: Source, options: CompileOptions | MethodOptions): Promise<Kept> {
  const { model } = source;
  const key = keyOf("compiled", source, options);
  if (key === undefined) return { model: sessionModel(model, options), how: "now", key: undefined };
  // The graph names the files that have its weights.
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
 * {@link readAnswer}, kept in the same way: reading takes half as long as compiling.
 * @throws what it throws
 */
export async function readOnce(source: Source, options: CompileOptions): Promise<AnswerReading> {
  const key = keyOf("read", source, options);
  if (key === undefined) return readAnswer(source.model, options);
  const path = pathOf(key);
  const file = await readKept(path);
  if (file) return deserialize(file) as AnswerReading;
  const reading = readAnswer(source.model, options);
  // If this can't be kept, the compiled model can't either, which says so.
  await keep(path, [serialize(reading)]);
  return reading;
}

/** Of something made of a model with these options, if anything is kept. */
function keyOf(what: string, { model, id, useCache }: Source, options: object): string | undefined {
  if (!useCache || build === undefined) return undefined;
  // The shapes: a network that is built from a checkpoint takes the size that was asked for.
  const { inputs, outputs } = model.graph;
  return sha256(serialize([what, format, version, build, id, inputs, outputs, options])).toString("hex");
}

const pathOf = (key: string): string => join(folder(), `${key}.bin`);

/** The files that a model's weights were left in. */
const filesOf = ({ graph }: Model): string[] => [
  ...new Set([...graph.initializers.values()].flatMap((tensor) => placeOf(tensor)?.path ?? [])),
];

/** The content of a kept file, if it is there and whole. */
async function readKept(path: string): Promise<Buffer | undefined> {
  const file = await readFile(path).catch(() => undefined);
  const content = file?.subarray(checksumLength);
  if (!file || !content || !sha256(content).equals(file.subarray(0, checksumLength))) return undefined;
  const now = new Date();
  // Says when it was used last. A folder that can only be read will do.
  await utimes(path, now, now).catch(() => undefined);
  return content;
}

/** Keeps a file, and gives the reason if that is not possible. */
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

/** Length of the header, header, graph, weights. */
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

/** The model's name of a weight, by where it is in memory: compiling leaves those that it does not change there. */
function namesByPlace({ graph }: Model): (data: Uint8Array) => string | undefined {
  const buffers = new Map<ArrayBufferLike, Map<string, string>>();
  for (const [name, tensor] of graph.initializers) {
    // It is not read for this.
    if (placeOf(tensor)) continue;
    const { bytes } = tensor;
    const places = buffers.get(bytes.buffer) ?? new Map<string, string>();
    buffers.set(bytes.buffer, places.set(rangeOf(bytes), name));
  }
  return (data) => buffers.get(data.buffer)?.get(rangeOf(data));
}

/** What {@link contentOf} wrote, if the model has all the weights that it had. */
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
