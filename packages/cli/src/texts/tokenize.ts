/** tokenizer.json -> token ids, by the Hugging Face library. */

import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { InputError, ModelFileError } from "@relprop/core";
import { z } from "zod";
import { excerpt } from "./plain-text.ts";
import { readJson } from "../files/read-json.ts";
import {
  readToken,
  readTokens,
  spaceMark,
  type RawToken,
  type ShownToken,
  type WordMarks,
} from "./token-text.ts";

/** The tokens of a text. */
export interface Tokenized {
  readonly tokens: readonly ShownToken[];
  /** 0 for the first text and 1 for the second, like BERT's `token_type_ids`. */
  readonly types: readonly number[];
}

/** Turns texts into tokens and back. */
export interface TextTokenizer {
  /** Path of its file. */
  readonly path: string;
  /**
   * @param pair a second text after the first
   * @throws InputError if the text is empty or the vocabulary lacks a part of it
   */
  encode(text: string, pair?: string): Tokenized;
  /** A text with one more token behind it. */
  extend(text: Tokenized, id: number): Tokenized;
  /** The single token of a word, preferably the one with a leading space; undefined if the word takes several. */
  wordId(word: string): number | undefined;
  /** A token as text, with a leading space if it starts a word. */
  textOf(id: number): string;
  /** The id of the padding token. */
  readonly padding: number | undefined;
  /** The mask token of a masked language model. */
  readonly mask: { readonly id: number; readonly text: string } | undefined;
  /** The maximum number of tokens in a text, if it is known. */
  readonly longest: number | undefined;
}

const fileName = "tokenizer.json";

const component = z.looseObject({ type: z.string().optional() }).nullish();

/** The fields of tokenizer.json that are read here; the library reads the rest. */
const tokenizerFile = z.looseObject({
  model: z.looseObject({
    type: z.string().optional(),
    unk_token: z.string().nullish(),
    continuing_subword_prefix: z.string().nullish(),
    end_of_word_suffix: z.string().nullish(),
  }),
  normalizer: component,
  pre_tokenizer: component,
  decoder: component,
  padding: z.looseObject({ pad_id: z.int().nonnegative() }).nullish(),
});

/** Older files write special tokens as objects. */
const specialToken = z.union([
  z.string(),
  z.looseObject({ content: z.string() }).transform(({ content }) => content),
]);

/** The fields of tokenizer_config.json that are read here. */
const configFile = z.looseObject({
  model_max_length: z.number().nullish(),
  unk_token: specialToken.nullish(),
  pad_token: specialToken.nullish(),
  mask_token: specialToken.nullish(),
});

/**
 * Finds the tokenizer of a model: beside it, or in the parent of a folder `onnx`, as in
 * repositories that hold a model in several formats.
 */
async function findTokenizer(model: string): Promise<string> {
  const folder = dirname(model);
  const places = [folder, ...(basename(folder) === "onnx" ? [dirname(folder)] : [])];
  for (const place of places) {
    const path = join(place, fileName);
    if ((await stat(path).catch(() => undefined))?.isFile()) return path;
  }
  throw new ModelFileError({
    what: `cannot turn texts into tokens for "${model}"`,
    why: `there is no ${fileName} beside it`,
    fix: "give the model's own tokenizer with --tokenizer FILE",
  });
}

/** Larger limits mean nothing: Hugging Face writes 1e30 for "not known". */
const maxTokens = 1e7;

/**
 * Reads a tokenizer, and tokenizer_config.json beside it if it exists.
 * @param given path of tokenizer.json. @default beside the model
 * @throws ModelFileError if it cannot be read, or the library does not know its kind
 */
