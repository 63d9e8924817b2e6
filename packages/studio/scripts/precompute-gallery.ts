/**
 * Explains the gallery with the shipped model, so that the app shows heatmaps before the model has loaded. Writes
 * public/gallery/gallery.json. Run it after the model or a picture changed: `npm run precompute --workspace relprop-studio`.
 */

import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { parseModelCard } from "relprop/zoo";
import sharp from "sharp";
import { ModelRunner } from "../src/engine/model-runner.ts";
import { readSource } from "../src/engine/read-source.ts";
import type { Gallery, GalleryEntry } from "../src/pictures/gallery.ts";

const publicFolder = fileURLToPath(new URL("../public/", import.meta.url));
const model = "digits";

/** Does the work. */
export async function main(): Promise<void> {
  const card = parseModelCard(JSON.parse(await readFile(`${publicFolder}models/${model}.card.json`, "utf8")));
  const bytes = await readFile(`${publicFolder}models/${model}.onnx`);
  const runner = new ModelRunner(model, await readSource(`${model}.onnx`, bytes, card), { ort });
  const files = (await readdir(`${publicFolder}gallery`)).filter((file) => file.endsWith(".png")).sort();
  const pictures: GalleryEntry[] = [];
  for (const file of files) pictures.push(await entry(runner, file));
  await runner.dispose();
  const gallery: Gallery = { model, pictures };
  await writeFile(`${publicFolder}gallery/gallery.json`, `${JSON.stringify(gallery, undefined, 1)}\n`);
}

async function entry(runner: ModelRunner, file: string): Promise<GalleryEntry> {
  const { data, info } = await sharp(`${publicFolder}gallery/${file}`)
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { composite } = runner.loaded;
  const picture = { data: new Uint8ClampedArray(data), width: info.width, height: info.height };
  const { relevance, logits, top } = await runner.explain({
    picture,
    composite,
    target: { kind: "prediction" },
    keep: 0,
  });
  const digit = /\d/.exec(file)?.[0] ?? "";
  return {
    file,
    alt: `a handwritten ${digit}`,
    composite,
    relevance: Buffer.from(relevance.data.buffer).toString("base64"),
    size: [relevance.height, relevance.width],
    logits: Array.from(logits),
    top,
  };
}
