/** `relprop evaluate`: how faithful explanations are, measured. */

import type { Command } from "@commander-js/extra-typings";
import { baselineNames, baselines, metricNames, OptionError } from "@relprop/core";
import { evaluatePictures } from "../evaluate/evaluate-pictures.ts";
import { metricText } from "../evaluate/evaluation-text.ts";
import { trivialMaps } from "@relprop/core/internal";
import { readMethods } from "../evaluate/methods.ts";
import { usualJobs } from "../run/run-inputs.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { answerChoices, answerOptions, boxOptions } from "./answer-options.ts";
import { integer, words } from "./arguments.ts";
import { addHelp, addOptions, inGroup, without, type OptionTable } from "./options.ts";
import { feedOptions, inputOptions, reportOptions, runOptions, themeOption } from "./picture-options.ts";
import { sourceKinds } from "./source-kinds.ts";
import { compileOptions, modelOptions } from "./relevance-options.ts";

const list = (text: string): string[] => text.split(",").map((part) => part.trim());

const evaluateOptions = {
  methods: {
    flag: "--methods <list>",
    help: `what is compared: composites, methods, files of composites (.json), and ${Object.entries(
      trivialMaps,
    )
      .map((each) => each.join(", "))
      .join(", and ")}`,
    short: "what is compared: fischer, grad-cam, mine.json …",
    read: list,
    default: ["fischer", "epsilon-plus", "grad-cam", "input-x-gradient", "random"],
  },
  ...runOptions,
  ...answerOptions,
  metrics: {
    flag: "--metrics <list>",
    help: `what is measured: ${metricNames.join(", ")}`,
    short: "what is measured: srg, deletion, insertion …",
    read: words(metricNames),
    default: ["srg", "deletion", "insertion"],
  },
  reference: {
    flag: "--reference <method>",
    help: "the method that others are compared with (the first one)",
    short: true,
  },
  baseline: {
    flag: "--baseline <name>",
    help: `what removed parts are filled with: ${baselineNames.map((name) => `${name} (${baselines[name]})`).join("; ")}`,
    short: `what removed parts are filled with: ${baselineNames.join(", ")}`,
    choices: baselineNames,
    default: "mean",
  },
  patch: {
    flag: "--patch <pixels>",
    help: "side of the patches (a sixteenth of the input's shorter side: 14 of 224)",
    short: true,
    read: integer(1, 4096),
  },
  steps: {
    flag: "--steps <n>",
    help: "points of a curve; more cost as many more runs of the network",
    short: true,
    read: integer(1, 100_000),
    default: 32,
  },
  subsets: {
    flag: "--subsets <n>",
    help: "random subsets, for metrics that draw them",
    read: integer(3, 100_000),
    default: 100,
  },
  randomSeed: {
    flag: "--random-seed <n>",
    help: "seed of all random numbers",
    read: integer(0, 2 ** 31),
    default: 1,
  },
  masks: {
    flag: "--masks <dir>",
    help: "folder of masks, white where the object is, called as the pictures: NAME.png",
  },
  out: { flag: "-o, --out <dir>", help: "where results go", short: true, default: "evaluation" },
  batch: {
    flag: "-b, --batch <n>",
    help: "changed pictures in one run of the network",
    short: true,
    read: integer(1, 4096),
    default: 16,
  },
  cache: { flag: "--no-cache", help: "compile the model again and do not cache the result" },
  theme: { ...themeOption, help: "background of the curves and the contact sheet" },
  ...reportOptions,
  force: {
    flag: "--force",
    help: "measure everything again, and overwrite files that relprop did not write",
    short: "measure everything again, and overwrite other files",
    default: false,
  },
} as const satisfies OptionTable;

const table = {
  ...evaluateOptions,
  ...inGroup("How the model is read:", without(modelOptions, "reduce")),
  ...inGroup("Boxes of detectors:", boxOptions),
  ...inGroup(
    "How pictures are preprocessed (by default as the model card says, or as guessed and printed):",
    feedOptions,
  ),
};

const short = `Examples:
  relprop evaluate photos                            five methods on ResNet-50, by deletion and insertion
  relprop evaluate photos --methods fischer,epsilon-plus-flat,grad-cam,mine.json --model net.onnx
  relprop evaluate photos --metrics srg,road,sparseness --baseline blur -o out`;

const all = `${short}

${metricNames.map(metricText).join("\n")}

The answer that is watched is the probability of the best class, or of --class. Outputs without a
probability (values, scores) are watched as they are. Pictures whose answer is about 0 and maps with
numbers that are NaN are left out and named. Patches over padding are never removed.
DIR/evaluation.html shows the table, the curves and a contact sheet, DIR/evaluation.json holds all
numbers. A second run measures only what is new. Exit codes are those of explain.`;

/** Adds the command to the program. @param done receives the exit status. */
export function addEvaluate(program: Command, done: (status: number) => void): void {
  const command = program
    .command("evaluate")
    .summary("how faithful explanations are, measured")
    .description("Removes what maps call relevant, and measures what the network's answer loses.")
    .argument("<images...>", "files, folders (recursively) or quoted globs");
  addHelp(addOptions(command, table), table, { short, all }).action(async (images, options) => {
    const { model, device, card, labels, json, quiet, force, cache, theme } = options;
    const { metrics, baseline, patch, steps, subsets, randomSeed, masks } = options;
    const methods = await readMethods(options.methods);
    const names = methods.map(({ name }) => name);
    const reference = options.reference ?? names[0] ?? "";
    if (!names.includes(reference)) {
      throw new OptionError({
        what: `cannot compare with "${reference}"`,
        why: `--methods are ${names.join(", ")}`,
        fix: "name it in --methods, too",
      });
    }
    if ((await sourceKinds(images, model, false)).areArrays) {
      throw new OptionError({
        what: "cannot evaluate arrays, tables or sounds",
        why: "this command removes patches of pictures",
        fix: "call evaluate() of the library @relprop/core, which takes arrays of any shape",
      });
    }
    const { set, ...compile } = await compileOptions(options);
    const input = await inputOptions(options);
    const chosen = {
      ...answerChoices(options),
      compile,
      model,
      device,
      json,
      quiet,
      force,
      cache,
      theme,
      metrics,
      baseline,
      patch,
      steps,
      subsets,
      masks,
      methods,
      reference,
      seed: randomSeed,
      changed: options.batch,
      batch: 1,
      jobs: usualJobs(),
      load: withoutUndefined({ input, card, labels, set }),
      folder: options.out,
    };
    done(await interruptible((interrupted) => evaluatePictures(images, chosen, interrupted)));
  });
}
