/** What config.json, as Hugging Face writes it, says of a text model. */

import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { OutputKind } from "@relprop/core";
import { problemKinds } from "@relprop/core/internal";
import { parseLabels } from "@relprop/core/zoo";
import { z } from "zod";
import { readJson } from "../files/read-json.ts";

/** What of a Hugging Face config.json is read. */
const configSchema = z.looseObject({
  id2label: z.record(z.string(), z.string()).nullish(),
  problem_type: z.string().nullish(),
  max_position_embeddings: z.int().positive().nullish(),
  n_positions: z.int().positive().nullish(),
});

/** What is known of a text model besides its graph. */
export interface TextConfig {
  readonly labels: readonly string[];
  /** How many classes there are, named or not. */
  readonly labelCount: number | undefined;
  /** What transformers' `problem_type` says that the output is. */
  readonly kind: OutputKind | undefined;
  /** Tokens of the longest text, if it is known. */
  readonly longest: number | undefined;
}

/**
 * config.json beside the model, else beside its tokenizer; what it does not say is left open.
 * @throws ModelFileError if it is there and cannot be read
 */
export async function readTextConfig(model: string, tokenizer: string): Promise<TextConfig> {
  for (const folder of [dirname(model), dirname(tokenizer)]) {
    const path = join(folder, "config.json");
    if ((await stat(path).catch(() => undefined))?.isFile() !== true) continue;
    const config = await readJson(path, configSchema);
    const names = config.id2label ? parseLabels(config.id2label, path) : [];
    // transformers' names for classes that nobody named.
    const labels = names.every((name) => /^LABEL \d+$/.test(name)) ? [] : names;
    const kind = problemKinds.get(config.problem_type);
    const labelCount = names.length > 0 ? names.length : undefined;
    const longest = config.max_position_embeddings ?? config.n_positions ?? undefined;
    return { labels, labelCount, kind, longest };
  }
  return { labels: [], labelCount: undefined, kind: undefined, longest: undefined };
}
