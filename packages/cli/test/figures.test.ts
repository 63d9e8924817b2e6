/** Figures of what is no picture: what they say, what survives in them, and that they stay small whatever comes. */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { figureSvg, type Figure, type Theme } from "@relprop/core/heatmap";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { arrayFigure } from "../src/figures/array-figure.ts";
import { sampleOf } from "../src/figures/beeswarm.ts";
import { decimate } from "../src/figures/decimate.ts";
import { figureKindOf, type ArrayHints } from "../src/figures/figure-kind.ts";
import { signalFigure } from "../src/figures/signal-figure.ts";
import { tableFigure } from "../src/figures/table-figure.ts";
import { tableSummaryFigure } from "../src/figures/table-summary-figure.ts";
import { chosenSlices } from "../src/figures/volume-figure.ts";
import { rasterize } from "../src/pages/rasterize.ts";

const text = (theme: Theme = "light") => ({
  title: "sample.npy",
  explained: ["tabby 0.750", "logit 7"],
  label: "tabby",
  verdict: "98.7 % of the logit reached the input",
  method: ["model net"],
  theme,
});

const entities: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', amp: "&" };
const wordsOf = (figure: Figure): string[] =>
  [...figureSvg(figure).svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, words = ""]) =>
    words
      .replaceAll("\u00a0", " ")
      .replaceAll(/&(lt|gt|quot|amp);/g, (_, name: string) => entities[name] ?? ""),
  );
const marksOf = (figure: Figure, mark: RegExp): number => figureSvg(figure).svg.match(mark)?.length ?? 0;
const wave = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(i * i));

/** Names of rows in a figure of a sequence with so many. */
const namesOfRows = async (count: number): Promise<string[]> => {
  const values = wave(60 * count);
  const names = Array.from({ length: count }, (_, i) => `joint ${i}`);
  const hints = { axes: ["time", "feature"], names };
  const words = wordsOf(await arrayFigure({ shape: [60, count], values, relevance: values }, text(), hints));
  return words.filter((word) => word.startsWith("joint"));
};

describe("the figure for an array", () => {
  const kinds: readonly (readonly [shape: readonly number[], hints: ArrayHints, kind: object])[] = [
    [[4], {}, { kind: "table" }],
    [[2000], {}, { kind: "table" }],
    [[2000], { rate: 100 }, { kind: "signal", along: 0 }],
    [[1, 8000], {}, { kind: "signal", along: 1 }],
    [[12, 5000], {}, { kind: "signal", lanes: 0, along: 1 }],
    [[64, 640], {}, { kind: "signal", lanes: 0, along: 1 }],
    [[300, 1000], {}, { kind: "grid", down: 0, across: 1, isUpsideDown: false }],
    [[50, 16], {}, { kind: "grid", down: 1, across: 0 }],
    [[200, 3], { rate: 50 }, { kind: "signal", lanes: 1, along: 0 }],
    [[16, 50], { axes: ["time", "feature"] }, { kind: "grid", down: 1, across: 0 }],
    [[16, 50], { axes: ["feature", "time"] }, { kind: "grid", down: 0, across: 1 }],
    [[40, 200], { axes: ["mel", "time"] }, { kind: "grid", down: 0, across: 1, isUpsideDown: true }],
    [[1, 96, 320], {}, { kind: "grid", down: 1, across: 2, isUpsideDown: true, isSquare: false }],
    [[1, 28, 28], {}, { kind: "grid", down: 1, across: 2, isUpsideDown: false, isSquare: true }],
    [[3, 32, 32], {}, { kind: "grid", planes: 0, down: 1, across: 2, isSquare: true }],
    [[1, 16, 64, 64], {}, { kind: "volume", axes: [1, 2, 3] }],
    [[2, 16, 64, 64], {}, { kind: "volume", channels: 0, axes: [1, 2, 3] }],
    [[2, 3, 4, 5, 6], {}, { kind: "elements" }],
    [[], {}, { kind: "elements" }],
    [[3, 0], {}, { kind: "elements" }],
  ];
  test.each(kinds)("%j %j", (shape, hints, kind) => {
    expect(figureKindOf(shape, hints)).toMatchObject(kind);
  });

  test("says which axis is which, and no more than is known", async () => {
    const values = wave(50 * 16);
    const unknown = wordsOf(await arrayFigure({ shape: [50, 16], values, relevance: values }, text()));
    expect(unknown).toEqual(
      expect.arrayContaining(["axis 0", "axis 1", "values", "relevance", "tabby 0.750"]),
    );
    const hints = {
      axes: ["time", "feature"],
      rate: 10,
      names: Array.from({ length: 16 }, (_, i) => `f${i}`),
    };
    const known = wordsOf(
      await arrayFigure({ shape: [50, 16], values, relevance: values }, text(), {
        ...hints,
        axes: ["frame", "feature"],
      }),
    );
    expect(known).toEqual(expect.arrayContaining(["time (s)", "f0"]));
  });

  test("of five axes is a table of the strongest elements", async () => {
    const relevance = new Float32Array(720);
    relevance[719] = -3;
    const words = wordsOf(
      await arrayFigure({ shape: [2, 3, 4, 5, 6], values: wave(720), relevance }, text()),
    );
    expect(words).toEqual(expect.arrayContaining(["[1, 2, 3, 4, 5]", "−3", "and 690 more, together"]));
  });

  test("names the strongest place of a volume", async () => {
    const relevance = new Float32Array(4 * 5 * 6);
    relevance[2 * 30 + 3 * 6 + 4] = 1;
    const words = wordsOf(await arrayFigure({ shape: [1, 4, 5, 6], values: wave(120), relevance }, text()));
    expect(words.join(" ")).toContain("strongest at axis 1 = 2, axis 2 = 3, axis 3 = 4: 1");
    expect(words).toContain("2, strongest");
    // Slices along each axis, the strongest among them; then the three planes.
    expect(words.filter((word) => word.startsWith("slices along"))).toEqual(
      [1, 2, 3].map((axis) => `slices along axis ${axis}`),
    );
    expect(words.filter((word) => word.endsWith(", strongest"))).toEqual(
      [2, 3, 4].map((at) => `${at}, strongest`),
    );
  });

  test("of a volume that is one slice deep in an axis has that slice once", async () => {
    const relevance = new Float32Array(4 * 6);
    relevance[7] = 1;
    const array = { shape: [4, 1, 6], values: wave(24), relevance };
    const kind = { kind: "volume", axes: [0, 1, 2] } as const;
    const words = wordsOf(await arrayFigure(array, text(), {}, kind));
    expect(words.filter((word) => word.startsWith("slices along"))).toEqual([
      "slices along axis 0",
      "slices along axis 2",
    ]);
  });

  test("names all rows of a grid, as far as they find room", async () => {
    expect(await namesOfRows(14)).toHaveLength(2 * 14);
    expect(await namesOfRows(28)).toHaveLength(2 * 28);
    expect((await namesOfRows(50)).length).toBeLessThan(2 * 28);
  });
});

