/** `relprop cache`: the folder of models and compiled forms: where it is, whether it is whole, and how it is cleared. */

import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Argument, type Command } from "@commander-js/extra-typings";
import { zoo } from "@relprop/core/zoo";
import { cacheFolder } from "../models/model-cache.ts";
import { damagedWeights } from "../models/zoo-files.ts";
import { damagedFiles } from "../sessions/compiled-cache.ts";
import { damagedEntries } from "../sessions/optimized-cache.ts";
import { exitCodes } from "../terminal/exit-codes.ts";

/** The folders of the cache; all can be made again, `models` and `npm` by fetching. */
const parts = ["models", "npm", "compiled", "optimized"] as const;

/** Adds the command to the program. @param done receives the exit status. */
export function addCache(program: Command, done: (status: number) => void): void {
  const cache = program
    .command("cache")
    .summary("what relprop keeps on this machine")
    .description(
      "Fetched models, compiled models and what ONNX Runtime made of them. All of it can be made again.",
    );
  cache
    .command("path", { isDefault: true })
    .description("prints the folder; RELPROP_CACHE chooses another one")
    .action(() => {
      process.stdout.write(`${cacheFolder()}\n`);
      done(exitCodes.done);
    });
  cache
    .command("verify")
    .description("compares all files with the checksums that were taken when they were written")
    .action(async () => {
      const damaged = [
        ...(await damagedWeights(zoo)),
        ...(await damagedFiles()),
        ...(await damagedEntries()),
      ];
      for (const path of damaged) process.stdout.write(`damaged: ${path}\n`);
      process.stdout.write(
        damaged.length === 0
          ? "all files are as they were written\n"
          : "relprop uses none of these, and makes them anew; `relprop cache clear` removes them now\n",
      );
      done(damaged.length === 0 ? exitCodes.done : exitCodes.someFailed);
    });
  cache
    .command("clear")
    .addArgument(new Argument("[parts...]", "which").choices(parts).default([...parts], "all"))
    .description(
      "removes the files: models and npm are fetched again when they are needed, the others made again",
    )
    .action(async (which) => {
      for (const part of which) {
        const folder = join(cacheFolder(), part);
        const count = (await readdir(folder).catch(() => [])).length;
        await rm(folder, { recursive: true, force: true });
        process.stdout.write(`${part}: ${count === 0 ? "nothing was there" : "removed"}\n`);
      }
      done(exitCodes.done);
    });
}
