import { describe, expect, test } from "vitest";
import { InputError, OptionError } from "../../src/errors.ts";
import { preprocess, resizePlan } from "../../src/preprocess/index.ts";
import type { InputCard } from "../../src/cards/model-card.ts";

const card: InputCard = {
  layout: "NCHW",
  size: [1, 2],
  resize: "exact",
  channels: "RGB",
  scale: 1 / 255,
  mean: [0.5, 0, 0],
  std: [0.5, 1, 2],
};
const picture = { width: 2, height: 1, data: [255, 51, 0, 255, 0, 255, 102, 0] };

describe("preprocessing", () => {
  test("NCHW has one plane a channel, each with its mean and deviation", () => {
    const { data, dims } = preprocess([picture], card);
    expect(dims).toEqual([1, 3, 1, 2]);
    expect([...data].map((value) => Number(value.toFixed(4)))).toEqual([1, -1, 0.2, 1, 0, 0.2]);
  });

  test("NHWC has the channels of a pixel together", () => {
    const { data, dims } = preprocess([picture], {
      ...card,
      layout: "NHWC",
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
    expect(dims).toEqual([1, 1, 2, 3]);
    expect([...data]).toEqual([255, 51, 0, 0, 255, 102]);
  });

  test("BGR turns the channels around before the mean is taken", () => {
    const caffe: InputCard = { ...card, channels: "BGR", scale: 1, mean: [100, 110, 120], std: [1, 1, 1] };
    expect([...preprocess([picture], caffe).data]).toEqual([-100, 2, -59, 145, 135, -120]);
  });

  test("gray is the luma of ITU-R BT.601", () => {
    const gray: InputCard = { ...card, channels: "gray", scale: 1, mean: [0], std: [1] };
    const { data, dims } = preprocess([{ width: 2, height: 1, data: [255, 255, 255, 255, 0, 0] }], gray);
    expect(dims).toEqual([1, 1, 1, 2]);
    expect([...data].map(Math.round)).toEqual([255, 76]);
  });

  test("several pictures make one batch", () => {
    const { data, dims } = preprocess([picture, picture], card);
    expect(dims[0]).toBe(2);
    expect(data.slice(6)).toEqual(data.slice(0, 6));
  });

  test("a picture of another size is an error", () => {
    expect(() => preprocess([{ width: 1, height: 1, data: [0, 0, 0] }], card)).toThrow(InputError);
  });
});

describe("the resize plan", () => {
  const imagenet = { size: [224, 224], resize: { shortSide: 256 } } as const;

  // torchvision 0.14: Resize(256) gives int(256 * long / short); CenterCrop(224) rounds halves to even.
  test.each([
    [451, 300, 384, 256, 80, 16],
    [600, 400, 384, 256, 80, 16],
    [300, 451, 256, 384, 16, 80],
    [512, 512, 256, 256, 16, 16],
    [640, 427, 383, 256, 80, 16],
    [257, 256, 257, 256, 16, 16],
    [259, 256, 259, 256, 18, 16],
  ])("%i×%i is resized and cropped as torchvision does", (w, h, width, height, left, top) => {
    expect(resizePlan(w, h, imagenet)).toEqual({
      width,
      height,
      crop: { left, top, width: 224, height: 224 },
    });
  });

  test("exact stretches the whole picture", () => {
    const plan = resizePlan(451, 300, { size: [100, 200], resize: "exact" });
    expect(plan).toEqual({ width: 200, height: 100, crop: { left: 0, top: 0, width: 200, height: 100 } });
  });

  test("stretch stretches the whole picture, then crops the centre", () => {
    expect(resizePlan(640, 480, { size: [224, 200], resize: { stretch: [256, 240] } })).toEqual({
      width: 240,
      height: 256,
      crop: { left: 20, top: 16, width: 200, height: 224 },
    });
    expect(() => resizePlan(640, 480, { size: [224, 224], resize: { stretch: [256, 200] } })).toThrow(
      /200×256 pixels hold no crop of 224×224; stretch to the size at least/,
    );
  });

  test("none takes pictures of the right size only", () => {
    expect(resizePlan(200, 100, { size: [100, 200], resize: "none" }).width).toBe(200);
    expect(() => resizePlan(100, 200, { size: [100, 200], resize: "none" })).toThrow(InputError);
  });

  // timm 1.0.31: create_transform(size, crop_pct) of these pictures.
  test.each([
    [451, 300, [224, 224], 0.875, 384, 256],
    [451, 300, [224, 224], 0.95, 353, 235],
    [451, 300, [96, 128], 0.9, 159, 106],
    [300, 451, [96, 128], 1, 128, 192],
    [640, 427, [256, 128], 0.875, 438, 292],
  ] as const)("%i×%i covers %j / %d as timm has it", (w, h, size, cover, width, height) => {
    const plan = resizePlan(w, h, { size, resize: { cover } });
    expect(plan).toMatchObject({ width, height, crop: { width: size[1], height: size[0] } });
    expect(plan.crop.left).toBeCloseTo((width - size[1]) / 2, -0.31);
  });

  // The formula of ultralytics' LetterBox, in Python: r = min(rows/h, columns/w), round(w·r), round(dw/2 − 0.1).
  test.each([
    [451, 300, [640, 640], 640, 426, 0, 107],
    [300, 451, [640, 640], 426, 640, 107, 0],
    [640, 480, [416, 640], 555, 416, 42, 0],
    [333, 222, [224, 224], 224, 149, 0, 37],
    [500, 48, [48, 192], 192, 18, 0, 15],
    [192, 48, [48, 192], 192, 48, 0, 0],
  ] as const)(
    "%i×%i lies in a letterbox of %j as YOLO has it",
    (w, h, size, width, height, before, above) => {
      const pad = [114, 114, 114] as const;
      const crop = { left: 0 - before, top: 0 - above, width: size[1], height: size[0] };
      expect(resizePlan(w, h, { size, resize: { letterbox: pad } })).toEqual({ width, height, crop, pad });
      const contained = resizePlan(w, h, { size, resize: { contain: pad } });
      expect(contained).toEqual({ width, height, crop: { ...crop, left: 0, top: 0 }, pad });
    },
  );

  test("a picture that is one pixel high keeps that pixel", () => {
    const plan = resizePlan(1000, 1, { size: [64, 64], resize: { letterbox: [0, 0, 0] } });
    expect(plan).toMatchObject({ width: 64, height: 1, crop: { left: 0, top: -31 } });
    expect(resizePlan(1000, 1, { size: [64, 64], resize: { cover: 1 } })).toMatchObject({
      width: 64000,
      height: 64,
      crop: { left: 31968, top: 0 },
    });
  });

  test("a picture that has the size is resized by its card, unless that says to keep it", () => {
    const card = { size: [224, 224], resize: { shortSide: 256, keepSize: true } } as const;
    const kept = { width: 224, height: 224, crop: { left: 0, top: 0, width: 224, height: 224 } };
    expect(resizePlan(224, 224, card)).toEqual(kept);
    expect(resizePlan(224, 225, card)).toMatchObject({ width: 256, height: 257 });
    expect(resizePlan(224, 224, imagenet)).toMatchObject({ width: 256, crop: { left: 16, top: 16 } });
  });

  test("a crop larger than the short side is an error", () => {
    expect(() => resizePlan(451, 300, { size: [224, 224], resize: { shortSide: 200 } })).toThrow(OptionError);
  });
});
