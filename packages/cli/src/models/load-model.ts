/** MODEL of the command line -> a model and its card. */

import { whyUnread } from "../files/why-unread.ts";
import { createHash } from "node:crypto";
import { open, readFile, realpath, stat } from "node:fs/promises";
import { basename } from "node:path";
import { ModelFileError, type FixedInputs } from "@relprop/core";
import {
  metadataLabels,
  byteLength,
  fixInputs,
  imageNetLabels,
  overrideCard,
  onePicture,
  weightsCard,
  withBatchOfOne,
} from "@relprop/core/internal";
import { readModelFile } from "@relprop/core/node";
import type { Model } from "@relprop/core/onnx";
import {
  guessCard,
  hubCard,
  parseArrayCard,
  parseModelCard,
  readCheckpoint,
  recognizeNet,
  zoo,
  zooEntry,
  type ByteSource,
  type Explained,
  type InputOptions,
  type ArrayCard,
  type ModelCard,
  type ZooEntry,
} from "@relprop/core/zoo";
import type { ExplainedCard } from "./card-options.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { sha256OfFile } from "./download.ts";
import { hubConfigBeside } from "./hub-files.ts";
import { cachedLabels, fetchWeights, jsonOf, readLabels } from "./zoo-files.ts";

/** Options for loading a model. */
export interface LoadOptions {
  readonly input?: InputOptions;
  /** Path of a card. */
  readonly card?: string;
  /** Whether the card beside the model is left out: it is being written. */
  readonly isWithoutCard?: boolean;
  /** Path of class names. */
  readonly labels?: string;
  /** The explained input and output, and the kind of output, as far as they are given. */
  readonly explained?: Explained;
  /** Inputs that are fixed to constants: the model is loaded without them. */
  readonly set?: FixedInputs;
  readonly quiet?: boolean;
}

/** A model that is ready to be compiled, and its card. */
export interface LoadedModel {
  readonly model: Model;
  readonly card: ModelCard;
  /** The guesses in the card, in words. */
  readonly guesses: readonly string[];
  /** The user's file of class names. */
  readonly labelsFrom?: string;
  /** Identifies the model: a hash of its bytes, and what its inputs are fixed to. */
  readonly id: string;
}

/**
 * Loads a model of the zoo, an .onnx file or a checkpoint of a known architecture. Its card is, in this order: `--card`,
 * `<model>.card.json` beside it, a hub's files beside it, the card of the architecture, or a
 * guess.
 * @throws ModelFileError if it cannot be found or read, OptionError if card and options do not fit it.
 */
export async function loadModel(name: string, options: LoadOptions = {}): Promise<LoadedModel> {
  const found = await stat(name).catch(() => undefined);
  const entry = found?.isFile() ? undefined : zooEntry(name);
  const read: LoadedModel = entry
    ? await fromZoo(entry, options)
    : await fromFile(name, found?.isFile() === true, options);
  const loaded = withFixed(read, options.set);
  if (options.labels !== undefined) {
    const labels = await readLabels(options.labels);
    return { ...loaded, card: { ...loaded.card, labels }, labelsFrom: options.labels };
  }
  if (loaded.card.labels.length > 0) return loaded;
  // A card without class names keeps the model's own names.
  return { ...loaded, card: { ...loaded.card, labels: metadataLabels(loaded.model) } };
}

/** The model with inputs as constants, under another id. @throws OptionError if an input cannot be fixed */
function withFixed<Loaded extends Pick<LoadedModel, "model" | "id">>(
  loaded: Loaded,
  set: FixedInputs | undefined,
): Loaded {
  if (set === undefined) return loaded;
  return { ...loaded, model: fixInputs(loaded.model, set), id: `${loaded.id} ${JSON.stringify(set)}` };
}

async function fromZoo(entry: ZooEntry, options: LoadOptions): Promise<LoadedModel> {
  const path = await fetchWeights(entry, options);
  const labels = (await cachedLabels(entry.labels)) ?? [];
  const { card, guesses } = overrideCard(
    (await cardOf(path, options)) ?? { ...entry.card, labels },
    options.input ?? {},
  );
  const { size } = card.input;
  const { weights } = entry;
  if (weights.kind === "npm") {
    return { model: withSize(readModelFile(path), size), card, guesses, id: weights.package.integrity };
  }
  const { tensors } = await readCheckpointFile(path);
  return {
    model: recognizeNet(tensors, path).build({ size, file: path }),
    card,
    guesses,
    id: weights.sha256,
  };
}

/** The same model for pictures of another size, rebuilt from its source. */
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
      why: "it is neither a file nor a name in the zoo",
      fix: `give an .onnx file, a checkpoint, or one of ${zoo.map(({ name }) => name).join(", ")}`,
    });
  }
  const given = await cardOf(path, options);
  if (!isOnnx(path)) {
    const id = await sha256OfFile(path);
    return { ...(await fromCheckpoint(path, id, given, options)), id };
  }
  const files = new Set([await realpath(path)]);
  const [name, input] = [basename(path), options.input ?? {}];
  const { model, own } = withBatchOfOne(
    readModelFile(path, files),
    options.explained?.input,
    input.layout ?? given?.input.layout,
  );
  const whole = await idOf([...files]);
  const id = own === undefined ? whole : `${whole} of one picture`;
  if (given) return { model, ...overrideCard(given, input), id };
  const hub = await hubConfigBeside(path);
  const made = hub
    ? hubCard(name, model, hub, input, options.explained)
    : guessCard(name, model, input, options.explained);
  return { model, ...made, guesses: [...onePicture(own), ...made.guesses], id };
}

