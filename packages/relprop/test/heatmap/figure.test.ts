import { assert, integer, property, string } from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import {
  colormap,
  enlarge,
  figureSvg,
  legend,
  panelScale,
  renderHeatmap,
  type Figure,
} from "../../src/heatmap/index.ts";
import { layoutFigure, textBox, type Box } from "../../src/heatmap/figure-layout.ts";
import { cleanText, textWidth, wrapEvenly, wrapItems, wrapText } from "../../src/heatmap/figure-text.ts";
import { version } from "../../src/version.ts";

const image = "data:image/png;base64,";
const names = [
  "cat.png",
  "",
  "猫咪照片 قطة جميلة 😀👩‍👩‍👧 Кошка γάτα חתול แมว बिल्ली 고양이.png",
  `${"a-very_long/name".repeat(20)}.png`,
  "Supercalifragilisticexpialidocious".repeat(8),
  '<b>&amp;"x"\'</b> ]]> \u202egnp.exe\n\u0000\ud800 -- \ufdfd\ufdfd',
  "i".repeat(300),
  "W".repeat(300),
];
const sizes: readonly (readonly [number, number])[] = [
  [28, 28],
  [192, 48],
  [1000, 300],
  [48, 192],
  [224, 224],
  [1, 1],
  [1, 900],
  [4000, 3],
  [2048, 2048],
];

