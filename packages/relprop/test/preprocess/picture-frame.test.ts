import { describe, expect, test } from "vitest";
import { InputError } from "../../src/errors.ts";
import {
  boxInPicture,
  pictureFrame,
  pixelInInput,
  resizePlan,
  seenPart,
  type PictureFrame,
} from "../../src/preprocess/index.ts";
import type { InputCard } from "../../src/cards/model-card.ts";

const frameOf = (
  width: number,
  height: number,
  size: InputCard["size"],
  resize: InputCard["resize"],
): PictureFrame => pictureFrame(width, height, resizePlan(width, height, { size, resize }));

const gray = [114, 114, 114] as const;

describe("the frame of the input in a picture", () => {
  test("is the crop of a landscape, a portrait and a square", () => {
    const resize = { shortSide: 256 };
    const wide = frameOf(400, 300, [224, 224], resize);
    // 400×300 -> 341×256, of which 224×224 from 58, 16 on.
    expect(wide.frame.left).toBeCloseTo((58 * 400) / 341, 10);
    expect(wide.frame.right).toBeCloseTo((282 * 400) / 341, 10);
    expect(wide.frame.top).toBeCloseTo((16 * 300) / 256, 10);
    expect(seenPart(wide)).toEqual(wide.frame);
    const tall = frameOf(300, 400, [224, 224], resize);
    expect(tall.frame.top).toBeCloseTo(wide.frame.left, 10);
    expect(frameOf(512, 512, [224, 224], resize).frame).toEqual({
      left: 32,
      top: 32,
      right: 480,
      bottom: 480,
    });
  });

  test("reaches beyond a picture that is padded, of which all is seen", () => {
    const boxed = frameOf(400, 200, [640, 640], { letterbox: gray });
    expect(boxed).toEqual({
      picture: { width: 400, height: 200 },
      input: { width: 640, height: 640 },
      frame: { left: 0, top: -100, right: 400, bottom: 300 },
    });
    expect(seenPart(boxed)).toEqual({ left: 0, top: 0, right: 400, bottom: 200 });
    const line = frameOf(96, 48, [48, 192], { contain: gray });
    expect(line.frame).toEqual({ left: 0, top: 0, right: 192, bottom: 48 });
    expect(seenPart(line)).toEqual({ left: 0, top: 0, right: 96, bottom: 48 });
  });

  test("is the picture where that is stretched or has the size", () => {
    const all = { left: 0, top: 0, right: 192, bottom: 48 };
    expect(frameOf(192, 48, [48, 192], "none").frame).toEqual(all);
    expect(frameOf(192, 48, [48, 192], { contain: gray }).frame).toEqual(all);
    expect(frameOf(192, 48, [64, 64], "exact").frame).toEqual(all);
    expect(frameOf(192, 1, [64, 64], "exact").frame).toEqual({ ...all, bottom: 1 });
  });
});

describe("a box", () => {
  test("of a letterbox lies in the picture's own pixels, as ultralytics' scale_boxes has it", () => {
    const whole = frameOf(1280, 720, [640, 640], { letterbox: gray });
    // (100 − 0) / 0.5, (200 − 140) / 0.5 …
    expect(boxInPicture(whole, { left: 100, top: 200, right: 300, bottom: 400 })).toEqual({
      left: 200,
      top: 120,
      right: 600,
      bottom: 520,
    });
    expect(boxInPicture(whole, { left: -5, top: 90, right: 650, bottom: 640 })).toEqual({
      left: 0,
      top: 0,
      right: 1280,
      bottom: 720,
    });
  });

  test("of a crop may leave it, and not the picture", () => {
    const whole = frameOf(512, 256, [224, 224], { shortSide: 256 });
    expect(boxInPicture(whole, { left: -100, top: -100, right: 112, bottom: 300 })).toEqual({
      left: 44,
      top: 0,
      right: 256,
      bottom: 256,
    });
  });
});

describe("a pixel of the picture", () => {
  test("is found in the input", () => {
    const boxed = frameOf(400, 200, [640, 640], { letterbox: gray });
    expect(pixelInInput(boxed, { x: 0, y: 0 })).toEqual({ x: 0, y: 160 });
    expect(pixelInInput(boxed, { x: 399, y: 199 })).toEqual({ x: 639, y: 479 });
    const same = frameOf(8, 8, [8, 8], "exact");
    for (let x = 0; x < 8; x++) expect(pixelInInput(same, { x, y: 7 - x })).toEqual({ x, y: 7 - x });
    expect(pixelInInput(frameOf(1000, 1, [64, 64], "exact"), { x: 999, y: 0 })).toEqual({ x: 63, y: 32 });
  });

  test("outside of the crop, or of the picture, is an error that says where the crop lies", () => {
    const whole = frameOf(512, 256, [224, 224], { shortSide: 256 });
    expect(pixelInInput(whole, { x: 144, y: 16 })).toEqual({ x: 0, y: 0 });
    expect(() => pixelInInput(whole, { x: 143, y: 16 })).toThrow(InputError);
    expect(() => pixelInInput(whole, { x: 143, y: 16 })).toThrow(/cropped to 144,16 … 368,240/);
    expect(() => pixelInInput(whole, { x: 512, y: 0 })).toThrow(
      /no pixel 512,0 .*the picture has 512×256|no pixel 512,0/,
    );
  });
});
