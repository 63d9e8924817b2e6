/** `relprop concepts`: which channels of a layer mattered, and where in the image each looked. */

import { Option, type Command } from "@commander-js/extra-typings";
import { themes } from "@relprop/core/heatmap";
import { conceptExtras } from "../concepts/concept-answer.ts";
import { explainConcepts } from "../concepts/explain-concepts.ts";
import { devices } from "../sessions/start-explainer.ts";
import { answerFlags, answerChoices } from "./answer-options.ts";
import { collect, integer, size, words } from "./arguments.ts";
import { given } from "../given.ts";
import { compileFlags, compileOptions } from "./compile-options.ts";

const examples = `
Examples:
  relprop inspect resnet50                                    names the layers
  relprop concepts cat.png --layer NODE                       the five strongest channels for the best class
  relprop concepts cat.png --layer NODE --class "Egyptian cat" --count 10 -o concepts
  relprop concepts photos --model net.onnx --layer layer4.2.conv3 --json

A channel's heatmap is the relevance of the picture that flowed through it alone (concept relevance propagation); what flows
around the layer by skip connections is left out. Its share is of Σ|R| over the layer's channels; below 0 it speaks against
the class. Colours of each heatmap reach to its own largest relevance. DIR/*.concepts.png are contact sheets, one for each
picture and class; DIR/concepts.html shows them all, DIR/concepts.json holds all numbers. Exit codes are those of explain.`;

/** Adds the command to the program. @param done called with the exit status. */
export function addConcepts(program: Command, done: (status: number) => void): void {
  const flags = compileFlags();
  const ofAnswer = answerFlags();
  program
    .command("concepts")
    .summary("which channels of a layer mattered, and where")
    .description("Shows the most relevant channels of a layer, and the heatmap of each.")
    .argument("<images...>", "files, folders (recursively) or quoted globs")
    .requiredOption("--layer <node>", "the node (or tensor) whose channels are looked at")
    .option("-m, --model <model>", "name of the zoo, .onnx file or checkpoint", "resnet50")
    .option(
      "-c, --class <class>",
      "top1 … top5, an index (index:3 where names are numbers) or a name; may be repeated",
      collect,
    )
    .addOption(ofAnswer.target)
    .addOption(ofAnswer.pixel)
    .addOption(ofAnswer.box)
    .addOption(ofAnswer.scoreThreshold)
    .addOption(ofAnswer.iou)
    .addOption(ofAnswer.boxFormat)
    .option("-n, --count <n>", "channels for each image and class", integer(1, 100_000), 5)
    .option("-o, --out <dir>", "where results go", "concepts")
    .option("-r, --size <pixels>", "input size of the network, one number or H,W", size)
    .addOption(
      new Option("-d, --device <device>", "where to run; gpu is cuda")
        .choices(devices)
        .default("cpu" as const),
    )
    .option("--card <file>", "a model card; else <model>.card.json beside the model")
    .option("--labels <file>", "class names: JSON, or one a line")
    .addOption(flags.composite)
    .addOption(flags.dialect)
    .addOption(flags.strides)
    .addOption(flags.activations)
    .addOption(flags.epsilon)
    .addOption(flags.stabilizer)
    .addOption(flags.zeroBias)
    .addOption(flags.gamma)
    .addOption(flags.alpha)
    .addOption(flags.beta)
    .addOption(flags.low)
    .addOption(flags.high)
    .addOption(flags.rule)
    .addOption(flags.fallback)
    .addOption(flags.input)
    .addOption(flags.output)
    .addOption(flags.outputKind)
    .addOption(flags.start)
    .addOption(
      new Option("--theme <theme>", "what contact sheets are drawn on")
        .choices(themes)
        .default("light" as const),
    )
    .option("--save <list>", `besides: ${conceptExtras.join(", ")}`, words(conceptExtras))
    .option("--json", "one JSON record a class on stdout", false)
    .option("--quiet", "errors only", false)
    .option("--force", "write also over files that relprop did not write", false)
    .addHelpText("after", examples)
    .action(async (images, options) => {
      const { model, device, layer, count, json, quiet, force, size, card, labels, input } = options;
      const status = await explainConcepts(images, {
        model,
        device,
        layer,
        count,
        json,
        quiet,
        force,
        theme: options.theme,
        extras: options.save ?? [],
        load: given({ input: given({ size }), card, labels, inputName: input }),
        ...answerChoices(options),
        compile: await compileOptions(options),
        folder: options.out,
      });
      done(status);
    });
}
