import { expect, it } from "vitest";
import {
  bootstrapInterval,
  compare,
  mean,
  median,
  quantile,
  summarize,
} from "../../src/evaluate/statistics.ts";

it("mean and median", () => {
  expect(mean([1, 2, 6])).toBe(3);
  expect(median([6, 1, 2])).toBe(2);
  expect(median([6, 1, 2, 3])).toBe(2.5);
  expect(mean([])).toBeNaN();
});

it("quantiles are linear between neighbours", () => {
  expect(quantile([0, 10], 0.25)).toBe(2.5);
  expect(quantile([0, 10, 20], 0.5)).toBe(10);
});

it("intervals are those of all draws that can be", () => {
  // Four numbers have 256 draws: 1 has the sum 0, 4 have 1, 10 have 2 and so on, so 2.5 % of them lie below 2.
  expect(bootstrapInterval([0, 1, 2, 3])).toEqual([0.5, 2.5]);
  // Of two numbers, a quarter of the draws has the lower one alone.
  expect(bootstrapInterval([-1, 5])).toEqual([-1, 5]);
  expect(bootstrapInterval([4, 4, 4])).toEqual([4, 4]);
});

it("intervals are the same in every run, and others for another seed", () => {
  const numbers = Array.from({ length: 30 }, (_, i) => Math.sin(i * i));
  expect(bootstrapInterval(numbers)).toEqual(bootstrapInterval(numbers));
  expect(bootstrapInterval(numbers, { seed: 2 })).not.toEqual(bootstrapInterval(numbers));
});

it("differences are paired", () => {
  const reference = [10, 20, 30, 40];
  const found = compare([11, 21, 31, 40], reference);
  expect(found).toMatchObject({ count: 4, mean: 0.75, median: 1, higher: 3.5 });
  // Differences between samples cancel: the interval is that of 1, 1, 1, 0.
  expect(found.interval).toEqual(bootstrapInterval([1, 1, 1, 0]));
});

it("refuses nothing, and what are no pairs", () => {
  expect(() => summarize([])).toThrow("there are none");
  expect(() => compare([1], [1, 2])).toThrow("1 and 2, which are not pairs");
});
