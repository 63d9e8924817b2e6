import { describe, expect, test } from "vitest";
import { choosePixels, type ChosenPixels, type PixelOptions } from "../../src/cards/choose-pixels.ts";
import { imageNetPixels } from "../../src/cards/model-card.ts";
import { caffePixels } from "../../src/zoo/architectures/vgg.ts";

const guessed = (options: PixelOptions): ChosenPixels => choosePixels("RGB", imageNetPixels, options);
const [zeros, ones] = [
  [0, 0, 0],
  [1, 1, 1],
];
const unit = 1 / 255;
const noMean = "mean 0 (none is known for that scale)";
const noStd = "std 1 (none is known for that scale)";
const caffe = [104, 117, 123];

describe("the scale follows mean and deviation", () => {
  test.each<[PixelOptions, Omit<ChosenPixels, "guesses">, readonly string[]]>([
    [
      { mean: caffe },
      { scale: 1, mean: caffe, std: ones },
      ["scale 1 (--mean 104,117,123 is of pixels 0..255)", noStd],
    ],
    [
      { mean: caffe, std: [1] },
      { scale: 1, mean: caffe, std: ones },
      ["scale 1 (--mean 104,117,123 is of pixels 0..255)"],
    ],
    [
      { mean: [127.5], std: [127.5] },
      { scale: 1, mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] },
      ["scale 1 (--mean 127.5,127.5,127.5 is of pixels 0..255)"],
    ],
    [
      { mean: [0], std: [255] },
      { scale: 1, mean: zeros, std: [255, 255, 255] },
      ["scale 1 (--std 255,255,255 is of pixels 0..255)"],
    ],
    [
      { std: [255] },
      { scale: 1, mean: zeros, std: [255, 255, 255] },
      ["scale 1 (--std 255,255,255 is of pixels 0..255)", noMean],
    ],
    [{ mean: [0.5], std: [0.5] }, { scale: unit, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }, []],
    [{ mean: [0], std: [1] }, { scale: unit, mean: zeros, std: ones }, []],
    [{ std: [1] }, { scale: unit, mean: imageNetPixels.mean, std: ones }, []],
    [{ scale: 1 }, { scale: 1, mean: zeros, std: ones }, [noMean, noStd]],
    [{ scale: 1, mean: [0.5], std: [0.5] }, { scale: 1, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] }, []],
  ])("%j", (options, numbers, guesses) => {
    expect(guessed(options)).toEqual({ ...numbers, guesses });
  });

  test("of a card, too", () => {
    expect(choosePixels("BGR", caffePixels, { mean: [0.485, 0.456, 0.406] })).toEqual({
      scale: unit,
      mean: [0.485, 0.456, 0.406],
      std: ones,
      guesses: ["scale 1/255 (--mean 0.485,0.456,0.406 is of pixels 0..1)"].concat(
        caffePixels.std.every((each) => each === 1) ? [noStd] : [],
      ),
    });
    expect(choosePixels("BGR", caffePixels, { mean: [103, 116, 123] })).toEqual({
      ...caffePixels,
      channels: undefined,
      mean: [103, 116, 123],
      guesses: [],
    });
  });

  test("but not where it has that range already", () => {
    const inception = { scale: 1 / 127.5, mean: ones, std: ones };
    expect(choosePixels("RGB", inception, { mean: [0.9] })).toEqual({
      ...inception,
      mean: [0.9, 0.9, 0.9],
      guesses: [],
    });
  });
});

describe("what contradicts itself is an error", () => {
  test.each<[PixelOptions, RegExp]>([
    [
      { mean: caffe, std: [0.229, 0.224, 0.225] },
      /--mean 104,117,123 and --std 0.229,0.224,0.225 do not go together: the mean is of pixels 0..255, the deviation of pixels 0..1; give both in one range, as --std 58.395,57.12,57.375/,
    ],
    [
      { mean: [0.485, 0.456, 0.406], std: [58.395] },
      /the mean is of pixels 0..1, the deviation of pixels 0..255; give both in one range, as --std 0.229,0.229,0.229/,
    ],
    [{ std: [0] }, /--std cannot be 0,0,0: .*above 0/],
    [{ std: [1, 1] }, /--std cannot be 1,1: RGB has 3 channels; give 3 numbers, or one for all/],
  ])("%j", (options, message) => {
    expect(() => guessed(options)).toThrow(message);
  });
});
