import { expect, test } from "vitest";
import { drawBox } from "../../src/heatmap/index.ts";

const gray = (side: number): Parameters<typeof drawBox>[0] => ({
  data: new Uint8ClampedArray(4 * side * side).fill(128),
  width: side,
  height: side,
});
const box = { left: 2, top: 3, right: 6, bottom: 5 };

test("a box in a small picture is one line, and the picture that is given stays as it is", () => {
  const picture = gray(8);
  const { data } = drawBox(picture, box);
  const rows = Array.from({ length: 8 }, (_, y) =>
    Array.from({ length: 8 }, (_, x) => (data[4 * (8 * y + x)] === 128 ? "·" : "#")).join(""),
  );
  expect(rows).toEqual([
    "········",
    "········",
    "········",
    "··#####·",
    "··#···#·",
    "··#####·",
    "········",
    "········",
  ]);
  expect(picture.data.every((value) => value === 128)).toBe(true);
});

test("in a large picture the line stands between black ones; what lies outside is left out", () => {
  const { data } = drawBox(gray(200), { left: -50, top: 100, right: 400, bottom: 300 });
  const column = (x: number): string =>
    Array.from({ length: 7 }, (_, i) => data[4 * (200 * (97 + i) + x)])
      .map((red) => ({ 0: "k", 255: "y" })[red ?? 0] ?? "·")
      .join("");
  expect(column(100)).toBe("··kyk··");
  expect(column(0)).toBe("··kyk··");
});
