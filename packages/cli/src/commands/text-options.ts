/** `--text` and what goes with it: texts in place of images. */

import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { Option } from "@commander-js/extra-typings";
import { OptionError } from "@relprop/core";
import { collect, integer } from "./arguments.ts";
import { given } from "../given.ts";

/** What commander reads from {@link textFlags}. */
export interface TextFlags {
  readonly text?: string[];
  readonly textFile?: string;
  readonly pair?: string;
  readonly tokenizer?: string;
  readonly position?: number[];
}

type Flag<Usage extends string, Value = undefined> = Option<Usage, undefined, undefined, Value, false>;

/** One for each property of {@link TextFlags}. */
export interface TextFlagSet {
  readonly text: Flag<"--text <text>", string[]>;
  readonly textFile: Flag<"--text-file <file>">;
  readonly pair: Flag<"--pair <text>">;
  readonly tokenizer: Flag<"--tokenizer <file>">;
  readonly position: Flag<"--position <n>", number[]>;
}

/** Makes the flags. A new set each time: commander changes them. */
export function textFlags(): TextFlagSet {
  return {
    text: new Option("--text <text>", "a text; may be repeated").argParser(collect),
    textFile: new Option("--text-file <file>", "texts, one a line, empty lines left out; - is stdin"),
    pair: new Option("--pair <text>", "a second text behind each, as the context of a question"),
    tokenizer: new Option("--tokenizer <file>", "the model's tokenizer.json (else the one beside it)"),
    position: new Option(
      "--position <n>",
      "the token whose label or word is explained, from 0; −1 is the last; repeated, they are added up",
    ).argParser((text, before: number[] | undefined) => [
      ...(before ?? []),
      integer(-100_000, 100_000)(text),
    ]),
  };
}

/** Flags that are about pictures, by the name commander gives their values. */
const imageFlags: Readonly<Record<string, string>> = {
  images: "--images",
  size: "--size",
  batch: "--batch",
  layer: "--layer",
  reduce: "--reduce",
  card: "--card",
  layout: "--layout",
  channels: "--channels",
  scale: "--scale",
  mean: "--mean",
  std: "--std",
  style: "--style",
  save: "--save",
  theme: "--theme",
  target: "--target",
  pixel: "--pixel",
  box: "--box",
  scoreThreshold: "--score-threshold",
  iou: "--iou",
  boxFormat: "--box-format",
};

/** Texts that were asked for. */
export interface TextChoices {
  readonly texts: readonly string[];
  readonly model: string;
  readonly pair?: string;
  readonly tokenizer?: string;
  readonly positions: readonly number[];
}

/**
 * What the flags say about texts; undefined if images are asked for.
 * @param positional what is named without a flag: with texts, the model
 * @param isGiven whether the user gave a flag, by the name commander gives its value
 * @throws OptionError for flags that do not go together, or a file of texts that cannot be read
 */
export async function textChoices(
  positional: readonly string[],
  flags: TextFlags & { readonly model: string },
  isGiven: (name: string) => boolean,
): Promise<TextChoices | undefined> {
  const { text = [], textFile, pair, tokenizer, position } = flags;
  if (text.length === 0 && textFile === undefined) {
    const lone = Object.entries({ pair, tokenizer, position }).find(([, value]) => value !== undefined);
    if (!lone) return undefined;
    throw new OptionError({
      what: `cannot use --${lone[0]}`,
      why: "it is an option of --text, and there is no text",
      fix: "add --text or --text-file",
    });
  }
  const vain = Object.entries(imageFlags).flatMap(([name, flag]) => (isGiven(name) ? [flag] : []));
  if (vain.length > 0) {
    throw new OptionError({
      what: `${vain.join(", ")} and --text do not go together`,
      why: "they are about pictures",
      fix: "leave one or the other out",
    });
  }
  const texts = [...text, ...(textFile === undefined ? [] : await readTexts(textFile))];
  return {
    texts,
    model: modelOf(positional, flags.model, isGiven("model")),
    positions: position ?? [],
    ...given({ pair, tokenizer }),
  };
}

function modelOf(positional: readonly string[], model: string, isGiven: boolean): string {
  const [first, ...more] = positional;
  if (isGiven && first === undefined) return model;
  if (!isGiven && first !== undefined && more.length === 0 && /\.onnx$/i.test(first)) return first;
  const images =
    isGiven || first === undefined ? positional : positional.filter((name) => !/\.onnx$/i.test(name));
  if (images.length > 0) {
    throw new OptionError({
      what: "images and --text do not go together",
      why: `"${images[0]}" would be an image`,
      fix: "name the model's .onnx file only",
    });
  }
  throw new OptionError({
    what: "cannot explain texts",
    why: first === undefined ? "no model is named" : `${positional.length} models are named`,
    fix: "relprop explain MODEL.onnx --text …",
  });
}

async function readTexts(file: string): Promise<string[]> {
  const content = await (file === "-" ? readStream(process.stdin) : readFile(file, "utf8")).catch(
    (error: unknown) => {
      throw new OptionError({
        what: `cannot read the texts of "${file}"`,
        why: error instanceof Error ? error.message : String(error),
      });
    },
  );
  const texts = content.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (texts.length > 0) return texts;
  throw new OptionError({ what: "no texts", why: `"${file}" holds none`, fix: "write one a line" });
}
