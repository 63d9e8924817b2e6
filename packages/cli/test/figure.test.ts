/** Figures as the command writes them: drawn with its own font, two pixels for one, with what they show inside. */

import { Resvg } from "@resvg/resvg-js";
import { createRequire } from "node:module";
import { figureSvg, legend, renderHeatmap, type Pixels } from "@relprop/core/heatmap";
import { textOf } from "@relprop/core/internal";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { textWidth } from "../../relprop/src/heatmap/figure-text.ts";
import { drawFigure, type FigureParts } from "../src/images/draw-figure.ts";
import { figureKeyword } from "../src/pages/figure-parts.ts";
import type { AnswerResult } from "../src/images/image-result.ts";
import { rasterize } from "../src/pages/rasterize.ts";

const side = 28;
const data = Float32Array.from({ length: side * side }, (_, i) => Math.sin(i));
const heatmap = renderHeatmap(
  { data, width: side, height: side },
  { colormap: "bwr", normalize: "symmetric" },
);
const picture: Pixels = {
  data: new Uint8ClampedArray(4 * side * side).fill(200),
  width: side,
  height: side,
};
const itsLegend = legend(heatmap, "symmetric", "tabby");

const shown: AnswerResult = {
  index: 281,
  label: "tabby",
  value: 7,
  logit: 7,
  probability: 0.75,
  asked: "281 tabby",
  start: 1,
  elements: 1,
  files: { figure: "cat.figure.png" },
  legend: { ticks: [...itsLegend.ticks], sentence: itsLegend.sentence },
};

const partsOf = (about: Partial<AnswerResult> = {}, input = "photos/猫 😺.png"): FigureParts => ({
  result: {
    input,
    settings: [
      ["model", "net"],
      ["input", "[N, 3, 28, 28] float32"],
      ["explains", "281 tabby"],
      ["composite", "epsilon-plus"],
      ["seed", "logit"],
    ],
    top: [
      { index: 281, label: "tabby", logit: 7, probability: 0.75 },
      { index: 287, label: "lynx", logit: 6, probability: 0.25 },
    ],
  },
  shown: { ...shown, ...about },
  picture,
  isCropped: false,
  heatmap,
  legend: itsLegend,
  theme: "light",
});

const wordsOf = (svg: string): string =>
  [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text?.replaceAll("\u00a0", " ")).join("\n");

