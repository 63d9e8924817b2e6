import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  Explainer,
  maskTarget,
  occlusion,
  rankCorrelation,
  type FloatArray,
  type OcclusionOptions,
} from "../../src/index.ts";
import { randomNumbers, relativeDistance } from "../support/run.ts";
import { convnet, image, images, session } from "./nets.ts";

/** y = [Σ wx, −Σ wx] of each sample, in plain numbers: covering a patch takes its own Σ wx away. */
const w = randomNumbers(3 * 8 * 6, 41);
const linear = async ({ data, dims }: FloatArray): Promise<FloatArray> => {
  const rows = Array.from({ length: dims[0] as number }, (_, sample) =>
    w.reduce((sum, n, i) => sum + n * (data[sample * w.length + i] as number), 0),
  );
  return { data: Float32Array.from(rows.flatMap((y) => [y, -y])), dims: [rows.length, 2] };
};

/** The definition, pixel by pixel: the mean over all patches that contain it. */
function expected(
  input: FloatArray,
  patch: number,
  tops: number[],
  lefts: number[],
  value: number,
): number[] {
  const drops: number[] = [];
  for (let sample = 0; sample < (input.dims[0] as number); sample++) {
    const lost = (top: number, left: number): number => {
      let sum = 0;
      for (let c = 0; c < 3; c++)
        for (let y = top; y < top + patch; y++)
          for (let x = left; x < left + patch; x++) {
            const at = (c * 8 + y) * 6 + x;
            sum += (w[at] as number) * ((input.data[sample * w.length + at] as number) - value);
          }
      return sum;
    };
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 6; x++) {
        const over = tops
          .filter((top) => top <= y && y < top + patch)
          .flatMap((top) =>
            lefts.filter((left) => left <= x && x < left + patch).map((left) => lost(top, left)),
          );
        drops.push(over.reduce((a, n) => a + n, 0) / over.length);
      }
  }
  return drops;
}

const input = images(2);

const attempt = (options: Partial<OcclusionOptions>): Promise<FloatArray> =>
  occlusion({ run: linear, input, target: 0, patch: 2, ...options });

/** [C, H, W] -> [H, W, C] and back. */
const turned = (data: ArrayLike<number>): Float32Array =>
  Float32Array.from({ length: 3 * 48 }, (_, i) => data[(i % 3) * 48 + Math.floor(i / 3)] as number);
const back = (data: ArrayLike<number>): Float32Array =>
  Float32Array.from({ length: 3 * 48 }, (_, i) => data[(i % 48) * 3 + Math.floor(i / 48)] as number);

describe("occlusion", () => {
  it.each([1, 5, 32])("is the mean drop over the patches on a pixel, %i copies at a time", async (batch) => {
    const map = await occlusion({ run: linear, input, target: 0, patch: 3, stride: 2, value: 0.5, batch });
    expect(map.dims).toEqual([2, 8, 6]);
    const drops = expected(input, 3, [0, 2, 4, 5], [0, 2, 3], 0.5);
    expect(relativeDistance(map.data, drops)).toBeLessThan(1e-5);
  });

  it("watches each sample's own target, and a mask", async () => {
    const [both, first, mask] = await Promise.all(
      [
        [0, 1],
        0,
        maskTarget(
          [2, 2],
          [
            [0, 0],
            [1, 1],
          ],
        ),
      ].map((target) => occlusion({ run: linear, input, target, patch: 2 })),
    );
    expect(both!.data).toEqual(mask!.data);
    expect(both!.data.slice(0, 48)).toEqual(first!.data.slice(0, 48));
    expect(both!.data.slice(48)).toEqual(first!.data.slice(48).map((n) => -n));
  });

  it("takes images with channels last, and one value for each channel", async () => {
    const one = images(1);
    const options = { target: 0, patch: [4, 2], stride: [2, 1], value: [0.1, 0.2, 0.3] } as const;
    const first = await occlusion({ run: linear, input: one, ...options });
    const last = await occlusion({
      run: async ({ data, dims }) => {
        const rows = Array.from({ length: dims[0] as number }, (_, i) =>
          back(data.slice(i * 144, (i + 1) * 144)),
        );
        const all = Float32Array.from(rows.flatMap((row) => [...row]));
        return linear({ data: all, dims: [rows.length, 3, 8, 6] });
      },
      input: { data: turned(one.data), dims: [1, 8, 6, 3] },
      ...options,
    });
    expect(relativeDistance(last.data, first.data)).toBe(0);
  });

  it("agrees with input × gradient on a network about what matters", async () => {
    const net = convnet("Relu", false);
    const forward = await session(net);
    const map = await occlusion({
      run: async (batch) => (await forward.run({ input: batch }))["output"]!,
      input: images(1),
      target: 2,
      patch: 1,
    });
    const explainer = new Explainer({ ort, model: net, method: "input-x-gradient", reduce: "channels" });
    const { relevance } = await explainer.explain(images(1), { target: 2 });
    expect(rankCorrelation(map.data, relevance.data)).toBeGreaterThan(0.8);
    await explainer.dispose();
    await forward.release();
  });

  it("says what does not fit", async () => {
    await expect(attempt({ patch: 7 })).rejects.toThrow("the patch is larger than the image");
    await expect(attempt({ stride: 3 })).rejects.toThrow("pixels between the patches stay uncovered");
    await expect(attempt({ value: [1, 2] })).rejects.toThrow("value has 2 numbers for 3 channels");
    await expect(attempt({ target: 2 })).rejects.toThrow("there is no class 2");
    await expect(attempt({ input: { data: w, dims: [...image] } })).rejects.toThrow("not [N, C, H, W]");
    const one = { data: Float32Array.of(0, 0), dims: [1, 2] };
    await expect(attempt({ run: () => Promise.resolve(one) })).rejects.toThrow(
      "run returned the shape [1, 2] for 2 samples",
    );
  });
});

describe("rankCorrelation", () => {
  it("is Spearman's ρ", () => {
    expect(rankCorrelation([1, 2, 3, 4], [10, 20, 30, 1000])).toBeCloseTo(1, 12);
    expect(rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1])).toBeCloseTo(-1, 12);
    // IQ and hours of TV (the example of many a textbook): 1 − 6·194/(10·99).
    const iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110];
    const hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17];
    expect(rankCorrelation(iq, hours)).toBeCloseTo(1 - (6 * 194) / 990, 12);
    // Ties share their mean rank: ranks 1, 2.5, 2.5, 4 against 1, 2, 3, 4.
    expect(rankCorrelation([1, 2, 2, 3], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
    // NumPy's corrcoef of the mean ranks.
    expect(rankCorrelation([1, 2, 2, 4, 5, 5], [3, 1, 4, 4, 9, 2])).toBeCloseTo(0.3134677528639293, 12);
    const values = [3, 1, 2, 8, -4];
    const falling = values.map((value) => -Math.exp(value));
    expect(rankCorrelation(values, falling)).toBeCloseTo(-1, 12);
  });

  it("is undefined where a map has no order", () => {
    expect(rankCorrelation([1, 1], [1, 2])).toBeUndefined();
    expect(rankCorrelation([1, 2], [0, 0])).toBeUndefined();
    expect(rankCorrelation([5, 5, 5], [5, 5, 5])).toBeUndefined();
  });

  it("says what does not fit", () => {
    expect(() => rankCorrelation([1, 2], [1])).toThrow("they have 2 and 1 elements");
    expect(() => rankCorrelation([1], [1])).toThrow("they have 1 and 1 elements");
  });
});
