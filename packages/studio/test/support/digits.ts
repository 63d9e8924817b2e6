/** The shipped model and the digits of the gallery, without a browser. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import type { Page } from "playwright-core";
import { parseModelCard } from "@relprop/core/zoo";
import sharp from "sharp";
import type { ExplainResult, Picture } from "@relprop/engine/engine";
import { ModelRunner } from "@relprop/engine/model-runner";
import { readSource } from "@relprop/engine/read-source";

/** A file that the app is built with. */
export const publicFile = (path: string): string =>
  fileURLToPath(new URL(`../../public/${path}`, import.meta.url));

/** The shipped model on onnxruntime-node. */
export async function startDigits(): Promise<ModelRunner> {
  const card = parseModelCard(JSON.parse(await readFile(publicFile("models/digits.card.json"), "utf8")));
  const bytes = await readFile(publicFile("models/digits.onnx"));
  return new ModelRunner("digits", await readSource("digits.onnx", bytes, card), { ort });
}

/** A picture of the gallery as it is. */
export async function readPicture(file: string): Promise<Picture> {
  const { data, info } = await sharp(publicFile(`gallery/${file}`))
    .toColourspace("srgb")
    .ensureAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: new Uint8ClampedArray(data), width: info.width, height: info.height };
}

/** The whole prediction of a picture, as it is usually explained. */
export const explainPrediction = (
  runner: ModelRunner,
  picture: Picture,
  keep = 0.1,
): Promise<ExplainResult> =>
  runner.explain({
    picture,
    composite: runner.loaded.composite,
    target: { kind: "prediction" },
    keep,
  });

/**
 * Takes the relevance of a digit of the gallery from the page, as NPY, and compares it with what onnxruntime-node gives:
 * the largest difference, as a share of the largest |R|.
 * @param keep the relevance filter that the page has
 */
export async function differenceFromNode(page: Page, file: string, keep?: number): Promise<number> {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "NPY" }).click();
  const npy = await readFile(await (await download).path());
  const runner = await startDigits();
  const expected = (await explainPrediction(runner, await readPicture(file), keep)).relevance.data;
  await runner.dispose();
  const count = expected.length;
  const data = Array.from(expected, (_, i) => npy.readFloatLE(npy.length - 4 * (count - i)));
  const differences = data.map((value, i) => Math.abs(value - (expected[i] ?? 0)));
  return Math.max(...differences) / Math.max(...data.map(Math.abs));
}
