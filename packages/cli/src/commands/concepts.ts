/** `relprop concepts`: which channels of a layer mattered, and which parts of the image they respond to. */

import type { Command } from "@commander-js/extra-typings";
import { conceptExtras } from "../concepts/concept-answer.ts";
import { explainConcepts } from "../concepts/explain-concepts.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { usualJobs } from "../run/run-inputs.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { answerChoices, answerOptions, boxOptions } from "./answer-options.ts";
import { integer, words } from "./arguments.ts";
import { addHelp, addOptions, inGroup, without, type OptionTable } from "./options.ts";
import { feedOptions, reportOptions, runOptions, themeOption } from "./picture-options.ts";
import { compileOptions, modelOptions, relevanceOptions } from "./relevance-options.ts";

const { card, labels } = feedOptions;

const conceptOptions = {
  layer: {
    flag: "--layer <node>",
    help: "the node (or tensor) whose channels are shown",
    short: true,
    isRequired: true,
  },
  ...runOptions,
  ...answerOptions,
  count: {
    flag: "-n, --count <n>",
    help: "channels for each image and class",
    short: true,
    read: integer(1, 100_000),
    default: 5,
  },
  out: { flag: "-o, --out <dir>", help: "where results go", short: true, default: "concepts" },
  card,
  labels,
  theme: { ...themeOption, help: "background of contact sheets" },
  save: {
    flag: "--save <list>",
    help: `also writes: ${conceptExtras.join(", ")}`,
    short: true,
    read: words(conceptExtras),
  },
  ...reportOptions,
  force: {
    flag: "--force",
    help: "also overwrite files that relprop did not write",
    short: true,
    default: false,
  },
} as const satisfies OptionTable;

const table = {
  ...conceptOptions,
  ...inGroup("Boxes of detectors:", boxOptions),
  // Channel relevance always starts at one answer, without filter and with a ledger.
  ...inGroup("How relevance is computed:", {
    ...without(relevanceOptions, "seed", "topK", "ledger"),
    ...without(modelOptions, "reduce"),
  }),
};

const examples = `Examples:
  relprop inspect resnet50                names the layers
  relprop concepts cat.png --layer NODE   the five strongest channels for the best class
  relprop concepts cat.png --layer NODE --class "Egyptian cat" --count 10 -o concepts
  relprop concepts photos --model net.onnx --layer layer4.2.conv3 --json

A channel's heatmap is the relevance of the picture that flowed through it alone (concept relevance
propagation); what flows around the layer by skip connections is left out. Its share is of Σ|R| over
the layer's channels; below 0 it speaks against the class. Each heatmap is scaled to its own
largest relevance. DIR/*.concepts.png are contact sheets, one for each picture and class;
DIR/concepts.html shows them all, DIR/concepts.json holds all numbers. Exit codes are those of
explain.`;

/** Adds the command to the program. @param done receives the exit status. */
export function addConcepts(program: Command, done: (status: number) => void): void {
  const command = program
    .command("concepts")
    .summary("which channels of a layer mattered, and where")
    .description("Shows the most relevant channels of a layer, and the heatmap of each.")
    .argument("<images...>", "files, folders (recursively) or quoted globs");
  addHelp(addOptions(command, table), table, { short: examples, all: examples }).action(
    async (images, options) => {
      const { model, device, layer, count, json, quiet, force, size, card, labels } = options;
      const { set, ...compile } = await compileOptions(options);
      const ofConcepts = {
        model,
        device,
        layer,
        count,
        json,
        quiet,
        force,
        batch: 1,
        cache: true,
        jobs: usualJobs(),
        theme: options.theme,
        extras: options.save ?? [],
        load: withoutUndefined({ input: withoutUndefined({ size }), card, labels, set }),
        ...answerChoices(options),
        compile,
        folder: options.out,
      };
      const status = await interruptible((interrupted) => explainConcepts(images, ofConcepts, interrupted));
      done(status);
    },
  );
}