export async function loadTokenizer(model: string, given?: string): Promise<TextTokenizer> {
  const path = given ?? (await findTokenizer(model));
  const file = await readJson(path, tokenizerFile);
  const configPath = join(dirname(path), "tokenizer_config.json");
  const hasConfig = (await stat(configPath).catch(() => undefined))?.isFile() === true;
  const config = hasConfig ? await readJson(configPath, configFile) : {};
  const unknown = config.unk_token ?? file.model.unk_token ?? undefined;
  const tokenizer = makeTokenizer(path, file, { ...config, unk_token: unknown });
  const added = tokenizer.get_added_tokens_decoder();
  const marks = wordMarks(file);
  const decode = (ids: number[]): string => tokenizer.decode(ids, { clean_up_tokenization_spaces: false });
  const rawOf = (id: number): RawToken => ({
    id,
    token: tokenizer.id_to_token(id) ?? `#${id}`,
    special: added.get(id)?.special === true,
  });
  const idOf = (token: string | null | undefined): number | undefined =>
    typeof token === "string" ? tokenizer.token_to_id(token) : undefined;
  const mask = idOf(config.mask_token) ?? idOf("[MASK]") ?? idOf("<mask>");
  const longest = config.model_max_length ?? undefined;
  return {
    path,
    encode: (text, pair) => {
      if (text.trim() === "") throw noText(text, "it is empty");
      const { ids, token_type_ids: types } = tokenizer.encode(text, {
        text_pair: pair ?? null,
        return_token_type_ids: true,
      });
      const missing = ids.findIndex((id) => !Number.isInteger(id));
      if (missing >= 0)
        throw noText(text, `"${path}" has no token for a part of it, and no token for unknown parts`);
      if (ids.length === 0) throw noText(text, `"${path}" makes no tokens of it`);
      return { tokens: readTokens(ids.map(rawOf), marks, decode), types: types ?? ids.map(() => 0) };
    },
    extend: ({ tokens, types }, id) => ({
      tokens: readTokens([...tokens.map((token) => token.id), id].map(rawOf), marks, decode),
      types: [...types, types.at(-1) ?? 0],
    }),
    wordId: (word) => {
      const bare = word.trim();
      const known = idOf(`${spaceMark(marks)}${bare}`) ?? idOf(bare);
      if (known !== undefined) return known;
      const { ids } = tokenizer.encode(word, { add_special_tokens: false });
      return ids.length === 1 ? ids[0] : undefined;
    },
    textOf: (id) => readToken(rawOf(id), marks, decode),
    padding: file.padding?.pad_id ?? idOf(config.pad_token) ?? idOf("[PAD]") ?? idOf("<pad>"),
    mask: mask === undefined ? undefined : { id: mask, text: tokenizer.id_to_token(mask) ?? "" },
    longest: longest !== undefined && longest < maxTokens ? longest : undefined,
  };
}

/** The used part of the library, whose own types TypeScript does not find. */
interface Library {
  encode(
    text: string,
    options: { text_pair?: string | null; add_special_tokens?: boolean; return_token_type_ids?: boolean },
  ): { ids: number[]; token_type_ids?: number[] };
  decode(ids: number[], options: { clean_up_tokenization_spaces: boolean }): string;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
  get_added_tokens_decoder(): Map<number, { readonly special: boolean }>;
}

function makeTokenizer(path: string, file: object, config: object): Library {
  try {
    const tokenizer: Library = new Tokenizer(file, config);
    return tokenizer;
  } catch (error) {
    throw unusable(path, error);
  }
}

function unusable(path: string, error: unknown): ModelFileError {
  return new ModelFileError(
    {
      what: `cannot use the tokenizer "${path}"`,
      why: error instanceof Error ? error.message : String(error),
      fix: "give the tokenizer.json that came with the model (--tokenizer FILE)",
    },
    { cause: error },
  );
}

const noText = (text: string, why: string): InputError =>
  new InputError({ what: `cannot explain the text ${excerpt(text)}`, why });

/** How words begin, judged by the parts of the tokenizer that handle spaces. */
function wordMarks({ model, normalizer, pre_tokenizer, decoder }: z.infer<typeof tokenizerFile>): WordMarks {
  if (JSON.stringify(decoder ?? {}).includes('"ByteLevel"')) return { kind: "bytes" };
  if (/"Metaspace"|▁/.test(JSON.stringify([normalizer, pre_tokenizer, decoder]))) return { kind: "spaces" };
  if (model.end_of_word_suffix) return { kind: "suffix", mark: model.end_of_word_suffix };
  const prefix = model.continuing_subword_prefix;
  if (prefix) return { kind: "prefix", mark: prefix };
  return { kind: "words" };
}
