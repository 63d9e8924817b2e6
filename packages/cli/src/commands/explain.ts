/** `relprop explain`: photos and films in, heatmaps out; texts in, coloured tokens out. */

import type { Command } from "@commander-js/extra-typings";
import { OptionError } from "@relprop/core";
import { colormapNames, normalizations } from "@relprop/core/heatmap";
import { withoutUndefined } from "../without-undefined.ts";
import { explainArrays } from "../arrays/explain-arrays.ts";
import { extras, styles } from "../images/image-files.ts";
import { readLabels } from "../models/zoo-files.ts";
import { usualJobs } from "../run/run-inputs.ts";
import { isSilent, say } from "../terminal/report.ts";
import { refuseFilmChoices } from "../films/film-run.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { explainTexts } from "../texts/explain-texts.ts";
import { answerChoices, answerOptions, boxOptions } from "./answer-options.ts";
import { arrayOptions } from "./array-options.ts";
import { collect, integer, number, words } from "./arguments.ts";
import { explainPictures } from "./explain-pictures.ts";
import { filmChoices, filmOptions } from "./film-options.ts";
import { methodChoice, methodOptions, needs } from "./method-options.ts";
import { addHelp, addOptions, inGroup, type OptionTable } from "./options.ts";
import { feedOptions, inputOptions, reportOptions, runOptions, themeOption } from "./picture-options.ts";
import { refuseWindows } from "../sounds/sound-plan.ts";
import { sourceKinds } from "./source-kinds.ts";
import { compileOptions, modelOptions, relevanceOptions } from "./relevance-options.ts";
import { textChoices, textOptions } from "./text-options.ts";

const imageOptions = {
  ...runOptions,
  ...answerOptions,
  against: {
    flag: "--against <class>",
    help: "explains each class compared to this one: an index or a name",
    short: "explains each class compared to this one",
  },
  images: {
    flag: "-i, --images <dir>",
    help: "more images; may be repeated",
    read: collect,
    isOfPictures: true,
  },
  out: {
    flag: "-o, --out <dir>",
    help: "where results go: a folder; for one film also its name, such as out.mp4",
    short: "where results go",
    default: "heatmaps",
  },
  batch: {
    flag: "-b, --batch <n>",
    help: "images at a time",
    short: true,
    read: integer(1, 4096),
    default: 1,
    isOfPictures: true,
  },
  jobs: {
    flag: "-j, --jobs <n>",
    help: "images to read, and to write, at a time while the network runs (2 to 4, by number of processors)",
    read: integer(1, 64),
  },
  cache: { flag: "--no-cache", help: "compile the model again and do not cache the result" },
} as const satisfies OptionTable;

const fileOptions = {
  style: {
    flag: "--style <list>",
    help: `one or more of ${styles.join(", ")}`,
    short: `one or more of ${styles.join(", ")}`,
    read: words(styles),
    default: ["picture", "heatmap", "overlay"],
    isOfPictures: true,
  },
  theme: themeOption,
  save: {
    flag: "--save <list>",
    help: `also writes: ${extras.join(", ")} (svg of the figure)`,
    short: true,
    read: words(extras),
    isOfPictures: true,
  },
  colormap: { flag: "--colormap <name>", help: "colours of the heatmap", choices: colormapNames },
  normalize: {
    flag: "--normalize <way>",
    help: "how relevance is mapped to the colours",
    choices: normalizations,
  },
  level: { flag: "--level <x>", help: "contrast; 1 is neutral", read: number(1e-6) },
  clip: {
    flag: "--clip <percent>",
    help: "percentile at the end of the colours (99.5 if signed, else 100)",
    read: number(50.1, 100),
  },
  ...reportOptions,
  force: {
    flag: "--force",
    help: "write all results again, even if they are up to date, and overwrite files that relprop did not write",
    short: "write all results again, and overwrite other files",
    default: false,
  },
} as const satisfies OptionTable;

