import { expect, test } from "vitest";
import { strongestUnits } from "../../src/modes/layers/units.ts";
import { cellOf, upscale } from "../../src/modes/layers/upscale.ts";

test("each cell of a map covers its part of the picture", () => {
  const map = { data: Float32Array.of(1, 2, 3, 4), height: 2, width: 2 };
  expect(upscale(map, { height: 2, width: 4 }).data).toEqual(Float32Array.of(1, 1, 2, 2, 3, 3, 4, 4));
  expect(upscale(map, { height: 2, width: 2 })).toEqual(map);
  const columns = Array.from({ length: 28 }, (_, x) => cellOf(x, 28, 3));
  expect([0, 1, 2].map((cell) => columns.filter((each) => each === cell).length)).toEqual([9, 10, 9]);
});

test("a map that is finer than the picture is sampled, not read beyond its end", () => {
  const map = { data: Float32Array.of(1, 2, 3, 4, 5), height: 1, width: 5 };
  expect(upscale(map, { height: 1, width: 2 }).data).toEqual(Float32Array.of(2, 4));
});

test("units come by their strength, with their part of all that is for and against", () => {
  expect(strongestUnits(Float32Array.of(1, 0, -3, 0), 5)).toEqual([
    { unit: 2, relevance: -3, share: -0.75 },
    { unit: 0, relevance: 1, share: 0.25 },
  ]);
  expect(strongestUnits(Float32Array.of(1, 2, 3), 1)).toHaveLength(1);
  expect(strongestUnits(new Float32Array(3), 2)).toEqual([]);
});