describe("a signal", () => {
  test("keeps the extremes of its values and of its relevance where it is long", () => {
    const [values, relevance] = [wave(100_000), new Float32Array(100_000)];
    values[777] = 9;
    values[50_001] = -9;
    relevance[99_998] = -2;
    values[33] = Number.NaN;
    const kept = decimate(values, relevance, { from: 0, count: 100_000, columns: 500 });
    expect(kept).toEqual(expect.arrayContaining([777, 50_001, 99_998]));
    expect(kept.length).toBeLessThanOrEqual(1500);
    expect(kept).toEqual([...new Set(kept)].sort((a, b) => a - b));
  });

  test("is whole where it is short", () => {
    const kept = decimate(wave(10), wave(10), { from: 0, count: 10, columns: 500 });
    expect(kept).toEqual(Array.from({ length: 10 }, (_, i) => i));
  });

  test("has a lane for each channel with its name and its relevance", () => {
    const lanes = { name: "lead", names: ["aVL", ""] };
    const relevance = Float32Array.from({ length: 40 }, (_, i) => (i < 20 ? 0.5 : 0));
    const words = wordsOf(
      signalFigure({ values: wave(40), relevance, channels: 2, rate: 10, lanes }, text()),
    );
    expect(words).toEqual(expect.arrayContaining(["aVL", "lead 1", "10", "time (s)"]));
  });

  test("alone says its relevance once, above; its time begins where it does", () => {
    const along = { name: "time", unit: "s", step: 0.1, start: 90 };
    const one = { values: wave(41), relevance: wave(41), channels: 1, along };
    const words = wordsOf(signalFigure(one, text()));
    expect(words).not.toContain("relevance");
    expect(words).toEqual(expect.arrayContaining(["90.0", "92.0", "94.0"]));
  });

  test("leaves a gap where values are not finite, and says so", () => {
    const values = [0, 1, Number.NaN, 2, Infinity, 3, 4];
    const figure = signalFigure({ values, relevance: values.map(() => 0), channels: 1 }, text());
    expect(wordsOf(figure).join(" ")).toContain("2 values not finite, drawn as a gap");
    expect(figureSvg(figure).svg).toMatch(/stroke="rgb[^>]* d="M[^M"]*M[^M"]*"/);
    expect(figureSvg(figure).svg).toContain("<circle");
  });

  test("shows the strongest of very many channels", () => {
    const figure = signalFigure({ values: wave(3000), relevance: wave(3000), channels: 300 }, text());
    expect(wordsOf(figure).join(" ")).toContain("the 64 channels with the strongest relevance of 300");
  });
});

describe("a table", () => {
  test("has a bar for each feature, the strongest first, with its value", () => {
    const row = { values: [5.9, 3.2, 4.8], relevance: [0.3, -0.1, 1.9], names: ["sepal", "", "petal"] };
    const figure = tableFigure(row, text());
    const words = wordsOf(figure);
    expect(words.filter((word) => ["petal", "sepal", "feature 1"].includes(word))).toEqual([
      "petal",
      "sepal",
      "feature 1",
    ]);
    expect(words).toEqual(expect.arrayContaining(["5.9", "1.9", "−0.1"]));
    expect(words).toContain("Red bars to the right speak for “tabby”, blue bars to the left against it.");
    expect(marksOf(figure, /<rect[^>]*fill="rgb\(255,0,0\)"/g)).toBe(2);
  });

  test("says so where there is no relevance", () => {
    expect(wordsOf(tableFigure({ values: [1], relevance: [0] }, text()))).toContain(
      "All relevance is zero: nothing here gave evidence.",
    );
  });

  test("over a data set takes the same points each time and says how many", () => {
    const table = { values: wave(1200), relevance: wave(1200), features: 2, names: ["a", "b"] };
    const figure = tableSummaryFigure(table, text());
    expect(wordsOf(figure).join(" ")).toContain("points of 500 rows chosen at random, means of all");
    expect(figureSvg(tableSummaryFigure(table, text())).svg).toBe(figureSvg(figure).svg);
    expect(marksOf(figure, /a2,2 0 1 0 4,0/g)).toBe(1000);
    expect(new Set(sampleOf(10_000, 500)).size).toBe(500);
  });
});

describe("docs/figures.md", () => {
  const docs = fileURLToPath(new URL("../../../docs/", import.meta.url));
  const page = readFileSync(`${docs}figures.md`, "utf8");
  test("shows each picture, light and dark, and no other", () => {
    const named = [...page.matchAll(/figures\/[\w-]+\.webp/g)].map(([name]) => name);
    const files = readdirSync(`${docs}figures`).map((name) => `figures/${name}`);
    expect(named.toSorted()).toEqual(files.toSorted());
    expect(files.filter((name) => statSync(docs + name).size > 60_000)).toEqual([]);
    const kinds = (theme: string): string[] =>
      files.filter((name) => name.endsWith(`-${theme}.webp`)).map((name) => name.replace(/-\w+\.webp$/, ""));
    expect(kinds("dark")).toEqual(kinds("light"));
  });

  test("says of each what it shows", () => {
    const images = page.match(/<img [^>]*>/g) ?? [];
    expect(images).toHaveLength(11);
    for (const image of images) expect(image).toMatch(/ alt="[^"]{20,}"/);
  });
});

test("a percentage is one word, and what follows stands where it stood", () => {
  const figure = tableFigure(
    { values: [1], relevance: [1] },
    { ...text(), verdict: "9 % of it reached the inputs (a 143.8 %, b 25.3 %); −69.1 % bias" },
  );
  expect(wordsOf(figure)).toContain("9 % of it reached the inputs (a 143.8 %, b 25.3 %); −69.1 % bias.");
});

test("slices are at even distances, the strongest among them", () => {
  expect(chosenSlices(100, 51)).toHaveLength(15);
  expect(chosenSlices(100, 51)).toContain(51);
  expect(chosenSlices(3, 0)).toEqual([0, 1, 2]);
  expect(chosenSlices(1, 0)).toEqual([0]);
});

describe("whatever comes", () => {
  const odd = ["", "x".repeat(200), '<b>&amp;"x"\'</b> ]]>', "قطة", "猫 😺"];
  const shapes: readonly (readonly number[])[] = [
    [1],
    [5],
    [5, 40],
    [1, 1],
    [1, 100_000],
    [64, 4000],
    [2000],
    [300, 400],
    [5, 9, 9],
    [1, 1, 1, 1],
    [2, 20, 24, 28],
  ];
  test.each(shapes.map((shape) => [shape] as const))(
    "%j is a small file that renderers read",
    async (shape) => {
      const count = shape.reduce((product, length) => product * length, 1);
      const values = wave(count);
      values[0] = Number.NaN;
      for (const relevance of [
        wave(count),
        new Float32Array(count),
        wave(count).map((each) => -Math.abs(each)),
      ]) {
        const figure = await arrayFigure({ shape, values, relevance }, text("dark"), { names: odd });
        const { svg, width, height } = figureSvg(figure);
        expect(svg.length).toBeLessThan(2e6);
        expect(svg).toMatch(/^<svg[^>]*>\s*<!-- relprop /);
        expect(svg).not.toMatch(/currentColor|<style|var\(|NaN,|,NaN/);
        expect(await sharp(await rasterize(svg)).metadata()).toMatchObject({ width, height });
      }
    },
  );
});