const table = {
  ...imageOptions,
  ...inGroup("How relevance is computed:", {
    ...relevanceOptions,
    topK: {
      flag: "-k, --top-k <fraction>",
      help: "relevance filter: fraction kept at each layer; 0 is off",
      read: number(0, 1),
    },
    ...modelOptions,
  }),
  ...inGroup("Boxes of detectors:", boxOptions),
  ...inGroup("Methods other than relevance propagation:", methodOptions),
  ...inGroup("Arrays, tables, signals and sounds, instead of images:", arrayOptions),
  ...inGroup("Films:", filmOptions),
  ...inGroup("Texts instead of images:", textOptions),
  ...inGroup(
    "How pictures are preprocessed (by default as the model card says, or as guessed and printed):",
    feedOptions,
  ),
  ...inGroup("What is written:", fileOptions),
};

const shortExamples = `Examples:
  relprop explain photo.jpg                          where the network looked, with ResNet-50
  relprop explain photos -o out --class top3         for and against each of the three best classes
  relprop explain x.png --model net.onnx --size 224 --labels names.txt
  relprop explain bert.onnx --text "A film to remember." --class positive

Exit codes: 0 done, 1 some failed, 2 usage, 3 not explainable, 4 not loaded, 5 system, 130 stopped.`;

const examples = `Examples:
  relprop explain photo.jpg                          where the network looked, with ResNet-50
  relprop explain photos -o out --class top3         for and against each of the three best classes
  relprop explain cat.png --class "tabby cat" --class 282 --style figure
  relprop explain cat.png --class "Egyptian cat" --against lynx   why one rather than the other
  relprop explain cat.png --class top1 --ledger      also says how much relevance reached the picture
  relprop explain cat.png --style figure --save svg  a figure for a paper, as PNG and as SVG
  relprop explain cat.png --composite mine.json --dialect captum --zero-bias
  relprop explain cat.png --method integrated-gradients --steps 64
  relprop explain "in/**/*.jpg" --model vgg16-397923af.pth -k 0.05 -d cuda -b 8
  relprop explain street.jpg --model segmenter.onnx --class road     the places where it wins
  relprop explain street.jpg --model detector.onnx --box 1 --box 2 --class person
  relprop explain x.png --model net.onnx --target 0,6,27             one element of any output
  relprop explain bert.onnx --text "A film to remember." --class positive
  relprop explain clip.mp4 -o out.mp4 --from 0:10 --to 0:20          a film, its sound kept
  relprop explain x.png --model net.onnx --size 224 --mean 0.5,0.5,0.5 --std 0.5,0.5,0.5 --labels names.txt

Without --class a classifier of ReLUs is explained by the composite fischer: one map of where it
looked. With --class, for values and sigmoids, and for arrays, tables and texts, relevance is signed:
red speaks for the class (without --class the best one) or raises the value, blue speaks against it;
networks of ReLUs are explained by epsilon-plus-ones then, those with attention by attnlrp, others by
epsilon-plus. What the output is (classes, values, a map, boxes …) is
read from the model and printed; --output-kind says it where that is wrong. DIR/index.html shows all
results. A second run redoes only what changed, and no run writes over a file that relprop did not
write. Texts are printed in the colours of their tokens' relevance; DIR/texts.html shows them again.
Exit codes: 0 done, 1 some images or texts failed, 2 usage, 3 model cannot be explained, 4 model or
tokenizer cannot be loaded, 5 the system refused something (disk full), 130 interrupted.`;