function figureOf(
  name: string,
  [width, height]: readonly [number, number],
  about: Partial<Figure> = {},
): Figure {
  const data = [-1.23e-7, 0, 1.1e-7, 0];
  const heatmap = renderHeatmap({ data, width: 2, height: 2 }, { colormap: "bwr", normalize: "symmetric" });
  return {
    title: name,
    explained: [`${name} 0.767`, `rather than ${name}`],
    panels: ["input", "relevance"].map((caption) => ({ caption, image, width, height })),
    colormap: colormap("bwr"),
    legend: legend(heatmap, "symmetric", name),
    verdict: `98.7 % of the logit reached "${name}"; 0.9 % bias, 0.4 % ε`,
    method: [`model ${name}`, "composite epsilon-plus", "seed logit"],
    ...about,
  };
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const nameOf = (box: Box): string => ("name" in box ? String(box.name) : "a picture or the bar");

function faultsOf(figure: Figure): string[] {
  const { width, height, texts, panels, bar } = layoutFigure(figure);
  const named = texts.map((text) => Object.assign(textBox(text), { name: text.text }));
  const boxes = [...named, ...panels, ...(bar ? [bar] : [])];
  const outside = boxes
    .filter((box) => box.x < 0 || box.y < 0 || box.x + box.width > width || box.y + box.height > height)
    .map((box) => `${nameOf(box)} is cut`);
  const on = boxes.flatMap((box, i) =>
    boxes
      .slice(i + 1)
      .flatMap((other) => (overlap(box, other) ? [`${nameOf(box)} lies on ${nameOf(other)}`] : [])),
  );
  return [...outside, ...on];
}

describe("the layout", () => {
  test("cuts no text and lays none on another, for names of any length and script and pictures of any shape", () => {
    for (const name of names) for (const size of sizes) expect(faultsOf(figureOf(name, size))).toEqual([]);
  });

  test("nor for texts that nobody thought of", () => {
    const anyText = string({ unit: "binary", maxLength: 120 });
    const side = integer({ min: 1, max: 3000 });
    assert(
      property(
        anyText,
        anyText,
        side,
        side,
        integer({ min: 1, max: 4 }),
        (title, caption, width, height, count) => {
          const panels = Array.from({ length: count }, () => ({ caption, image, width, height }));
          expect(faultsOf(figureOf(title, [width, height], { panels, method: [caption, title] }))).toEqual(
            [],
          );
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  test("draws a plot at its own size, and no colour bar where no number stands for a colour", () => {
    const plot = { caption: "plot", drawing: '<circle r="3"/>', width: 700, height: 90 };
    const colours = { ticks: [], ends: ["", ""] as const, sentence: "Bars." };
    const figure = figureOf("cat", [700, 90], { panels: [plot], legend: colours });
    expect(faultsOf(figure)).toEqual([]);
    const { svg, panels } = figureSvg(figure);
    expect(panels).toMatchObject([{ width: 700, height: 90 }]);
    expect(svg).toContain('<circle r="3"/>');
    expect(svg).not.toContain("url(#colours)");
  });

  test("loses none of a name", () => {
    const [long = ""] = names.slice(3);
    const lines = wrapText(long, 200, { size: 13, isBold: false });
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.join("")).toBe(long);
  });

  test("keeps emoji and accents whole where it breaks a word", () => {
    for (const whole of ["👩‍👩‍👧", "🇪🇺", "ế"]) {
      for (const line of wrapText(whole.repeat(30), 100, { size: 13, isBold: false }))
        expect(line.replaceAll(whole, "")).toBe("");
    }
  });

  test("leaves no word alone on the last line", () => {
    const text = "Red speaks for “Egyptian cat” rather than “lynx”, blue against it.";
    const style = { size: 13, isBold: false };
    const width = textWidth(text, style) - 1;
    expect(wrapText(text, width, style).at(-1)).toBe("it.");
    const [first = "", second = "", ...more] = wrapEvenly(text, width, style);
    expect(`${first} ${second}`).toBe(text);
    expect(more).toEqual([]);
    expect(second.length).toBeGreaterThan(0.6 * first.length);
  });

  test("breaks between items, not in them", () => {
    const items = ["composite epsilon-plus", "seed logit", "filter off", "strides exact"];
    const lines = wrapItems(items, 220, { size: 12, isBold: false });
    expect(lines.join(" · ").replaceAll("\u00a0", " ")).toBe(items.join(" · "));
    expect(lines.length).toBeGreaterThan(1);
  });

  test("small pictures become large and large ones small, in whole pixels", () => {
    const scales = sizes.map(([width, height]) => panelScale({ width, height }));
    expect(scales).toEqual([17, 5, 1, 3, 2, 480, 1, 0.25, 0.25]);
    for (const side of [28, 32, 96, 224, 256, 299, 384, 448, 512, 768, 1024]) {
      const shown = side * panelScale({ width: side, height: side });
      expect(shown).toBeGreaterThanOrEqual(336);
      expect(shown).toBeLessThanOrEqual(686);
    }
  });
});

describe("texts", () => {
  test("what could turn or break the file is gone, and the rest is as it was", () => {
    expect(cleanText("a\u202e\u0007b\r\n c  d")).toBe("ab c d");
    expect(cleanText("e\u0301 \ud800 ok")).toBe("é \ufffd ok");
    expect(cleanText("猫 قطة 👩‍👩‍👧.png")).toBe("猫 قطة 👩‍👩‍👧.png");
  });

  test("are measured wider in bold, and where any font may come in", () => {
    const plain = { size: 10, isBold: false };
    expect(textWidth("cat", { ...plain, isBold: true })).toBeGreaterThan(textWidth("cat", plain));
    expect(textWidth("猫 cat", plain)).toBeGreaterThan(textWidth("猫", plain) + textWidth(" cat", plain));
    expect(textWidth("\u200d\ufe0f", plain)).toBe(0);
  });
});

const afterSize = (svg = ""): string => svg.slice(svg.indexOf("viewBox"));

describe("the SVG", () => {
  test("is a file that renderers read, of the size it says, whatever the names", async () => {
    for (const name of names) {
      for (const theme of ["light", "dark"] as const) {
        const { svg, width, height } = figureSvg(figureOf(name, [28, 28], { theme, scale: 2, panels: [] }));
        const read = await sharp(Buffer.from(svg)).metadata();
        expect([read.format, read.width, read.height]).toEqual(["svg", width, height]);
      }
    }
  });

  test("says what it shows, also to those who cannot see it, and who wrote it", () => {
    const { svg } = figureSvg(figureOf("Egyptian cat", [224, 224]));
    for (const words of [
      "Egyptian cat 0.767",
      "rather than Egyptian cat",
      "98.7\u00a0%\u00a0of the logit reached",
      "−1.2e-7 against",
      "for 1.2e-7",
      "composite\u00a0epsilon-plus",
    ])
      expect(svg.split(words).length, words).toBeGreaterThan(2);
    expect(svg.slice(0, 400)).toContain(`<!-- relprop ${version} -->`);
  });

  test("is the same each time, and scales as a whole", () => {
    const [once, twice] = [1, 2].map((scale) => figureSvg(figureOf("cat", [28, 28], { scale })));
    expect(figureSvg(figureOf("cat", [28, 28], { scale: 1 }))).toEqual(once);
    expect(twice?.panels[1]?.x).toBe(2 * (once?.panels[1]?.x ?? 0));
    expect([twice?.width, twice?.height]).toEqual([2 * (once?.width ?? 0), 2 * (once?.height ?? 0)]);
    expect(afterSize(twice?.svg)).toBe(afterSize(once?.svg));
  });

  test("escapes names", () => {
    const { svg } = figureSvg(figureOf('<script>"&', [28, 28]));
    expect(svg).not.toContain("<script");
    expect(svg).toContain("&lt;script&gt;&quot;&amp;");
  });
});

test("enlarged pixels are squares of the same colours", () => {
  const data = new Uint8ClampedArray([1, 2, 3, 255, 4, 5, 6, 255]);
  const { data: large, width, height } = enlarge({ data, width: 2, height: 1 }, 2);
  const [a, b] = [
    [1, 2, 3, 255],
    [4, 5, 6, 255],
  ] as const;
  expect([width, height]).toEqual([4, 2]);
  expect([...large]).toEqual([...a, ...a, ...b, ...b, ...a, ...a, ...b, ...b]);
});
