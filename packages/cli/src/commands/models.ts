/** `relprop models`: the models of the zoo, where they are on this machine, and the architectures of checkpoints. */

import type { Command } from "@commander-js/extra-typings";
import { ModelFileError } from "@relprop/core";
import { families, zoo, zooEntry, type ZooEntry } from "@relprop/core/zoo";
import { cacheFolder } from "../models/model-cache.ts";
import { megabyteText } from "../terminal/progress.ts";
import { say } from "../terminal/report.ts";
import { fetchWeights, isCached, weightsPath } from "../models/zoo-files.ts";

/** Adds the command to the program. @param done receives the exit status. */
export function addModels(program: Command, done: (status: number) => void): void {
  const models = program
    .command("models")
    .summary("models that can be fetched by name")
    .description("Lists, fetches and finds the models of the zoo.");
  models
    .command("list", { isDefault: true })
    .description("all models and whether they are on this machine")
    .action(async () => {
      for (const entry of zoo) {
        const here = (await isCached(entry)) ? "here" : megabyteText(entry.weights.bytes);
        process.stdout.write(`${entry.name.padEnd(12)} ${here.padStart(9)}  ${entry.summary}\n`);
      }
      for (const { name, summary } of families) {
        process.stdout.write(`${name.padEnd(12)} ${"your file".padStart(9)}  ${summary}\n`);
      }
      say(
        "your file: use --model PATH with a checkpoint (.pth, .pt, .safetensors); its weights tell its architecture",
      );
      say(`cached in ${cacheFolder()} (set RELPROP_CACHE to choose another folder)`);
      done(0);
    });
  models
    .command("pull")
    .argument("<name>")
    .description("fetches a model's weights, unless they are in the cache")
    .action(async (name) => {
      process.stdout.write(`${await fetchWeights(entryOf(name))}\n`);
      done(0);
    });
  models
    .command("path")
    .argument("<name>")
    .description("prints the path of a model's weights, fetched or not")
    .action((name) => {
      process.stdout.write(`${weightsPath(entryOf(name))}\n`);
      done(0);
    });
}

function entryOf(name: string): ZooEntry {
  const entry = zooEntry(name);
  if (entry) return entry;
  const isBuilt = families.some((family) => family.name === name);
  throw new ModelFileError({
    what: `there is no model "${name}"`,
    why: isBuilt ? "its weights are read from your own file: --model PATH" : "the zoo has none of that name",
    fix: `use ${zoo.map((each) => each.name).join(", ")}`,
  });
}
