/** Hugging Face files beside a model: preprocessing and class names. */

import { readFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { readHubConfig, type HubConfig, type HubFile } from "@relprop/core/zoo";
import { jsonOf } from "./zoo-files.ts";

/**
 * Reads `preprocessor_config.json` and `config.json` in the model's folder, or in the parent of a folder named
 * `onnx`, as exporters lay it out; undefined if both are missing.
 * @throws ModelFileError if a card cannot express the preprocessing.
 */
export async function hubConfigBeside(model: string): Promise<HubConfig | undefined> {
  const folder = dirname(resolve(model));
  const folders = basename(folder) === "onnx" ? [folder, dirname(folder)] : [folder];
  for (const each of folders) {
    const preprocessor = await jsonFile(join(each, "preprocessor_config.json"));
    // Many programs have a config.json; a hub's has one of these keys.
    const config = await jsonFile(join(each, "config.json"), /"(?:pretrained_cfg|id2label)"/);
    if (preprocessor || config) {
      return readHubConfig({ ...(preprocessor ? { preprocessor } : {}), ...(config ? { config } : {}) });
    }
  }
  return undefined;
}

async function jsonFile(file: string, content = /./): Promise<HubFile | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  return text === undefined || !content.test(text) ? undefined : { json: jsonOf(text, file), file };
}
