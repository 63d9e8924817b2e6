/** MODEL of the command line -> a model and how to feed it. */

import { createHash } from "node:crypto";
import { open, readFile, realpath, stat } from "node:fs/promises";
import { basename } from "node:path";
import { metadataLabels, ModelFileError } from "@relprop/core";
import { readModelFile } from "@relprop/core/node";
import { byteLength, type Model } from "@relprop/core/onnx";
import {
  guessCard,
  hubCard,
  imageNetLabels,
  overrideCard,
  parseModelCard,
  readCheckpoint,
  recognizeNet,
  zoo,
  zooEntry,
  type ByteSource,
  type Explained,
  type InputOptions,
  type ModelCard,
  type ZooEntry,
} from "@relprop/core/zoo";
import type { ExplainedCard } from "./card-options.ts";
import { sha256OfFile } from "./download.ts";
import { hubConfigBeside } from "./hub-files.ts";
import { cachedLabels, fetchWeights, jsonOf, readLabels } from "./zoo-files.ts";

/** What the user says about the model. */
export interface LoadOptions {
  readonly input?: InputOptions;
  /** Path of a card. */
  readonly card?: string;
  /** Path of class names. */
  readonly labels?: string;
  /** Which input and output are explained, and what that is, as far as it is said. */
  readonly explained?: Explained;
  readonly quiet?: boolean;
}

/** A model, ready to be compiled and fed. */
export interface LoadedModel {
  readonly model: Model;
  readonly card: ModelCard;
  /** What of the card nobody said, in words. */
  readonly guesses: readonly string[];
  /** The file of class names that the user gave. */
  readonly labelsFrom?: string;
  /** Tells this model's bytes from any other's: a hash. */
  readonly id: string;
}

/**
 * Loads a model of the zoo, an .onnx file or a checkpoint of a known architecture, with its card: `--card`, else
 * `<model>.card.json` beside it, else what a hub's files beside it say, else what is known of the architecture, else a
 * guess.
 * @throws ModelFileError if it can't be had or read, OptionError if card and options don't fit it.
 */
export async function loadModel(name: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const found = await stat(name).catch(() => undefined);
  const entry = found?.isFile() ? undefined : zooEntry(name);
  const loaded: LoadedModel = entry
    ? await fromZoo(entry, options)
    : await fromFile(name, found?.isFile() === true, options);
  if (options.labels !== undefined) {
    const labels = await readLabels(options.labels);
    return { ...loaded, card: { ...loaded.card, labels }, labelsFrom: options.labels };
  }
  if (loaded.card.labels.length > 0) return loaded;
  // A card that names no classes leaves the model's own names.
  return { ...loaded, card: { ...loaded.card, labels: metadataLabels(loaded.model) } };
}

async function fromZoo(entry: ZooEntry, options: LoadOptions): Promise<LoadedModel> {
  const path = await fetchWeights(entry, options);
  const labels = (await cachedLabels(entry.labels)) ?? [];
  const card = overrideCard(
    (await cardFile(path, options.card)) ?? { ...entry.card, labels },
    options.input ?? {},
  );
  const { size } = card.input;
  const { weights } = entry;
  if (weights.kind === "npm") {
    return { model: withSize(readModelFile(path), size), card, guesses: [], id: weights.package.integrity };
  }
  const { tensors } = await readCheckpointFile(path);
  return {
    model: recognizeNet(tensors, path).build({ size, file: path }),
    card,
    guesses: [],
    id: weights.sha256,
  };
}

/** The same model for pictures of another size; what it was made of takes any. */
function withSize(model: Model, [height, width]: readonly [number, number]): Model {
  const [image, ...others] = model.graph.inputs;
  if (!image) return model;
  const input = { ...image, shape: [...image.shape.slice(0, 2), height, width] };
  return { ...model, graph: { ...model.graph, inputs: [input, ...others] } };
}

async function fromFile(path: string, exists: boolean, options: LoadOptions): Promise<LoadedModel> {
  if (!exists) {
    throw new ModelFileError({
      what: `there is no model "${path}"`,
      why: "it is neither a file nor a name of the zoo",
      fix: `give an .onnx file, a checkpoint, or one of ${zoo.map(({ name }) => name).join(", ")}`,
    });
  }
  const given = await cardFile(path, options.card);
  if (!isOnnx(path)) return { ...(await fromCheckpoint(path, given, options)), id: await sha256OfFile(path) };
  const files = new Set([await realpath(path)]);
  const model = readModelFile(path, files);
  const whole = await idOf([...files]);
  if (given) return { model, card: overrideCard(given, options.input ?? {}), guesses: [], id: whole };
  const [name, input] = [basename(path), options.input ?? {}];
  const hub = await hubConfigBeside(path);
  const made = hub
    ? hubCard(name, model, hub, input, options.explained)
    : guessCard(name, model, input, options.explained);
  return { model, ...made, id: whole };
}

