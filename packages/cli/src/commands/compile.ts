/** `relprop compile`: writes a model that also outputs its relevance. */

import { realpath } from "node:fs/promises";
import { basename } from "node:path";
import type { Command } from "@commander-js/extra-typings";
import {
  compile,
  compileMethod,
  OptionError,
  parseTarget,
  type Compiled,
  type CompileOptions,
} from "@relprop/core";
import { writeModel } from "@relprop/core/onnx";
import { cardOptions } from "../models/card-options.ts";
import { loadCompilable, weightBytes } from "../models/load-model.ts";
import { Inputs, refuseKept, type Guard } from "../files/guard.ts";
import { optionsOfMethod } from "../run/method-choice.ts";
import { isOwnModel } from "../files/own-files.ts";
import { megabyteText } from "../terminal/progress.ts";
import { say } from "../terminal/report.ts";
import { writeGuarded } from "../files/write-file.ts";
import { size } from "./arguments.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { chosenOptions } from "./chosen-options.ts";
import { methodChoice, methodOptions } from "./method-options.ts";
import { addHelp, addOptions, inGroup, type OptionTable } from "./options.ts";
import { compileOptions, modelOptions, relevanceOptions } from "./relevance-options.ts";

const table = {
  out: { flag: "-o, --out <file>", help: "the .onnx file to write", short: true, isRequired: true },
  target: {
    flag: "--target <what>",
    help: "compiled in: a class, an element such as 0,6,27, or top1; by default, each run takes it as an input",
    short: true,
    read: target,
  },
  explain: {
    flag: "--explain <inputs>",
    help: "all inputs to explain, separated by commas",
    short: true,
    read: names,
  },
  size: { flag: "--size <h,w>", help: "input size, where the model leaves it open", short: true, read: size },
  externalData: {
    flag: "--external-data",
    help: "writes the weights to <file>.data, as for models above 2 GB",
    short: true,
    default: false,
  },
  quiet: { flag: "--quiet", help: "errors only", short: true, default: false },
  force: {
    flag: "--force",
    help: "also overwrite a file that relprop did not write",
    short: true,
    default: false,
  },
  ...inGroup("How relevance is computed:", { ...relevanceOptions, ...modelOptions }),
  ...inGroup("Methods other than relevance propagation:", {
    ...methodOptions,
    layer: { flag: "--layer <node>", help: "where relevance stops; with grad-cam, the feature map" },
  }),
} as const satisfies OptionTable;

const examples = `Examples:
  relprop compile net.onnx -o net.lrp.onnx --composite epsilon-plus-flat
  relprop compile resnet50 -o resnet50.lrp.onnx --composite fischer --reduce channels --top-k 0.1
  relprop compile net.onnx -o net.lrp.onnx --target 0,6,27   one element, compiled in
  relprop compile net.onnx -o net.ig.onnx --method integrated-gradients --steps 64

The result is an ordinary ONNX model: the same inputs and outputs, and the output "relevance"; with
several inputs "relevance.NAME" for each of the others. Composite, seed and filter are chosen as
\`relprop explain\` chooses them. Unless relevance starts at the softmax, or --target is given, it
has the input "target" (float32, shaped like the explained output, 1 at the class); with --top-k
input, the input "keep"; with --ledger, the output "ledger".`;

/** A protobuf file must stay below 2 GiB; weights above this size go into a separate file. */
const maxWeightBytes = 2e9;

/** Adds the command to the program. @param done receives the exit status. */
export function addCompile(program: Command, done: (status: number) => void): void {
  const command = program
    .command("compile")
    .summary("the explanation as an ONNX model")
    .description("Compiles a model's explanation into its graph.")
    .argument("<model>", "name of the zoo, .onnx file or checkpoint");
  addHelp(addOptions(command, table), table, { short: examples, all: examples }).action(
    async (name, options) => {
      const { size, quiet, out, externalData, force, target, explain, layer } = options;
      const method = methodChoice(options);
      const relevance = await compileOptions(options);
      const data = `${out}.data`;
      const guard = (files: readonly string[]): Promise<Guard> => guardOf(out, data, force, [name, ...files]);
      await refuseKept(externalData ? [out, data] : [out], await guard([]));
      const loaded = await loadCompilable(name, withoutUndefined({ size, quiet }));
      const { sha256 } = loaded;
      const sized = withoutUndefined({
        size: loaded.isSized ? undefined : size,
        sourceSha256: sha256,
        target,
      });
      const common: CompileOptions = {
        ...relevance,
        ...cardOptions(loaded.card, loaded.model.graph, relevance),
        ...sized,
        ...withoutUndefined({ layer, explain }),
      };
      const compiled = method
        ? compileMethod(loaded.model, optionsOfMethod(method, common))
        : compile(loaded.model, chosenOptions(loaded, common));
      const isLarge = weightBytes(compiled.model) > maxWeightBytes;
      const external = { location: basename(data) };
      const file = writeModel(compiled.model, externalData || isLarge ? { external } : {});
      // Data first: data without a model does less harm than a model without its data.
      const whole = await guard(loaded.files);
      await refuseKept([out], whole);
      if (file.external?.byteLength) await writeGuarded(data, file.external.chunks, whole);
      await writeGuarded(out, file.chunks, whole);
      const { composite, seed, reduce, topK: filter, strides } = compiled.settings;
      if (!quiet) {
        const how = method ? `method ${method.method}` : `composite ${composite}`;
        const explained = compiled.inputs.map(({ input, relevance: name }) => `${name} of "${input.name}"`);
        const { kind, why } = compiled.facts;
        say(`output "${compiled.outputName}" is read as ${kind}: ${why}`);
        say(`gives ${explained.join(", ")}${needed(compiled)}`);
        const settings = `${how} · seed ${seed} · reduce ${reduce} · filter ${filter === 0 ? "off" : filter} · strides ${strides}`;
        say(
          `${out}: ${megabyteText(file.byteLength)}, ${compiled.model.graph.nodes.length} nodes · ${settings}`,
        );
      }
      done(0);
    },
  );
}

/** Lists the inputs that a run needs besides the model's own. */
const needed = ({ added }: Compiled): string =>
  added.length === 0
    ? ""
    : `; a run is also given ${added.map(({ name, shape }) => `${name} [${shape.join(", ")}]`).join(", ")}`;

/** Checks the form of a compiled-in target; its meaning depends on the output. */
function target(text: string): string {
  if (text !== "top1" && text !== "input") parseTarget(text);
  return text;
}

function names(text: string): string[] {
  return text.split(",").map((name) => name.trim());
}

/** Protects all files of the source model, and files that relprop did not compile. */
async function guardOf(out: string, data: string, force: boolean, inputs: readonly string[]): Promise<Guard> {
  const files = new Set<string>();
  // Checked only once: after its weights are overwritten, the model can no longer be read.
  let isKnown: boolean | undefined;
  const isOurs = (): boolean => (isKnown ??= isOwnModel(out, files));
  return {
    force,
    // A data file carries no mark: it is ours if one of our models refers to it.
    isOurs: async (path) => isOurs() && (path !== data || files.has(await realpath(path))),
    inputs: await Inputs.of("it is the model to compile", inputs),
    Refusal: OptionError,
  };
}
