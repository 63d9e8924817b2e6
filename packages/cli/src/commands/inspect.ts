/** `relprop inspect`: what can be explained, by which rule, and what prevents it. */

import type { Command } from "@commander-js/extra-typings";
import picocolors from "picocolors";
import { inspect, inspectionText, type CompileOptions, type Inspection } from "@relprop/core";
import { exitCodes } from "../terminal/exit-codes.ts";
import { cardOptions } from "../models/card-options.ts";
import { loadCompilable } from "../models/load-model.ts";
import { size } from "./arguments.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { chosenOptions } from "./chosen-options.ts";
import { addHelp, addOptions, inGroup, type OptionTable } from "./options.ts";
import { compileOptions, modelOptions, relevanceOptions } from "./relevance-options.ts";

const table = {
  size: { flag: "--size <h,w>", help: "input size, where the model leaves it open", short: true, read: size },
  layer: { flag: "--layer <node>", help: "where relevance stops", short: true },
  json: { flag: "--json", help: "the inspection as JSON", short: true, default: false },
  ...inGroup("How relevance is computed:", { ...relevanceOptions, ...modelOptions }),
} as const satisfies OptionTable;

const examples = `Examples:
  relprop inspect net.onnx                             every node, its rule, and why
  relprop inspect net.onnx --composite epsilon-plus-flat --rule "layer4.*=gamma:0.1"
  relprop inspect net.onnx --composite mine.json --dialect captum
  relprop inspect net.onnx --json | jq '.obstacles'

Nodes are marked ✓ explained, · carries no relevance, ✗ refused, ? behind one that is refused. It
takes the options of compile, all but those of other methods, and says what compile would do. For a
compiled explanation it says how it was made. schema/inspection.schema.json describes what --json
prints. Exit codes: 0 compile would succeed (or the model is compiled already), 3 it would not.`;

/** Adds the command to the program. @param done receives the exit status. */
export function addInspect(program: Command, done: (status: number) => void): void {
  const command = program
    .command("inspect")
    .summary("what can be explained, and what prevents it")
    .description("Shows what relevance does at each node of a model, before anything is compiled.")
    .argument("<model>", "name of the zoo, .onnx file or checkpoint");
  addHelp(addOptions(command, table), table, { short: examples, all: examples }).action(
    async (name, options) => {
      const { size, json, layer } = options;
      const relevance = await compileOptions(options);
      const loaded = await loadCompilable(name, withoutUndefined({ size, quiet: json }));
      const { model } = loaded;
      const said: CompileOptions = {
        ...relevance,
        ...cardOptions(loaded.card, loaded.model.graph, relevance),
        ...withoutUndefined({ layer, size: loaded.isSized ? undefined : size }),
      };
      const isCompiled = model.metadata["relprop.composite"] !== undefined;
      const inspection = inspect(model, isCompiled ? said : chosenOptions(loaded, said));
      const text = json ? JSON.stringify(inspection, undefined, 2) : colored(inspectionText(inspection));
      process.stdout.write(`${text}\n`);
      done(statusOf(inspection));
    },
  );
}

const statusOf = ({ canCompile, explanation }: Inspection): number =>
  canCompile || explanation ? exitCodes.done : exitCodes.unexplainable;

/** Colours the lines of nodes by state, if the output is a terminal. */
function colored(text: string): string {
  const color = picocolors.createColors(picocolors.isColorSupported && process.stdout.isTTY === true);
  const paint = (line: string): string => {
    if (line.startsWith("✗")) return color.red(line);
    return line.startsWith("·") ? color.dim(line) : line;
  };
  return text.split("\n").map(paint).join("\n");
}
