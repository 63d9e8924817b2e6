/** `relprop explain`: photos in, heatmaps out; texts in, coloured tokens out. */

import { availableParallelism } from "node:os";
import { Option, type Command } from "@commander-js/extra-typings";
import { colormapNames, normalizations, themes } from "@relprop/core/heatmap";
import { explainImages } from "../images/explain-images.ts";
import { explainTexts } from "../texts/explain-texts.ts";
import { devices } from "../sessions/start-explainer.ts";
import { extras, styles } from "../images/image-files.ts";
import { answerFlags, answerChoices } from "./answer-options.ts";
import { collect, integer, number, numbers, ratio, size, words } from "./arguments.ts";
import { given } from "../given.ts";
import { compileFlags, compileOptions } from "./compile-options.ts";
import { methodFlags, methodChoice, needs } from "./method-options.ts";
import { textFlags, textChoices } from "./text-options.ts";

const examples = `
Examples:
  relprop explain photo.jpg                          where the network looked, with ResNet-50
  relprop explain photos -o out --class top3         for and against each of the three best classes
  relprop explain cat.png --class "tabby cat" --class 282 --style figure
  relprop explain cat.png --class "Egyptian cat" --against lynx   why the one and not the other
  relprop explain cat.png --class top1 --ledger      also says how much relevance reached the picture
  relprop explain cat.png --style figure --save svg  a figure for a paper, as PNG and as SVG
  relprop explain cat.png --composite mine.json --dialect captum --zero-bias
  relprop explain cat.png --method integrated-gradients --steps 64
  relprop explain "in/**/*.jpg" --model vgg16-397923af.pth -k 0.05 -d cuda -b 8
  relprop explain street.jpg --model segmenter.onnx --class road     the places where it wins
  relprop explain street.jpg --model detector.onnx --box 1 --box 2 --class person
  relprop explain x.png --model net.onnx --target 0,6,27             one element of any output
  relprop explain bert.onnx --text "A film to remember." --class positive
  relprop explain x.png --model net.onnx --size 224 --mean 0.5,0.5,0.5 --std 0.5,0.5,0.5 --labels names.txt

Without --class a classifier of ReLUs is explained by the composite fischer: one map of where it looked. With --class, and
for values and sigmoids, the map is signed: red speaks for the class or raises the value, blue speaks against it. What the
output is (classes, values, a map, boxes …) is read from the model and printed; --output-kind says it where that is wrong. DIR/index.html shows all results. A second run redoes
only what changed, and no run writes over a file that relprop did not write. Texts are printed in the colours of their tokens' relevance; DIR/texts.html shows them again. Exit
codes: 0 done, 1 some images or texts failed, 2 usage, 3 model cannot be explained, 4 model or tokenizer cannot be
loaded, 130 interrupted.`;

