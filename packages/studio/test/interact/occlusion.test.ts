import { describe, expect, test } from "vitest";
import type { Picture } from "@relprop/engine/engine";
import { agreement, meanMap, sweep, windowStarts, windowsOver } from "../../src/modes/interact/occlusion.ts";

describe("windows", () => {
  test("cover the picture to its end", () => {
    expect(windowStarts(28, 8, 8)).toEqual([0, 8, 16, 20]);
    expect(windowStarts(16, 8, 4)).toEqual([0, 4, 8]);
    expect(windowStarts(5, 8, 4)).toEqual([0]);
    const map = meanMap(windowsOver({ width: 28, height: 20 }, 8, 5), new Float32Array(99).fill(3), {
      width: 28,
      height: 20,
    });
    expect(map.data.every((value) => value === 3)).toBe(true);
  });
});

describe("an occlusion sweep", () => {
  const side = 12;
  const white: Picture = {
    data: new Uint8ClampedArray(4 * side * side).fill(255),
    width: side,
    height: side,
  };
  /** A network that sums the red of the left half. */
  const left = (picture: Picture): number => {
    let sum = 0;
    for (let i = 0; i < side * side; i++) if (i % side < side / 2) sum += (picture.data[4 * i] ?? 0) / 255;
    return sum;
  };
  const batches: number[] = [];
  const scores = async (pictures: readonly Picture[]): Promise<Float32Array> => {
    batches.push(pictures.length);
    return Float32Array.from(pictures, left);
  };
  const options = {
    picture: white,
    window: 4,
    stride: 4,
    fill: "black",
    batch: 4,
    scores,
  } as const;

  test("finds what the class is made of, in batches, and tells how far it is", async () => {
    batches.length = 0;
    const progress: string[] = [];
    const result = await sweep({ ...options, onProgress: (done, all) => progress.push(`${done}/${all}`) });
    expect(batches).toEqual([1, 4, 4, 1]);
    expect(progress).toEqual(["0/9", "4/9", "8/9", "9/9"]);
    expect([...result.drops]).toEqual([16, 8, 0, 16, 8, 0, 16, 8, 0]);
    expect(result.map.data[0]).toBe(16);
    expect(result.map.data[side - 1]).toBe(0);
  });

  test("agrees fully with relevance that is exact, and not with its opposite", async () => {
    const result = await sweep(options);
    const exact = Float32Array.from({ length: side * side }, (_, i) => (i % side < side / 2 ? 1 : 0));
    const map = { data: exact, width: side, height: side };
    expect(agreement(result, map)).toBeCloseTo(1, 12);
    expect(agreement(result, { ...map, data: exact.map((value) => 1 - value) })).toBeCloseTo(-1, 12);
    expect(agreement(result, { ...map, data: new Float32Array(side * side) })).toBeUndefined();
  });

  test("can be cancelled between batches", async () => {
    batches.length = 0;
    const cancel = new AbortController();
    const run = sweep({
      ...options,
      signal: cancel.signal,
      onProgress: (done) => {
        if (done === 4) cancel.abort();
      },
    });
    await expect(run).rejects.toThrow("aborted");
    expect(batches).toEqual([1, 4]);
  });
});
