/** What the app wants to load -> a model. Paths come from the command line only, never from the app. */

import { basename, join } from "node:path";
import { ModelFileError } from "relprop";
import { zoo, zooEntry } from "relprop/zoo";
import type { ModelSource } from "../../../studio/src/engine/engine.ts";
import { readSource, type ReadSource } from "../../../studio/src/engine/read-source.ts";
import { loadModel } from "../load-model.ts";

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
  const path = known.given.find((each) => each === source.name || basename(each) === source.name);
  if (path !== undefined) return loadModel(path);
  if (zooEntry(source.name)) return loadModel(source.name);
  throw noModel(source.name, known);
}

function noModel(name: string, { given }: KnownModels): ModelFileError {
  const names = [...given.map((each) => basename(each)), ...zoo.map((entry) => entry.name)];
  return new ModelFileError({
    what: `there is no model "${name}"`,
    why: "it is neither of the zoo nor named on the command line",
    fix: `use one of ${names.join(", ")}, or start \`relprop studio path/to/model.onnx\``,
  });
}
