import { appendFile, link, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InputError } from "@relprop/core";
import { renderHeatmap } from "@relprop/core/heatmap";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { htmlPage } from "../src/images/html-page.ts";
import { imageResultSchema, type ImageResult } from "../src/images/image-result.ts";
import { failureRecord } from "../src/terminal/report.ts";
import { resultText } from "../src/images/image-text.ts";
import { Manifest, resultHash } from "../src/files/manifest.ts";
import { answerFiles, extras, imageFiles, styles, writeHeatmap } from "../src/images/image-files.ts";
import { ResultWriter } from "../src/files/result-writer.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-results-"));
});
afterEach(() => rm(folder, { recursive: true }));

const result = (key: string): ImageResult => ({
  key,
  input: `photos/${key}.png`,
  settings: [["model", "net"]],
  colors: "linear-gradient(red, blue)",
  files: { picture: `${key}.picture.png` },
  top: [
    { index: 3, label: "<tabby>", value: 2, logit: 2, probability: 0.75 },
    { index: 1, label: "lynx", value: 1, logit: 1, probability: 0.25 },
  ],
  kind: "classes",
  geometry: {
    picture: { width: 400, height: 300 },
    input: { width: 224, height: 224 },
    frame: { left: 50, top: 0, right: 350, bottom: 300 },
  },
  answers: [
    {
      index: 3,
      label: "<tabby>",
      value: 2,
      logit: 2,
      probability: 0.75,
      elements: 1,
      start: 1,
      files: { heatmap: `${key}.heatmap.png` },
      legend: {
        ticks: [{ position: 0.5, value: 0, text: "0" }],
        sentence: "Red speaks for “<tabby>”, blue against it.",
      },
    },
  ],
  ms: 5,
});

const touch = async (key: string): Promise<void> => {
  for (const kind of ["picture", "heatmap"]) await writeFile(join(folder, `${key}.${kind}.png`), "");
};

describe("the manifest", () => {
  test("remembers what was done from the same bytes in the same way", async () => {
    await touch("cat");
    const hash = resultHash(Buffer.from("image"), { composite: "fischer" });
    await (await Manifest.open(folder, imageResultSchema)).add(hash, result("cat"));
    const again = await Manifest.open(folder, imageResultSchema);
    expect(await again.done("cat", hash)).toEqual(result("cat"));
    expect(
      await again.done("cat", resultHash(Buffer.from("image"), { composite: "epsilon" })),
    ).toBeUndefined();
    expect(
      await again.done("cat", resultHash(Buffer.from("other"), { composite: "fischer" })),
    ).toBeUndefined();
    expect(await again.done("dog", hash)).toBeUndefined();
  });

  test("forgets results whose files are gone", async () => {
    await touch("cat");
    await (await Manifest.open(folder, imageResultSchema)).add("h", result("cat"));
    await rm(join(folder, "cat.heatmap.png"));
    const again = await Manifest.open(folder, imageResultSchema);
    expect(await again.done("cat", "h")).toBeUndefined();
    expect(await again.all()).toEqual([]);
  });

  test("skips a half line that a killed run left", async () => {
    await touch("cat");
    await (await Manifest.open(folder, imageResultSchema)).add("h", result("cat"));
    await appendFile(join(folder, ".relprop-manifest.jsonl"), '{"v":1,"hash":"x","resu');
    const again = await Manifest.open(folder, imageResultSchema);
    expect(await again.all()).toHaveLength(1);
    await touch("dog");
    await again.add("h2", result("dog"));
    expect(await (await Manifest.open(folder, imageResultSchema)).done("dog", "h2")).toBeDefined();
  });
});

const noFigure = () => Promise.reject(new Error("no figure is wanted"));