/** Adds the command to the program. @param done receives the exit status. */
export function addExplain(program: Command, done: (status: number) => void): void {
  const command = program
    .command("explain")
    .summary("photos or texts in, heatmaps out")
    .description("Shows which pixels, or which tokens of a text, made a network answer as it did.")
    .argument("[images...]", "files, folders (recursively) or quoted globs; with --text the model");
  addHelp(addOptions(command, table), table, { short: shortExamples, all: examples }).action(
    async (images, options) => {
      const { card, labels, quiet, json } = options;
      const { normalize, colormap, against, device, cache, force } = options;
      const ofTexts = await textChoices(
        images,
        options,
        table,
        (name) => command.getOptionValueSource(name as never) === "cli",
      );
      const method = methodChoice(options);
      if (options.layer !== undefined && method === undefined) throw needs("--layer", "grad-cam");
      const { detection, ...choices } = answerChoices(options);
      const input = await inputOptions(options);
      const { folder, films } = await filmChoices(options.out, options);
      // Fixed when the model is loaded, since its inputs are fed here.
      const { set, ...compile } = await compileOptions(options);
      const shared = {
        ...choices,
        compile,
        device,
        force,
        quiet,
        json,
        cache,
        folder,
        jobs: options.jobs ?? usualJobs(),
        ...withoutUndefined({
          against,
          method,
          colormap,
          normalize,
          level: options.level,
          clip: options.clip,
        }),
      };
      const sources = [...images, ...(options.images ?? [])];
      const kinds = ofTexts
        ? { areArrays: false, hasFilms: false, leftOut: [] }
        : await sourceKinds(sources, options.model, options.feed !== undefined);
      if (!isSilent(options))
        for (const files of kinds.leftOut)
          say(`${files} left out: the model ${kinds.areArrays ? "sees no pictures" : "hears no sounds"}`);
      // Films have a stretch, too.
      if (!kinds.areArrays) refuseWindows(withoutUndefined({ window: options.window, hop: options.hop }));
      if (films.film !== undefined && (ofTexts || kinds.areArrays)) {
        throw new OptionError({
          what: `cannot write the results to "${options.out}"`,
          why: `it is a film, and ${ofTexts ? "texts" : "arrays"} are explained`,
          fix: "name a folder with -o",
        });
      }
      const features =
        options.labelsInput === undefined
          ? undefined
          : await readLabels(options.labelsInput, "names of the features");
      const isStyleGiven = command.getOptionValueSource("style") === "cli";
      const isBatchGiven = command.getOptionValueSource("batch") === "cli";
      const status = await interruptible((interrupted) => {
        if (kinds.areArrays) {
          refuseExtras(options.save);
          refuseFilmChoices(films);
          const { columns, rate, window, hop, from, to, figures, feed = new Map<string, string>() } = options;
          return explainArrays(
            sources,
            {
              ...shared,
              ...withoutUndefined({
                detection,
                card,
                labels,
                set,
                columns,
                rate,
                window,
                hop,
                from,
                to,
                features,
              }),
              hasFilms: kinds.hasFilms,
              ...(isBatchGiven && { batch: options.batch }),
              model: options.model,
              feeds: feed,
              figures: options.style.includes("figure") || !isStyleGiven ? figures : 0,
              svg: options.save?.includes("svg") === true,
              theme: options.theme,
              pictures: input,
            },
            interrupted,
          );
        }
        if (ofTexts) {
          const { texts, ...rest } = ofTexts;
          return explainTexts(
            texts,
            { ...shared, ...rest, batch: 1, ...withoutUndefined({ labels, set }) },
            interrupted,
          );
        }
        const ofImages = {
          ...shared,
          ...withoutUndefined({ detection }),
          model: options.model,
          load: withoutUndefined({ input, card, labels, set }),
          batch: options.batch,
          styles: options.style,
          extras: options.save ?? [],
          theme: options.theme,
        };
        return explainPictures(sources, ofImages, films, interrupted);
      });
      done(status);
    },
  );
}

/** @throws OptionError for files that arrays have none of */
function refuseExtras(save: readonly string[] = []): void {
  if (!save.includes("json")) return;
  throw new OptionError({
    what: "cannot save json",
    why: "arrays are explained, and a file may have millions of rows",
    fix: "take --json, which prints a record for each: relprop explain … --json > records.jsonl",
  });
}
