/** Loads the model that the app asks for. Paths come from the command line only, never from the app. */

import { basename, join } from "node:path";
import { ModelFileError, type FixedInputs } from "@relprop/core";
import { zoo, zooEntry } from "@relprop/core/zoo";
import type { ModelSource, OfferedModel } from "@relprop/engine/engine";
import { readSource, type ReadSource } from "@relprop/engine/read-source";
import { withoutUndefined } from "../without-undefined.ts";
import { loadModel } from "../models/load-model.ts";
import { megabyteText } from "../terminal/progress.ts";
import { isCached } from "../models/zoo-files.ts";

/** Models that are available by name. */
export interface KnownModels {
  /** The folder of the app; the shipped models and their cards are in its folder `models`. */
  readonly appFolder: string;
  /** Names or paths from the command line. */
  readonly given: readonly string[];
  /** What inputs of the models of the command line are fixed to. */
  readonly set?: FixedInputs;
}

/**
 * Loads a model that was sent, shipped with the app, named on the command line, or in the zoo (which may fetch it).
 * @throws ModelFileError if no model has that name, or it cannot be read.
 */
export async function loadSource(source: ModelSource, known: KnownModels): Promise<ReadSource> {
  if (source.kind === "file") return readSource(source.name, source.bytes, source.card);
  if (source.kind === "shipped") {
    // The name of a file in one folder, without path separators.
    if (!/^[\w-]+$/.test(source.name)) throw noModel(source.name, known);
    return loadModel(join(known.appFolder, "models", `${source.name}.onnx`));
  }
  const path = known.given.find((each) => nameOf(each, known.given) === source.name);
  if (path !== undefined) return loadModel(path, withoutUndefined({ set: known.set }));
  if (zooEntry(source.name)) return loadModel(source.name);
  throw noModel(source.name, known);
}

/** The name of a model of the command line: its file's name, or its path if two files have the same name. */
export const nameOf = (path: string, given: readonly string[]): string =>
  given.filter((each) => basename(each) === basename(path)).length > 1 ? path : basename(path);

/** All models that the app may request by name, those of the command line first. */
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
      : `downloaded once, ${megabyteText(entry.weights.bytes)}`;
    return { name: entry.name, from: "zoo", about: fetched };
  });
  return [...named, ...(await Promise.all(ofZoo))];
}

function noModel(name: string, { given }: KnownModels): ModelFileError {
  const names = [...given.map((each) => nameOf(each, given)), ...zoo.map((entry) => entry.name)];
  return new ModelFileError({
    what: `there is no model "${name}"`,
    why: "it is neither in the zoo nor named on the command line",
    fix: `use one of ${names.join(", ")}, or start \`relprop studio path/to/model.onnx\``,
  });
}
