/** Reads the description of a text model in Hugging Face's config.json. */

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { OutputKind } from "@relprop/core";
import { problemKinds } from "@relprop/core/internal";
import { parseLabels } from "@relprop/core/zoo";
import { z } from "zod";
import { readJson } from "../files/read-json.ts";

/** The fields of config.json that are read. */
const configSchema = z.looseObject({
  id2label: z.record(z.string(), z.string()).nullish(),
  problem_type: z.string().nullish(),
  max_position_embeddings: z.int().positive().nullish(),
  n_positions: z.int().positive().nullish(),
  eos_token_id: z.union([z.int(), z.array(z.int())]).nullish(),
});

/** Facts about a text model from outside its graph. */
export interface TextConfig {
  readonly labels: readonly string[];
  /** The number of classes, named or not. */
  readonly labelCount: number | undefined;
  /** The kind of output, from transformers' `problem_type`. */
  readonly kind: OutputKind | undefined;
  /** The maximum number of tokens in a text, if it is known. */
  readonly longest: number | undefined;
  /** Tokens that end a text. */
  readonly ends: readonly number[];
}

/**
 * Reads config.json beside the model, else beside its tokenizer; absent fields stay open.
 * @throws ModelFileError if the file exists but cannot be read
 */
export async function readTextConfig(model: string, tokenizer: string): Promise<TextConfig> {
  for (const folder of [dirname(model), dirname(tokenizer)]) {
    const path = join(folder, "config.json");
    if ((await stat(path).catch(() => undefined))?.isFile() !== true) continue;
    const config = await readJson(path, configSchema);
    const names = config.id2label ? parseLabels(config.id2label, path) : [];
    // transformers' default names of classes.
    const labels = names.every((name) => /^LABEL \d+$/.test(name)) ? [] : names;
    const kind = problemKinds.get(config.problem_type);
    const labelCount = names.length > 0 ? names.length : undefined;
    const longest = config.max_position_embeddings ?? config.n_positions ?? undefined;
    const ends = [config.eos_token_id ?? []].flat();
    return { labels, labelCount, kind, longest, ends };
  }
  return { labels: [], labelCount: undefined, kind: undefined, longest: undefined, ends: [] };
}