describe("a figure", () => {
  test("says the picture, the class and its score, how, and what the colours mean", async () => {
    const { svg } = await drawFigure(partsOf());
    expect(wordsOf(svg).split("\n")).toEqual([
      "猫 😺.png",
      "tabby 0.750",
      "input",
      "relevance",
      "−1 against",
      "0",
      "for 1",
      "Red speaks for “tabby”, blue against it.",
      "model net · composite epsilon-plus · seed logit",
    ]);
  });

  test("says what a class was told apart from, and where relevance stayed", async () => {
    const ledger = {
      verdict: "98.7 % of the logit reached the input; 1.3 % bias",
    } as AnswerResult["ledger"] & object;
    const { svg } = await drawFigure(partsOf({ against: { index: 287, label: "lynx" }, ledger }));
    expect(wordsOf(svg)).toContain("tabby 0.750\nrather than lynx\n");
    expect(wordsOf(svg)).toContain("98.7 % of the logit reached the input; 1.3 % bias.");
  });

  test("says what else than a class was asked for, and of how many numbers it is the sum", async () => {
    const { svg } = await drawFigure(partsOf({ asked: "where 281 tabby wins", elements: 40 }));
    expect(wordsOf(svg)).toContain("tabby 0.750 over 40 elements\nwhere 281 tabby wins\n");
    const best = await drawFigure(partsOf({ asked: "top1" }));
    expect(wordsOf(best.svg)).not.toContain("top1");
  });

  test("says so where no class but the whole prediction is explained", async () => {
    const parts = partsOf();
    const { asked: _, ...whole } = parts.shown;
    const { svg } = await drawFigure({ ...parts, shown: whole });
    expect(wordsOf(svg)).toContain("The whole prediction\ntabby 0.750 · lynx 0.250\n");
  });

  test("is twice as large as PNG as it is as SVG, and the same each time", async () => {
    const { svg, png } = await drawFigure(partsOf());
    const bytes = await png();
    const [small, large] = [await sharp(Buffer.from(svg)).metadata(), await sharp(bytes).metadata()];
    expect([large.width, large.height]).toEqual([2 * small.width, 2 * small.height]);
    const again = await drawFigure(partsOf());
    expect(again.svg).toBe(svg);
    expect(Buffer.from(await again.png()).equals(Buffer.from(bytes))).toBe(true);
  });

  test("carries what it shows, for programs", async () => {
    const png = await (await drawFigure(partsOf())).png();
    expect(textOf(png, "Software")).toMatch(/^relprop \d/);
    expect(JSON.parse(textOf(png, figureKeyword) ?? "")).toMatchObject({
      v: 2,
      input: "photos/猫 😺.png",
      settings: { composite: "epsilon-plus" },
      index: 281,
      label: "tabby",
      probability: 0.75,
      legend: { ticks: [{ text: "−1" }, { text: "0" }, { text: "1" }] },
    });
  });

  test("shows each value of relevance as a square of its colour", async () => {
    const { svg, png } = await drawFigure(partsOf());
    const [, x = 0, y = 0] =
      [...svg.matchAll(/<image x="([\d.]+)" y="([\d.]+)"/g)].map((found) => found.map(Number))[1] ?? [];
    const times = 17;
    const { data: drawn, info } = await sharp(await png())
      .raw()
      .toBuffer({ resolveWithObject: true });
    for (let i = 0; i < side * side; i++) {
      const left = Math.round(2 * x) + times * (i % side);
      const top = Math.round(2 * y) + times * Math.floor(i / side);
      for (const [dx, dy] of [
        [1, 1],
        [times - 2, times - 2],
        [8, 8],
      ] as const) {
        const at = info.channels * ((top + dy) * info.width + left + dx);
        expect([...drawn.subarray(at, at + 3)]).toEqual([...heatmap.data.subarray(4 * i, 4 * i + 3)]);
      }
    }
  });
});

const { resolve } = createRequire(import.meta.url);
const inter = ["400Regular/Inter_400Regular.ttf", "600SemiBold/Inter_600SemiBold.ttf"];

/** The width that text takes in Inter. */
function drawnWidth(text: string, size: number, isBold: boolean): number {
  const weight = isBold ? 600 : 400;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="4000" height="50"><text x="10" y="30" font-family="Inter" font-size="${size}" font-weight="${weight}">${text}</text></svg>`;
  const fontFiles = inter.map((file) => resolve(`@expo-google-fonts/inter/${file}`));
  const box = new Resvg(svg, { font: { fontFiles, loadSystemFonts: false } }).getBBox();
  return box?.width ?? 0;
}

describe("drawing", () => {
  test("takes no more room for a text than the layout has given it", () => {
    const texts = [
      "Egyptian cat 0.767",
      "98.7 % of the logit reached the input; 0.9 % bias, 0.4 % ε",
      "−1.2e-7 against",
      "WWWWWWWWWW MMMMMMMM @@@@@@",
      "iiiiiiiiii llllllllll ........",
      "IMG_20240131_235959.JPEG",
      "Кошка γάτα ŁÓDŹ ẤẾ ÆŒ ǆ",
      "σ × ≥ ∞ “quoted” – dash — … ‰ → ∑",
    ];
    for (const isBold of [false, true])
      for (const text of texts) {
        const given = textWidth(text, { size: 13, isBold });
        expect(drawnWidth(text, 13, isBold), text).toBeLessThanOrEqual(given);
      }
  });

  test("needs no font of the system for what Inter has, and gets over what no font has", async () => {
    const figure = { panels: [], colormap: heatmap.colormap, legend: itsLegend, method: [] };
    const inkOf = async (title: string): Promise<number> => {
      const { svg } = figureSvg({ ...figure, title, explained: [] });
      const head = sharp(await rasterize(svg)).extract({ left: 0, top: 0, width: 480, height: 38 });
      return (await head.greyscale().raw().toBuffer()).reduce((sum, value) => sum + (value < 200 ? 1 : 0), 0);
    };
    for (const title of ["Egyptian cat", "Κошка", "猫", "قطة", "\u{10ffff}", "👩‍👩‍👧"])
      expect(await inkOf(title), title).toBeGreaterThan(20);
  });
});
