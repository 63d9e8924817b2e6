import type { InputCard } from "@relprop/core/zoo";
import { describe, expect, test } from "vitest";
import { frameCrop } from "../../src/modes/live/sources.ts";
import { captionScale, wrap } from "../../src/modes/live/stage.ts";

const card = (size: InputCard["size"], resize: InputCard["resize"]): { input: InputCard } => ({
  input: { layout: "NCHW", size, resize, channels: "RGB", scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
});

describe("the part of a frame that the network sees", () => {
  test("is what the card crops", () => {
    const crop = frameCrop(640, 480, card([224, 224], { shortSide: 256 }));
    expect(crop.width).toBeCloseTo(420, 0);
    expect(crop.height).toBeCloseTo(420, 0);
    expect(crop.top).toBeCloseTo(30, 0);
  });

  test("reaches beyond the frame where the card pads it", () => {
    const pad = [114, 114, 114] as const;
    expect(frameCrop(640, 480, card([320, 320], { letterbox: pad }))).toEqual({
      left: 0,
      top: -80,
      width: 640,
      height: 640,
      pad,
    });
  });

  test.each(["exact", "none"] as const)("is the largest centred part where the card says %s", (resize) => {
    expect(frameCrop(640, 480, card([28, 28], resize))).toEqual({
      left: 80,
      top: 0,
      width: 480,
      height: 480,
    });
    expect(frameCrop(100, 400, card([50, 100], resize))).toEqual({
      left: 0,
      top: 175,
      width: 100,
      height: 50,
    });
  });
});

const fits = (row: string): boolean => row.length <= 10;

describe("a caption", () => {
  test("breaks at spaces, and leaves long words whole", () => {
    expect(wrap("red speaks for a Kühlwassertank", fits)).toEqual(["red speaks", "for a", "Kühlwassertank"]);
  });

  test("is enlarged where the canvas is shown smaller than it is", () => {
    expect(captionScale(480, 480)).toBe(1);
    expect(captionScale(480, 700)).toBe(1);
    expect(captionScale(976, 340)).toBe(2.75);
    expect(captionScale(976, 0)).toBe(1);
  });
});