describe("the writer", () => {
  const pixels = { width: 2, height: 2, data: new Uint8ClampedArray(16).fill(200) };
  const relevance = { data: Float32Array.of(-1, 0, 0.5, 1), dims: [2, 2] };
  const heatmap = renderHeatmap(
    { ...relevance, width: 2, height: 2 },
    { colormap: "bwr", normalize: "symmetric" },
  );

  const free = { inputs: [], force: false };
  const all = { styles, extras } as const;

  test("writes pictures, heatmaps, overlays and numbers, folders mirrored", async () => {
    const writer = await ResultWriter.create(folder, free);
    const { figure: _, svg: __, ...files } = answerFiles("deep/cat.3-tabby", all);
    const drawings = { isCropped: false, picture: pixels, heatmap, overlay: () => pixels };
    await writeHeatmap(writer, files, drawings, relevance, noFigure);
    expect(files).toEqual({
      heatmap: "deep/cat.3-tabby.heatmap.png",
      overlay: "deep/cat.3-tabby.overlay.png",
      npy: "deep/cat.3-tabby.relevance.npy",
    });
    expect((await readdir(join(folder, "deep"))).sort()).toEqual(
      Object.values(files)
        .map((file) => file.slice("deep/".length))
        .sort(),
    );
    const { data, info } = await sharp(join(folder, files["heatmap"] ?? ""))
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect(info.channels).toBe(3);
    expect([...data.subarray(0, 3), ...data.subarray(9, 12)]).toEqual([0, 0, 255, 255, 0, 0]);
  });

  test("names only what is wanted", () => {
    expect(imageFiles("cat", { styles: ["heatmap"], extras: ["json"] })).toEqual({ json: "cat.json" });
    expect(Object.keys(answerFiles("cat", { styles: ["overlay"], extras: ["svg"] }))).toEqual([
      "overlay",
      "svg",
    ]);
    expect({ ...imageFiles("cat", all), ...answerFiles("cat", all) }).toEqual({
      picture: "cat.picture.png",
      json: "cat.json",
      heatmap: "cat.heatmap.png",
      overlay: "cat.overlay.png",
      figure: "cat.figure.png",
      svg: "cat.figure.svg",
      npy: "cat.relevance.npy",
    });
  });

  test("never writes over an image that it reads, whatever it is called, even if it is forced", async () => {
    const input = join(folder, "photo.png");
    await writeFile(input, "original");
    await symlink(input, join(folder, "link.png"));
    await link(input, join(folder, "hard.png"));
    const writer = await ResultWriter.create(folder, { inputs: [input], force: true });
    for (const name of ["photo.png", "link.png", "hard.png"])
      await expect(writer.png(name, pixels)).rejects.toThrow(InputError);
    expect(await readFile(input, "utf8")).toBe("original");
  });
});

describe("the page", () => {
  const page = htmlPage({
    title: "What <net> saw",
    settings: [["model", 'a"b']],
    results: [result("a cat#1")],
  });

  test("escapes everything that comes from outside", () => {
    expect(page).toContain("What &lt;net&gt; saw");
    expect(page).toContain("a&quot;b");
    expect(page).not.toContain("<tabby>");
    expect(page).toContain('src="a%20cat%231.heatmap.png"');
  });

  test("loads nothing from elsewhere and describes every picture", () => {
    expect(page).not.toMatch(/(?:src|href)="(?:https?:)?\/\//);
    for (const [image] of page.matchAll(/<img src[^>]*>/g)) expect(image).toMatch(/alt="[^"]+"/);
    expect(page).toContain("Red speaks for");
    expect(page).toContain("75.0%");
  });
});

describe("reports", () => {
  const options = { json: false, quiet: false, folder: "out" };

  test("name the best three classes for people", () => {
    expect(resultText(result("cat"), options)).toBe("photos/cat.png  <tabby> 0.750 · lynx 0.250");
  });

  test("are one record a class for programs", () => {
    const record: unknown = JSON.parse(resultText(result("cat"), { ...options, json: true }));
    expect(record).toMatchObject({
      v: 2,
      input: "photos/cat.png",
      outputs: { picture: join("out", "cat.picture.png"), heatmap: join("out", "cat.heatmap.png") },
      class: 3,
      label: "<tabby>",
      logit: 2,
      probability: 0.75,
      ms: 5,
    });
  });

  test("tell programs what failed and why", () => {
    const error = new InputError({ what: "cannot read", why: "it is empty" });
    expect(JSON.parse(failureRecord({ input: "x.png" }, error))).toEqual({
      v: 2,
      input: "x.png",
      error: { what: "cannot read", why: "it is empty" },
    });
  });
});
