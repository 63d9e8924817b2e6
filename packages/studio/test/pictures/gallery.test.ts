/** The galleries: which model gets which, and that what is shown before a model has loaded is what it will give. */

import { readFile, stat } from "node:fs/promises";
import { zoo } from "@relprop/core/zoo";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import type { PlaceRelevance } from "@relprop/engine/engine";
import {
  galleryFor,
  galleryNames,
  galleryOf,
  labelsOf,
  relevanceFile,
  type Gallery,
  type GalleryEntry,
} from "../../src/pictures/gallery.ts";
import { readRelevance, storedPrecision, writeRelevance } from "../../src/pictures/stored-relevance.ts";
import { explainPrediction, publicFile, readPicture, startDigits } from "../support/digits.ts";

const read = async (name: string): Promise<Gallery> =>
  JSON.parse(await readFile(publicFile(`gallery/${name}.json`), "utf8")) as Gallery;

async function storedOf({ input }: Gallery, entry: GalleryEntry): Promise<PlaceRelevance> {
  const bytes = new Uint8Array(await readFile(publicFile(`gallery/${relevanceFile(entry)}`)));
  const [height, width] = input.size;
  return { data: await readRelevance(bytes, entry.peak), height, width };
}

const input = (channels: "RGB" | "BGR" | "gray", height: number, width = height) => ({
  input: {
    layout: "NCHW",
    size: [height, width],
    resize: "exact",
    channels,
    scale: 1,
    mean: [0],
    std: [1],
  } as const,
});

describe("the gallery of a model", () => {
  test.each([
    ["gray", 28, 28, "digits"],
    ["gray", 32, 32, "digits"],
    ["gray", 224, 224, undefined],
    ["gray", 28, 280, undefined],
    ["RGB", 224, 224, "photos"],
    ["BGR", 299, 299, "photos"],
    ["RGB", 64, 96, "photos"],
    ["RGB", 32, 32, undefined],
    ["RGB", 28, 224, undefined],
  ] as const)("%s, %i × %i: %s", (channels, height, width, gallery) => {
    expect(galleryFor(input(channels, height, width))).toBe(gallery);
  });

  test("the zoo's networks get photos, and one of them is known before it has loaded", () => {
    for (const { card } of zoo) expect(galleryFor(card), card.name).toBe("photos");
    expect(galleryOf({ kind: "zoo", name: "resnet50" })).toBe("photos");
    expect(galleryOf({ kind: "zoo", name: "vgg16" })).toBeUndefined();
    expect(galleryOf({ kind: "shipped", name: "digits" })).toBe("digits");
    expect(galleryOf({ kind: "file", name: "digits" })).toBeUndefined();
  });
});

describe.each(galleryNames)("%s", (name) => {
  test("are small, and each lies there with its heatmap and the names of its classes", async () => {
    const gallery = await read(name);
    expect(gallery.name).toBe(name);
    const labels = labelsOf(gallery);
    for (const entry of gallery.pictures) {
      const { size } = await stat(publicFile(`gallery/${entry.file}`));
      expect(size, entry.file).toBeLessThan(60_000);
      const stored = await stat(publicFile(`gallery/${relevanceFile(entry)}`));
      // Fewer bytes than pixels.
      expect(stored.size).toBeLessThan(gallery.input.size[0] * gallery.input.size[1]);
      const { data, height, width } = await storedOf(gallery, entry);
      expect(data).toHaveLength(height * width);
      expect(data.reduce((most, R) => Math.max(most, Math.abs(R)), 0)).toBeCloseTo(entry.peak, 6);
      for (const { index } of entry.top) expect(labels[index]).toMatch(/./);
      expect(entry.alt).not.toBe("");
      expect(entry.credit).not.toBe("");
    }
  });

  test("need no resampling, which browsers do in their own ways", async () => {
    const { pictures, input } = await read(name);
    for (const { file } of pictures) {
      const { width, height } = await sharp(publicFile(`gallery/${file}`)).metadata();
      const shorter =
        typeof input.resize === "object" && "shortSide" in input.resize
          ? input.resize.shortSide
          : input.size[0];
      expect(Math.min(width, height), file).toBe(shorter);
    }
  });
});

test("the photos are the four of the examples, the cat first", async () => {
  const { pictures } = await read("photos");
  expect(pictures.map(({ file }) => file)).toEqual([
    "chelsea.webp",
    "coffee.webp",
    "astronaut.webp",
    "rocket.webp",
  ]);
});

test("the digits' heatmaps and classes are what the shipped model gives", async () => {
  const gallery = await read("digits");
  const runner = await startDigits();
  expect(gallery.composite).toBe(runner.loaded.composite);
  expect(gallery.keep).toBe(0.1);
  expect(gallery.input).toEqual({
    size: runner.loaded.card.input.size,
    resize: runner.loaded.card.input.resize,
  });
  expect(gallery.pictures).toHaveLength(10);
  for (const entry of gallery.pictures) {
    const { relevance, top } = await explainPrediction(runner, await readPicture(entry.file));
    const stored = await storedOf(gallery, entry);
    for (const [i, R] of relevance.data.entries()) {
      expect(Math.abs(R - (stored.data[i] ?? 0))).toBeLessThan(storedPrecision * entry.peak * 1.01);
    }
    expect(entry.top.map(({ index }) => index)).toEqual(top.map(({ index }) => index));
    for (const [rank, { probability, logit }] of entry.top.entries()) {
      expect(top[rank]?.probability).toBeCloseTo(probability ?? Number.NaN, 4);
      expect(top[rank]?.logit).toBeCloseTo(logit ?? Number.NaN, 3);
    }
    expect(entry.alt).toContain(String(top[0]?.index));
  }
  await runner.dispose();
});

test.each([
  ["both signs", [0.5, -0.25, 0, 1e-3, -1]],
  ["nothing", [0, 0, 0]],
  ["tiny values", [3e-38, -1e-38, 0]],
  ["large values", [3e38, -3e38, 1]],
])("relevance is stored to a byte's precision: %s", async (_what, values) => {
  const { bytes, peak } = await writeRelevance(Float32Array.from(values));
  const back = await readRelevance(new Uint8Array(bytes), peak);
  for (const [i, R] of values.entries()) {
    expect(Math.abs((back[i] ?? Number.NaN) - R)).toBeLessThanOrEqual(storedPrecision * peak * 1.001);
    expect(Math.sign(back[i] ?? 0) * Math.sign(R)).toBeGreaterThanOrEqual(0);
  }
});
