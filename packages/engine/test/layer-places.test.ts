import { expect, test } from "vitest";
import { placesOf, readLayer } from "../src/layer-places.ts";

const count = (n: number): Float32Array => Float32Array.from({ length: n }, (_, i) => i);

test("a map of channels, channels first or last", () => {
  const dims = [1, 2, 1, 3];
  const first = readLayer({ data: count(6), dims }, placesOf(dims, "NCHW"));
  expect(first).toEqual({
    total: 15,
    channelRelevance: Float32Array.of(3, 12),
    map: { data: Float32Array.of(3, 5, 7), height: 1, width: 3 },
  });
  const turned = [1, 1, 3, 2];
  const last = readLayer({ data: count(6), dims: turned }, placesOf(turned, "NHWC"));
  expect(last).toEqual({
    total: 15,
    channelRelevance: Float32Array.of(6, 9),
    map: { data: Float32Array.of(1, 5, 9), height: 1, width: 3 },
  });
});

test("tokens that fill a square are a map; the class token has no place", () => {
  const dims = [1, 5, 2];
  expect(readLayer({ data: count(10), dims }, placesOf(dims, "NCHW"))).toEqual({
    total: 45,
    channelRelevance: Float32Array.of(20, 25),
    map: { data: Float32Array.of(5, 9, 13, 17), height: 2, width: 2 },
  });
  expect(placesOf([1, 4, 8], "NCHW").size).toEqual([2, 2]);
  expect(placesOf([1, 7, 8], "NCHW").size).toBeUndefined();
});

test("units have no places, nor has a pooled map", () => {
  const dims = [1, 3];
  expect(readLayer({ data: count(3), dims }, placesOf(dims, "NCHW"))).toEqual({
    total: 3,
    channelRelevance: Float32Array.of(0, 1, 2),
  });
  expect(placesOf([1, 32, 1, 1], "NCHW").size).toBeUndefined();
  expect(readLayer({ data: count(1), dims: [1] }, placesOf([1], "NCHW"))).toEqual({
    total: 0,
    channelRelevance: new Float32Array(),
  });
});