async function fromCheckpoint(
  path: string,
  given: ModelCard | undefined,
  options: LoadOptions,
): Promise<Omit<LoadedModel, "id">> {
  const { tensors } = await readCheckpointFile(path);
  const net = recognizeNet(tensors, path);
  const hub = given ? undefined : await hubConfigBeside(path);
  const known = { ...net.card, ...(hub && { labels: hub.labels }) };
  const told = hub?.input ? { ...known, input: { ...net.card.input, ...hub.input } } : known;
  const card = overrideCard(given ?? told, options.input ?? {});
  const model = net.build({ size: card.input.size, file: path });
  const guesses = given ? [] : hub?.input ? hub.guesses : net.guesses;
  const count = model.graph.outputs[0]?.shape[1];
  const isImageNet = count === 1000;
  const labels = isImageNet && card.labels.length === 0 ? await cachedLabels(imageNetLabels) : undefined;
  // Networks of these architectures are classifiers, unless their head was exchanged for one number.
  const kind = card.kind ?? (count === 1 ? undefined : ("classes" as const));
  return { model, card: { ...card, ...(kind && { kind }), ...(labels && { labels }) }, guesses };
}

/** A model to be compiled only: nothing has to be known of how it is fed. */
export interface CompilableModel {
  readonly model: Model;
  /** SHA-256 of its file, if it's one file. */
  readonly sha256: string | undefined;
  /** Files that its weights are in, besides its own. */
  readonly files: readonly string[];
  /** Whether the size that was asked for is built in already. */
  readonly isSized: boolean;
  /** What is known of how it is explained. */
  readonly card: ExplainedCard;
}

/**
 * Loads a model of the zoo, an .onnx file or a checkpoint.
 * @throws ModelFileError if it can't be had or read.
 */
export async function loadCompilable(
  name: string,
  options: { readonly size?: readonly [number, number]; readonly quiet?: boolean },
): Promise<CompilableModel> {
  const isFile = (await stat(name).catch(() => undefined))?.isFile() === true;
  const sha256 = isFile ? await sha256OfFile(name) : undefined;
  if (isFile && isOnnx(name)) {
    const files = new Set<string>();
    const model = readModelFile(name, files);
    const card = (await cardFile(name, undefined)) ?? (await hubConfigBeside(name).catch(() => undefined));
    return { model, sha256, files: [...files], isSized: false, card: card ?? { labels: [] } };
  }
  const { size, quiet = false } = options;
  const { model, card } = await loadModel(name, { quiet, ...(size ? { input: { size } } : {}) });
  return { model, sha256, files: [], isSized: true, card };
}

/** Bytes that a model's weights take. */
export const weightBytes = ({ graph }: Model): number =>
  [...graph.initializers.values()].reduce((sum, { dataType, dims }) => sum + byteLength(dataType, dims), 0);

const isOnnx = (path: string): boolean => path.toLowerCase().endsWith(".onnx");

/** A hash of a model's files. */
export async function idOf(files: readonly string[]): Promise<string> {
  const hashes = await Promise.all(files.map(sha256OfFile));
  return hashes.length === 1 ? (hashes[0] ?? "") : createHash("sha256").update(hashes.join()).digest("hex");
}

async function cardFile(model: string, given: string | undefined): Promise<ModelCard | undefined> {
  const path = given ?? `${model.replace(/\.onnx$/i, "")}.card.json`;
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (given === undefined) return undefined;
    throw unreadable(path, error);
  });
  return text === undefined ? undefined : parseModelCard(jsonOf(text, path), path);
}

async function readCheckpointFile(path: string): Promise<Awaited<ReturnType<typeof readCheckpoint>>> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const source: ByteSource = {
      name: path,
      size,
      read: async (offset, length) => {
        const bytes = new Uint8Array(length);
        let at = 0;
        while (at < length) {
          const { bytesRead } = await file.read(bytes, at, Math.min(length - at, 1 << 28), offset + at);
          if (bytesRead === 0) break;
          at += bytesRead;
        }
        return bytes.subarray(0, at);
      },
    };
    return await readCheckpoint(source);
  } finally {
    await file.close();
  }
}

function unreadable(path: string, error: unknown): ModelFileError {
  const why = error instanceof Error ? error.message : String(error);
  return new ModelFileError({ what: `cannot read "${path}"`, why }, { cause: error });
}
