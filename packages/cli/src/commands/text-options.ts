/** `--text` and its options: texts instead of images. */

import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { OptionError } from "@relprop/core";
import { whyUnread } from "../files/why-unread.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { collect, integer } from "./arguments.ts";
import { longFlag, type OptionTable, type ValuesOf } from "./options.ts";

export const textOptions = {
  text: {
    flag: "--text <text>",
    help: "a text; may be repeated",
    short: "a text instead of images; may be repeated",
    read: collect,
  },
  textFile: { flag: "--text-file <file>", help: "texts, one per line, empty lines left out; - is stdin" },
  pair: { flag: "--pair <text>", help: "a second text after each text, such as the context of a question" },
  tokenizer: {
    flag: "--tokenizer <file>",
    help: "the model's tokenizer.json (by default the one beside it)",
  },
  position: {
    flag: "--position <n>",
    help: "the token whose label or word is explained, from 0; −1 is the last; if repeated, their sum is explained",
    read: (text: string, before: number[] | undefined): number[] => [
      ...(before ?? []),
      integer(-100_000, 100_000)(text),
    ],
  },
  generate: {
    flag: "--generate <n>",
    help: "lets a language model write up to n words behind the text, and explains each from what stands before it",
    read: integer(1, 10_000),
  },
} as const satisfies OptionTable;

/** Texts to explain, and their options. */
export interface TextChoices {
  readonly texts: readonly string[];
  readonly model: string;
  readonly pair?: string;
  readonly tokenizer?: string;
  readonly positions: readonly number[];
  readonly generate?: number;
}

/**
 * The chosen texts and their options; undefined for images.
 * @param positional arguments without a flag: with texts, the model
 * @param table all options of the command
 * @param isGiven whether the user gave an option, by its name in the table
 * @throws OptionError for options that exclude each other, or an unreadable file of texts
 */
export async function textChoices(
  positional: readonly string[],
  values: ValuesOf<typeof textOptions> & { readonly model: string },
  table: OptionTable,
  isGiven: (name: string) => boolean,
): Promise<TextChoices | undefined> {
  const { text = [], textFile, pair, tokenizer, position, generate } = values;
  if (text.length === 0 && textFile === undefined) {
    const lone = Object.entries({ pair, tokenizer, position, generate }).find(
      ([, value]) => value !== undefined,
    );
    if (!lone) return undefined;
    throw new OptionError({
      what: `cannot use --${lone[0]}`,
      why: "it is an option of --text, and there is no text",
      fix: "add --text or --text-file",
    });
  }
  const unusable = Object.entries(table).flatMap(([name, data]) =>
    data.isOfPictures && isGiven(name) ? [longFlag(data)] : [],
  );
  if (unusable.length > 0) {
    throw new OptionError({
      what: `${unusable.join(", ")} and --text do not go together`,
      why: "they are options for pictures",
      fix: "leave out one or the other",
    });
  }
  const texts = [...text, ...(textFile === undefined ? [] : await readTexts(textFile))];
  return {
    texts,
    model: modelOf(positional, values.model, isGiven("model")),
    positions: position ?? [],
    ...withoutUndefined({ pair, tokenizer, generate }),
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
      why: `"${images[0]}" is read as an image`,
      fix: "name only the model's .onnx file",
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
        why: whyUnread(error),
      });
    },
  );
  const texts = content.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (texts.length > 0) return texts;
  throw new OptionError({ what: "no texts", why: `"${file}" is empty`, fix: "write one text per line" });
}
