/** `relprop models`: what the zoo has, and where it is on this machine. */

import type { Command } from "@commander-js/extra-typings";
import { ModelFileError } from "relprop";
import { zoo, zooEntry, type ZooEntry } from "relprop/zoo";
import { cacheFolder } from "../model-cache.ts";
import { megabyteText } from "../progress.ts";
import { say } from "../report.ts";
import { fetchWeights, isCached, weightsPath } from "../zoo-files.ts";

/** Adds the command to the program. @param done called with the exit status. */
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
        process.stdout.write(`${entry.name.padEnd(10)} ${here.padStart(9)}  ${entry.summary}\n`);
      }
      say(`kept in ${cacheFolder()} (RELPROP_CACHE chooses another folder)`);
      done(0);
    });
  models
    .command("pull")
    .argument("<name>")
    .description("fetches a model's weights, unless they are here")
    .action(async (name) => {
      process.stdout.write(`${await fetchWeights(entryOf(name))}\n`);
      done(0);
    });
  models
    .command("path")
    .argument("<name>")
    .description("where a model's weights are, or would be")
    .action((name) => {
      process.stdout.write(`${weightsPath(entryOf(name))}\n`);
      done(0);
    });
}

function entryOf(name: string): ZooEntry {
  const entry = zooEntry(name);
  if (entry) return entry;
  throw new ModelFileError({
    what: `there is no model "${name}"`,
    why: "the zoo has none of that name",
    fix: `use ${zoo.map((each) => each.name).join(", ")}`,
  });
}
