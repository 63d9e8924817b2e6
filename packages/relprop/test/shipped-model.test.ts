/** The model that the studio ships: whatever changes in the library, its first page must stay right. */

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Explainer, readAnswer, type CompositeName } from "../src/index.ts";
import { readModel, type Model } from "../src/onnx/index.ts";
import { preprocess, type Picture } from "../src/preprocess/index.ts";
import { parseModelCard, type ModelCard } from "../src/zoo/index.ts";

const studio = (path: string): string =>
  fileURLToPath(new URL(`../../studio/public/${path}`, import.meta.url));
const digits = Array.from({ length: 10 }, (_, digit) => digit);

let model: Model;
let card: ModelCard;
let pictures: readonly Picture[];

beforeAll(async () => {
  model = readModel(await readFile(studio("models/digits.onnx")));
  card = parseModelCard(JSON.parse(await readFile(studio("models/digits.card.json"), "utf8")));
  pictures = await Promise.all(digits.map((digit) => readPicture(studio(`gallery/digit-${digit}.png`))));
});

async function readPicture(path: string): Promise<Picture> {
  const { data, info } = await sharp(path)
    .toColourspace("srgb")
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

test("the shipped model is small, says how it is fed and suits the composite that the app starts with", async () => {
  const { byteLength } = await readFile(studio("models/digits.onnx"));
  expect(byteLength).toBeLessThan(400_000);
  expect(card.input).toMatchObject({ channels: "gray", layout: "NCHW", size: [28, 28], mean: [0], std: [1] });
  expect(card.input.scale).toBeCloseTo(1 / 255, 12);
  expect(card.labels).toEqual(digits.map(String));
  expect(model.graph.inputs).toMatchObject([{ name: "input", shape: [expect.any(String), 1, 28, 28] }]);
  expect(model.graph.outputs).toMatchObject([{ name: "output", shape: [expect.any(String), 10] }]);
  expect(readAnswer(model).composite).toBe("fischer");
});

describe.each(["fischer", "epsilon-plus"] as const)("%s on the gallery", (composite: CompositeName) => {
  let explainer: Explainer;
  beforeAll(() => {
    // No fallback: an operator without a rule would be an error.
    explainer = new Explainer({ ort, model, composite, reduce: "channels" });
  });
  afterAll(() => explainer.dispose());

  test("every digit is recognised", async () => {
    const { top } = await explainer.explain(preprocess(pictures, card.input));
    expect(top.map(([best]) => best?.index)).toEqual(digits);
  });

  test("relevance is finite, is there, and lies on and at the strokes", async () => {
    const input = preprocess(pictures, card.input);
    const { relevance } = await explainer.explain(input);
    expect(relevance.dims).toEqual([10, 28, 28]);
    expect(relevance.data.every(Number.isFinite)).toBe(true);
    for (const digit of digits) {
      const from = digit * 28 * 28;
      const isNear = nearStrokes(input.data.subarray(from, from + 28 * 28));
      const amount = relevance.data.subarray(from, from + 28 * 28).map(Math.abs);
      const total = sum(amount);
      const near = sum(amount.filter((_, i) => isNear[i]));
      const area = isNear.filter(Boolean).length / (28 * 28);
      expect(total, `digit ${digit}`).toBeGreaterThan(0);
      expect(area, `digit ${digit}`).toBeLessThan(0.6);
      expect(near / total, `digit ${digit}`).toBeGreaterThan(0.8);
    }
  });
});

const sum = (numbers: Float32Array): number => numbers.reduce((total, n) => total + n, 0);

/** Pixels that are ink or touch it within two pixels: contours and gaps count as much as ink. */
function nearStrokes(ink: Float32Array): boolean[] {
  return Array.from(ink, (_, i) => {
    const [row, column] = [Math.floor(i / 28), i % 28];
    for (let y = Math.max(0, row - 2); y <= Math.min(27, row + 2); y++) {
      for (let x = Math.max(0, column - 2); x <= Math.min(27, column + 2); x++) {
        if ((ink[y * 28 + x] ?? 0) > 0.2) return true;
      }
    }
    return false;
  });
}
