/** Resizing against Pillow, which networks were trained with: bench/peers/pillow_resample.py. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { resample, type ResizePlan } from "../../src/preprocess/index.ts";
import type { Interpolation } from "../../src/cards/model-card.ts";

interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly pixels: readonly number[];
}
const { cases, ...given } = JSON.parse(
  readFileSync(new URL("./pillow.json", import.meta.url), "utf8"),
) as Pixels & { readonly cases: readonly (Pixels & { readonly interpolation: Interpolation })[] };

const rgba = ({ pixels, width, height }: Pixels): number[] =>
  Array.from({ length: 4 * width * height }, (_, i) =>
    i % 4 === 3 ? 255 : (pixels[3 * Math.floor(i / 4) + (i % 4)] as number),
  );
const picture = { ...given, data: rgba(given) };
const whole = (width: number, height: number): ResizePlan => ({
  width,
  height,
  crop: { left: 0, top: 0, width, height },
});

describe.each(cases)("$interpolation to $width × $height", ({ interpolation, width, height, pixels }) => {
  it("is Pillow's to a rounding", () => {
    const { data } = resample(picture, whole(width, height), interpolation);
    const wanted = rgba({ pixels, width, height });
    const differences = Array.from(data, (value, i) => Math.abs(value - (wanted[i] as number)));
    expect(Math.max(...differences)).toBeLessThanOrEqual(1);
    expect(differences.filter((each) => each > 0).length).toBeLessThan(0.02 * data.length);
  });

  it("crops what it resized", () => {
    const plan = whole(width, height);
    const { data } = resample(picture, plan, interpolation);
    const crop = { left: 1, top: 1, width: width - 2, height: height - 2 };
    const cropped = resample(picture, { ...plan, crop }, interpolation);
    expect([cropped.width, cropped.height]).toEqual([crop.width, crop.height]);
    const expected = Array.from({ length: 4 * crop.width * crop.height }, (_, i) => {
      const [x, y] = [Math.floor(i / 4) % crop.width, Math.floor(i / (4 * crop.width))];
      return data[4 * ((y + 1) * width + x + 1) + (i % 4)];
    });
    expect(Array.from(cropped.data)).toEqual(expected);
  });
});

it("padding has its colour all around the picture, which is resized as without it", () => {
  const picture = { width: 3, height: 2, data: Uint8Array.from({ length: 24 }, (_, i) => (37 * i) % 256) };
  const pad = [1, 2, 3] as const;
  const crop = { left: -1, top: -2, width: 8, height: 7 };
  const boxed = resample(picture, { width: 6, height: 4, crop, pad });
  const plain = resample(picture, whole(6, 4));
  for (let y = 0; y < 7; y++) {
    for (let x = 0; x < 8; x++) {
      const isIn = x >= 1 && x < 7 && y >= 2 && y < 6;
      const at = 4 * ((y - 2) * 6 + x - 1);
      const expected = isIn ? [...plain.data.subarray(at, at + 4)] : [1, 2, 3, 255];
      expect([...boxed.data.subarray(4 * (8 * y + x), 4 * (8 * y + x + 1))]).toEqual(expected);
    }
  }
});