/** Adds the command to the program. @param done called with the exit status. */
export function addExplain(program: Command, done: (status: number) => void): void {
  const flags = compileFlags();
  const forTexts = textFlags();
  const ofAnswer = answerFlags();
  const ofMethod = methodFlags("the feature map of grad-cam (the last before the model pools)");
  program
    .command("explain")
    .summary("photos or texts in, heatmaps out")
    .description("Shows which pixels, or which tokens of a text, made a network answer as it did.")
    .argument("[images...]", "files, folders (recursively) or quoted globs; with --text the model")
    .option("-m, --model <model>", "name of the zoo, .onnx file or checkpoint", "resnet50")
    .option(
      "-c, --class <class>",
      "top1 … top5, an index (index:3 where names are numbers) or a name; may be repeated",
      collect,
    )
    .option("--against <class>", "explains each class rather than this one: an index or a name")
    .addOption(ofAnswer.target)
    .addOption(ofAnswer.pixel)
    .addOption(ofAnswer.box)
    .option("-i, --images <dir>", "more images; may be repeated", collect)
    .option("-o, --out <dir>", "where results go", "heatmaps")
    .option("-k, --top-k <fraction>", "relevance filter: fraction kept at each layer, 0 is off", number(0, 1))
    .option("-r, --size <pixels>", "input size of the network, one number or H,W", size)
    .option("-b, --batch <n>", "images at a time", integer(1, 4096), 1)
    .option(
      "-j, --jobs <n>",
      "images read, and images written, at a time while the network runs (2 to 4, as there are processors)",
      integer(1, 64),
    )
    .addOption(
      new Option("-d, --device <device>", "where to run; gpu is cuda")
        .choices(devices)
        .default("cpu" as const),
    )
    .addOption(flags.composite)
    .addOption(flags.dialect)
    .addOption(flags.seed)
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
    .addOption(flags.reduce)
    .addOption(flags.input)
    .addOption(flags.output)
    .addOption(flags.outputKind)
    .addOption(flags.start)
    .addOption(flags.ledger)
    .optionsGroup("Boxes of detectors:")
    .addOption(ofAnswer.scoreThreshold)
    .addOption(ofAnswer.iou)
    .addOption(ofAnswer.boxFormat)
    .optionsGroup("Other methods, in place of relevance propagation:")
    .addOption(ofMethod.method)
    .addOption(ofMethod.steps)
    .addOption(ofMethod.samples)
    .addOption(ofMethod.layer)
    .optionsGroup("Texts, in place of images:")
    .addOption(forTexts.text)
    .addOption(forTexts.textFile)
    .addOption(forTexts.pair)
    .addOption(forTexts.tokenizer)
    .addOption(forTexts.position)
    .optionsGroup("How pictures are fed to a model (else its card says, or a guess that is printed):")
    .option("--card <file>", "a model card; else <model>.card.json beside the model")
    .addOption(new Option("--layout <axes>", "order of the input's axes").choices(["NCHW", "NHWC"] as const))
    .addOption(
      new Option("--channels <order>", "colours the network takes").choices(["RGB", "BGR", "gray"] as const),
    )
    .option("--scale <s>", "what pixels 0..255 are multiplied by, as 1/255", ratio)
    .option("--mean <m>", "subtracted then, one number a channel", numbers)
    .option("--std <s>", "divided by at last, one number a channel", numbers)
    .option("--labels <file>", "class names: JSON, or one a line")
    .optionsGroup("What is written:")
    .option("--style <list>", `of ${styles.join(", ")}`, words(styles), [
      "picture",
      "heatmap",
      "overlay",
    ] as const)
    .addOption(
      new Option("--theme <theme>", "what figures are drawn on").choices(themes).default("light" as const),
    )
    .option("--save <list>", `besides: ${extras.join(", ")} (of the figure)`, words(extras))
    .addOption(new Option("--colormap <name>", "colours of the heatmap").choices(colormapNames))
    .addOption(
      new Option("--normalize <way>", "how relevance is spread over the colours").choices(normalizations),
    )
    .option("--level <x>", "contrast, 1 changes nothing", number(1e-6))
    .option(
      "--clip <percent>",
      "percentile drawn as the end of the colours (99.5 if signed, else 100)",
      number(50.1, 100),
    )
    .option("--json", "one JSON record a class on stdout, a summary at the end", false)
    .option("--quiet", "errors only", false)
    .option(
      "--force",
      "write all results anew: also those that are up to date, also over files that relprop did not write",
      false,
    )
    .option("--no-cache", "compile the model anew and do not keep it for the next run")
    .addHelpText("after", examples)
    .action(async (images, options, command) => {
      const { layout, size, channels, scale, mean, std, card, labels, input, quiet, json } = options;
      let interruptions = 0;
      const onInterrupt = (): void => {
        // The second Ctrl-C does not wait.
        if (++interruptions > 1) process.exit(130);
      };
      const isInterrupted = (): boolean => interruptions > 0;
      process.on("SIGINT", onInterrupt);
      try {
        const { topK, normalize, colormap, against, device } = options;
        const ofTexts = await textChoices(
          images,
          options,
          (name) => command.getOptionValueSource(name as keyof typeof options) === "cli",
        );
        const method = methodChoice(options);
        if (options.layer !== undefined && method === undefined) throw needs("--layer", "grad-cam");
        const { detection, ...choices } = answerChoices(options);
        const shared = {
          ...choices,
          compile: { ...(await compileOptions(options)), ...given({ topK }) },
          device,
          folder: options.out,
          force: options.force,
          quiet,
          json,
          ...given({ against, method, colormap, normalize, level: options.level, clip: options.clip }),
        };
        if (ofTexts) {
          const { texts, ...rest } = ofTexts;
          done(await explainTexts(texts, { ...shared, ...rest, ...given({ labels }) }, isInterrupted));
          return;
        }
        const status = await explainImages(
          [...images, ...(options.images ?? [])],
          {
            ...shared,
            ...given({ detection }),
            model: options.model,
            load: given({
              input: given({ layout, size, channels, scale, mean, std }),
              card,
              labels,
              inputName: input,
            }),
            batch: options.batch,
            cache: options.cache,
            jobs: options.jobs ?? Math.min(4, Math.max(2, availableParallelism())),
            styles: options.style,
            extras: options.save ?? [],
            theme: options.theme,
          },
          isInterrupted,
        );
        done(status);
      } finally {
        process.off("SIGINT", onInterrupt);
      }
    });
}
