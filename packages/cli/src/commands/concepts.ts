/** `relprop concepts`: which channels of a layer mattered, and where in the image each looked. */

import { Option, type Command } from "@commander-js/extra-typings";
import { explainConcepts } from "../explain-concepts.ts";
import { devices } from "../start-explainer.ts";
import { collect, given, integer, size } from "./arguments.ts";
import { compileFlags, compileOptions } from "./compile-options.ts";

const examples = `
Examples:
  relprop inspect resnet50                                    names the layers
  relprop concepts cat.png --layer NODE                       the five strongest channels for the best class
  relprop concepts cat.png --layer NODE --class "Egyptian cat" --count 10 -o concepts
  relprop concepts photos --model net.onnx --layer layer4.2.conv3 --json

A channel's share is the part of the layer's relevance that went through it; its heatmap is the relevance of the picture
that went through it alone (concept relevance propagation). Below 0 it speaks against the class. Colours of each heatmap
reach to its own largest relevance. DIR/concepts.json holds all numbers. Exit codes are those of explain.`;

/** Adds the command to the program. @param done called with the exit status. */
export function addConcepts(program: Command, done: (status: number) => void): void {
  const flags = compileFlags();
  program
    .command("concepts")
    .summary("which channels of a layer mattered, and where")
    .description("Shows the most relevant channels of a layer, and the heatmap of each.")
    .argument("<images...>", "files, folders (recursively) or quoted globs")
    .requiredOption("--layer <node>", "the node (or tensor) whose channels are looked at")
    .option("-m, --model <model>", "name of the zoo, .onnx file or checkpoint", "resnet50")
    .option("-c, --class <class>", "top1 … top5, an index or a name; may be repeated", collect)
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
    .option("--json", "one JSON record a class on stdout", false)
    .option("--quiet", "errors only", false)
    .addHelpText("after", examples)
    .action(async (images, options) => {
      const { model, device, layer, count, json, quiet, size, card, labels, input } = options;
      const status = await explainConcepts(images, {
        model,
        device,
        layer,
        count,
        json,
        quiet,
        load: given({ input: given({ size }), card, labels, inputName: input }),
        classes: options.class ?? [],
        compile: await compileOptions(options),
        folder: options.out,
      });
      done(status);
    });
}
