/** What the app wants to load -> a model. Paths come from the command line only, never from the app. */

import { basename, join } from "node:path";
import { ModelFileError } from "@relprop/core";
import { zoo, zooEntry } from "@relprop/core/zoo";
import type { ModelSource, OfferedModel } from "@relprop/engine/engine";
import { readSource, type ReadSource } from "@relprop/engine/read-source";
import { loadModel } from "../models/load-model.ts";
import { megabyteText } from "../terminal/progress.ts";
import { isCached } from "../models/zoo-files.ts";

/** Models that can be had by name. */
export interface KnownModels {
  /** The app's own, with their cards, are in its folder `models`. */
  readonly appFolder: string;
  /** Names or paths from the command line. */
  readonly given: readonly string[];
}

/**
 * Loads a model that was sent, that the app ships, that the command line named, or of the zoo (which may fetch it).
 * @throws ModelFileError if there is none of that name, or it cannot be read.
 */
export async function loadSource(source: ModelSource, known: KnownModels): Promise<ReadSource> {
  if (source.kind === "file") return readSource(source.name, source.bytes, source.card);
  if (source.kind === "shipped") {
    // A name of a file in one folder, nothing that leads out of it.
    if (!/^[\w-]+$/.test(source.name)) throw noModel(source.name, known);
    return loadModel(join(known.appFolder, "models", `${source.name}.onnx`));
  }
  const path = known.given.find((each) => nameOf(each, known.given) === source.name);
  if (path !== undefined) return loadModel(path);
  if (zooEntry(source.name)) return loadModel(source.name);
  throw noModel(source.name, known);
}

/** What a model of the command line is called: its file's name, or its path where two have the same. */
export const nameOf = (path: string, given: readonly string[]): string =>
  given.filter((each) => basename(each) === basename(path)).length > 1 ? path : basename(path);

/** All models that the app may ask for by name, those of the command line first. */
export async function offeredModels({ given }: KnownModels): Promise<readonly OfferedModel[]> {
  const named = given.map((path): OfferedModel => ({
    name: nameOf(path, given),
    from: "command",
    about: path,
  }));
  const rest = zoo.filter((entry) => !given.includes(entry.name));
  const ofZoo = rest.map(async (entry): Promise<OfferedModel> => {
    const fetched = (await isCached(entry))
      ? "on this machine"
      : `fetched once, ${megabyteText(entry.weights.bytes)}`;
    return { name: entry.name, from: "zoo", about: fetched };
  });
  return [...named, ...(await Promise.all(ofZoo))];
}

function noModel(name: string, { given }: KnownModels): ModelFileError {
  const names = [...given.map((each) => nameOf(each, given)), ...zoo.map((entry) => entry.name)];
  return new ModelFileError({
    what: `there is no model "${name}"`,
    why: "it is neither of the zoo nor named on the command line",
    fix: `use one of ${names.join(", ")}, or start \`relprop studio path/to/model.onnx\``,
  });
}