async function fromCheckpoint(
  path: string,
  sha256: string,
  given: ModelCard | undefined,
  options: LoadOptions,
): Promise<Omit<LoadedModel, "id">> {
  const { tensors } = await readCheckpointFile(path);
  const net = recognizeNet(tensors, path);
  const hub = given ? undefined : await hubConfigBeside(path);
  const weights = weightsCard(net.card, sha256);
  const known = { ...weights.card, ...(hub && { labels: hub.labels }) };
  const told = hub?.input ? { ...known, input: { ...weights.card.input, ...hub.input } } : known;
  const { card, guesses: chosen } = overrideCard(given ?? told, options.input ?? {});
  const model = net.build({ size: card.input.size, file: path });
  const ofCard = given ? [] : hub?.input ? hub.guesses : [...net.guesses, ...weights.guesses];
  const guesses = [...ofCard, ...chosen];
  const count = model.graph.outputs[0]?.shape[1];
  const isImageNet = count === 1000;
  const labels = isImageNet && card.labels.length === 0 ? await cachedLabels(imageNetLabels) : undefined;
  // These architectures are classifiers, unless their head was replaced by one with a single number.
  const kind = card.kind ?? (count === 1 ? undefined : ("classes" as const));
  return { model, card: { ...card, ...(kind && { kind }), ...(labels && { labels }) }, guesses };
}

/** A model that is fed arrays, and its card. */
export interface ArrayModel extends Pick<LoadedModel, "model" | "labelsFrom" | "id"> {
  readonly card: ArrayCard;
}

/**
 * Loads a model as {@link loadModel} does, but for arrays: nothing is guessed about pictures.
 * @throws ModelFileError if it cannot be loaded, OptionError if its card or labels cannot be used
 */
export async function loadArrayModel(
  name: string,
  { card: given, labels, set, quiet = false }: Pick<LoadOptions, "card" | "labels" | "set" | "quiet">,
): Promise<ArrayModel> {
  const isFile = (await stat(name).catch(() => undefined))?.isFile() === true;
  if (!isFile || !isOnnx(name)) {
    const { card, ...loaded } = await loadModel(name, withoutUndefined({ card: given, labels, set, quiet }));
    const { input: _ofPictures, ...own } = card;
    return { ...loaded, card: own };
  }
  const files = new Set([await realpath(name)]);
  const { model, id } = withFixed({ model: readModelFile(name, files), id: await idOf([...files]) }, set);
  const hub = await hubConfigBeside(name).catch(() => undefined);
  const { kind, rate, sound } = hub ?? {};
  const known = {
    name: basename(name),
    labels: hub?.labels ?? [],
    ...withoutUndefined({ kind, rate, sound }),
  };
  const card = (await arrayCardFile(name, given)) ?? known;
  if (labels !== undefined)
    return { model, id, card: { ...card, labels: await readLabels(labels) }, labelsFrom: labels };
  return { model, id, card: card.labels.length > 0 ? card : { ...card, labels: metadataLabels(model) } };
}

/** A model that is only compiled, so its preprocessing may be unknown. */
export interface CompilableModel {
  readonly model: Model;
  /** SHA-256 of the model, if it is a single file. */
  readonly sha256: string | undefined;
  /** Files of its weights, besides the model itself. */
  readonly files: readonly string[];
  /** Whether the requested size is built in already. */
  readonly isSized: boolean;
  /** The part of its card that concerns the explanation. */
  readonly card: ExplainedCard;
}

/**
 * Loads a model of the zoo, an .onnx file or a checkpoint.
 * @throws ModelFileError if it cannot be found or read.
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

/** Size of a model's weights in bytes. */
export const weightBytes = ({ graph }: Model): number =>
  [...graph.initializers.values()].reduce((sum, { dataType, dims }) => sum + byteLength(dataType, dims), 0);

const isOnnx = (path: string): boolean => path.toLowerCase().endsWith(".onnx");

/** A text model: an .onnx file. @throws OptionError if an input cannot be fixed */
export async function loadTextModel(
  path: string,
  set: FixedInputs | undefined,
): Promise<Pick<LoadedModel, "model" | "id">> {
  const files = new Set([await realpath(path)]);
  return withFixed({ model: readModelFile(path, files), id: await idOf([...files]) }, set);
}

/** A hash of a model's files. */
async function idOf(files: readonly string[]): Promise<string> {
  const hashes = await Promise.all(files.map(sha256OfFile));
  return hashes.length === 1 ? (hashes[0] ?? "") : createHash("sha256").update(hashes.join()).digest("hex");
}

const cardOf = async (model: string, { card, isWithoutCard }: LoadOptions): Promise<ModelCard | undefined> =>
  isWithoutCard === true ? undefined : cardFile(model, card);

const cardFile = (model: string, given: string | undefined): Promise<ModelCard | undefined> =>
  cardJson(model, given, parseModelCard);

const arrayCardFile = (model: string, given: string | undefined): Promise<ArrayCard | undefined> =>
  cardJson(model, given, parseArrayCard);

async function cardJson<Card>(
  model: string,
  given: string | undefined,
  parse: (json: unknown, file: string) => Card,
): Promise<Card | undefined> {
  const path = given ?? `${model.replace(/\.onnx$/i, "")}.card.json`;
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (given === undefined) return undefined;
    throw unreadable(path, error);
  });
  if (text?.trim() === "") {
    // A shell makes the file before `relprop card` has anything to say.
    const fix = "write it again with relprop card, or delete it";
    throw new ModelFileError({ what: `cannot read the card "${path}"`, why: "it is empty", fix });
  }
  return text === undefined ? undefined : parse(jsonOf(text, path), path);
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
  const why = whyUnread(error);
  return new ModelFileError({ what: `cannot read "${path}"`, why }, { cause: error });
}
