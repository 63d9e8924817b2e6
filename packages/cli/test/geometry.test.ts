/** Pictures of any form through models of any form: what the network sees, and where its maps and boxes lie in the picture. */

import { ModelRunner } from "@relprop/engine/model-runner";
import { readSource } from "@relprop/engine/read-source";
import { concatChunks, writeModel, type Model } from "@relprop/core/onnx";
import type { PictureFrame } from "@relprop/core/preprocess";
import * as ort from "onnxruntime-node";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { ints } from "../../relprop/src/onnx/index.ts";
import { modelOf, outputModels, type OutputModel } from "../../relprop/test/support/output-models.ts";
import { readImage } from "../src/files/read-images.ts";
import { answersOf, Workshop, type Answer, type CommandRun } from "./support/output-runs.ts";

const shop = new Workshop();

interface Placed extends Answer {
  readonly geometry: PictureFrame;
  readonly box?: {
    readonly left: number;
    readonly top: number;
    readonly right: number;
    readonly bottom: number;
  };
}
const placed = (run: CommandRun): Placed[] => answersOf(run) as unknown as Placed[];

/** Classes of pictures of this size. */
const classifier = (height: number, width: number): Model =>
  modelOf({
    name: "classes",
    input: [1, 3, height, width],
    kind: "classes",
    scale: "probability by softmax",
    build: (b, x) => {
      const mean = b.op("ReduceMean", [b.relu(b.conv(x, 3, 6))], { axes: ints([2, 3]) });
      return b.op("Softmax", [b.dense(b.reshape(mean, [0, 6]), 6, 4)]);
    },
  });

/** A picture whose every pixel differs from its neighbours. */
async function picture(name: string, width: number, height: number, orientation?: number): Promise<string> {
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 53 + (i >> 5) * 91) % 256);
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  const turned = orientation === undefined ? image : image.withMetadata({ orientation });
  return shop.file(name, await turned.png().toBuffer());
}

interface Raw {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
}
async function raw(path: string): Promise<Raw> {
  const { data, info } = await sharp(path).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}
const sizeOf = ({ width, height }: Raw): number[] => [width, height];

async function explain(path: string, model: Model, ...args: string[]): Promise<CommandRun> {
  const net = await shop.model(model, `net ${model.graph.inputs[0]?.shape.join(" ")}`);
  return shop.run("explain", path, "-m", net, "--json", ...args);
}

describe("a reader of lines, 48×192", () => {
  const model = classifier(48, 192);

  test("sees a line of its size as it is", async () => {
    const line = await picture("line.png", 192, 48);
    const run = await explain(line, model, "-c", "1");
    expect(run.status, run.stderr).toBe(0);
    const [answer] = placed(run);
    expect((await raw(answer?.outputs["picture"] ?? "")).data).toEqual((await raw(line)).data);
    expect(answer?.geometry.frame).toEqual({ left: 0, top: 0, right: 192, bottom: 48 });
    const people = await shop.run("explain", line, "-m", shop.path("net-N-3-48-192.onnx"), "-c", "1");
    expect(people.stderr).toContain("contain, padded at the right and below with 124,116,104");
    expect(people.stderr).toContain("(its input is wide, as lines of text)");
  });

  test("sees all of a shorter line, padded at the right; maps show no padding", async () => {
    const line = await picture("short.png", 96, 48);
    const [answer] = placed(
      await explain(line, model, "-c", "1", "--style", "picture,heatmap,overlay,figure"),
    );
    const seen = await raw(answer?.outputs["picture"] ?? "");
    const own = await raw(line);
    expect(sizeOf(seen)).toEqual([192, 48]);
    for (const y of [0, 47]) {
      const row = seen.data.subarray(3 * 192 * y, 3 * 192 * (y + 1));
      expect(row.subarray(0, 3 * 96)).toEqual(own.data.subarray(3 * 96 * y, 3 * 96 * (y + 1)));
      expect([...row.subarray(3 * 96, 3 * 97), ...row.subarray(-3)]).toEqual([124, 116, 104, 124, 116, 104]);
    }
    expect(answer?.geometry).toEqual({
      picture: { width: 96, height: 48 },
      input: { width: 192, height: 48 },
      frame: { left: 0, top: 0, right: 192, bottom: 48 },
    });
    for (const kind of ["heatmap", "overlay"])
      expect(sizeOf(await raw(answer?.outputs[kind] ?? ""))).toEqual([96, 48]);
  });
});

const cut = (at: number, most: number): number => Math.min(most, Math.max(0, at));

describe("a detector of square inputs", () => {
  const net = outputModels.find(({ name }) => name === "boxes beside scores, anchors last") as OutputModel;

  test("has its box in the own pixels of a wide and a high picture", async () => {
    const model = modelOf(net);
    const source = await readSource("net.onnx", concatChunks(writeModel(model).chunks));
    expect(source.card.input.resize).toEqual({ letterbox: [114, 114, 114] });
    const studio = new ModelRunner("net", source, { ort });
    for (const [width, height] of [
      [80, 40],
      [30, 60],
    ] as const) {
      const path = await picture(`${width}.png`, width, height);
      const run = await explain(path, model, "--box", "1", "--score-threshold", "0");
      expect(run.status, run.stderr).toBe(0);
      const [answer] = placed(run);
      const side = Math.max(width, height);
      const [left, top] = [(width - side) / 2, (height - side) / 2];
      expect(answer?.geometry.frame).toEqual({ left, top, right: left + side, bottom: top + side });
      const seen = await readImage(path, await sharp(path).toBuffer(), source.card.input);
      const { explained } = await studio.explain({
        picture: seen,
        composite: "epsilon-plus",
        target: { kind: "box", rank: 1 },
        keep: 0,
      });
      const box = explained.box as NonNullable<typeof explained.box>;
      // Of 8 pixels of the input each is side / 8 of the picture's; what of the box lies in the padding is cut off.
      expect(answer?.box?.left).toBeCloseTo(cut(left + (box.left * side) / 8, width), 3);
      expect(answer?.box?.right).toBeCloseTo(cut(left + (box.right * side) / 8, width), 3);
      expect(answer?.box?.top).toBeCloseTo(cut(top + (box.top * side) / 8, height), 3);
      expect(answer?.box?.bottom).toBeCloseTo(cut(top + (box.bottom * side) / 8, height), 3);
      expect(sizeOf(await raw(answer?.outputs["overlay"] ?? ""))).toEqual([width, height]);
    }
    await studio.dispose();
  });
});

describe("a classifier of square inputs", () => {
  const model = classifier(32, 32);

  test("sees a picture of its size as it is, and its overlay is of all pixels", async () => {
    const path = await picture("same.png", 32, 32);
    const [answer] = placed(await explain(path, model, "-c", "1"));
    expect((await raw(answer?.outputs["picture"] ?? "")).data).toEqual((await raw(path)).data);
    expect(sizeOf(await raw(answer?.outputs["heatmap"] ?? ""))).toEqual([32, 32]);
  });

  test.each([
    ["wide", 300, 200, undefined, [300, 200]],
    ["high", 200, 300, undefined, [200, 300]],
    ["turned by its EXIF orientation", 300, 200, 6, [200, 300]],
    ["one pixel high", 64, 1, undefined, [960, 15]],
    ["larger than it is drawn", 1920, 1080, undefined, [960, 540]],
  ] as const)(
    "of a picture that is %s sees the centre; the map is of the whole",
    async (name, w, h, turn, drawn) => {
      const path = await picture(`${name}.png`, w, h, turn);
      const run = await explain(path, model, "-c", "1");
      expect(run.status, run.stderr).toBe(0);
      const [answer] = placed(run) as [Placed];
      const { picture: own, frame } = answer.geometry;
      expect([own.width, own.height]).toEqual(turn === undefined ? [w, h] : [h, w]);
      // Rounding shifts the crop by a pixel of the input at most.
      const pixel = Math.min(own.width, own.height) / 37;
      expect(Math.abs(frame.left + frame.right - own.width)).toBeLessThan(2 * pixel);
      const seen = (Math.min(own.width, own.height) * 32) / 37;
      expect(Math.abs(frame.bottom - frame.top - seen)).toBeLessThan(pixel);
      const overlay = await raw(answer?.outputs["overlay"] ?? "");
      expect(sizeOf(overlay)).toEqual(drawn);
      // The corner is under gray: no colour, and not the picture's own brightness.
      const heatmap = await raw(answer?.outputs["heatmap"] ?? "");
      for (const part of heatmap.data.subarray(0, 3)) expect(Math.abs(part - 178.5)).toBeLessThan(1);
      expect(overlay.data[0]).toBe(overlay.data[2]);
    },
  );

  test("does as it is told", async () => {
    const path = await picture("told.png", 64, 32);
    const seen = async (...args: string[]): Promise<Raw> =>
      raw(placed(await explain(path, model, "-c", "1", ...args))[0]?.outputs["picture"] ?? "");
    const { data } = await seen("--resize", "letterbox", "--pad-colour", "red");
    expect([...data.subarray(0, 3)]).toEqual([255, 0, 0]);
    const corner = 3 * 32 * 31;
    const contained = await seen("--resize", "contain", "--pad-colour", "1,2,3", "--channels", "bgr");
    expect([...contained.data.subarray(corner, corner + 3)]).toEqual([1, 2, 3]);
    const own = await raw(path);
    const covered = await seen("--resize", "cover");
    expect(covered.data.subarray(0, 96)).toEqual(own.data.subarray(3 * 16, 3 * 48));
    const none = await explain(path, model, "-c", "1", "--resize", "none");
    expect(none.status).toBe(1);
    expect(none.stderr).toContain("it is 64×32 pixels, the model takes 32×32");
  });

  test.each([
    [["--pad-colour", "red"], "cannot use --pad-colour"],
    [["--resize", "letterbox", "--pad-colour", "nonsense"], "it is no colour"],
    [["--resize", "letterbox", "--pad-colour", "1,2,256"], "it is no colour"],
    [["--resize", "letterbox", "--crop", "0.9"], "cannot use --crop"],
    [["--grey", "--channels", "BGR"], "--grey and --channels BGR do not go together"],
    [["--crop", "2"], 'It must be a number from 0.05 to 1, or "none".'],
    [["--channels", "BRG"], "It must be RGB, BGR or gray."],
  ])("%j is refused", async (args, why) => {
    const run = await explain(await picture("refused.png", 40, 40), model, ...args);
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(why);
  });
});

test("--grey feeds one channel", async () => {
  const gray = modelOf({
    name: "gray",
    input: [1, 1, 16, 16],
    kind: "classes",
    scale: "probability by softmax",
    build: (b, x) => {
      const mean = b.op("ReduceMean", [b.relu(b.conv(x, 1, 6))], { axes: ints([2, 3]) });
      return b.op("Softmax", [b.dense(b.reshape(mean, [0, 6]), 6, 4)]);
    },
  });
  const path = await picture("gray.png", 16, 16);
  const first = placed(await explain(path, gray, "-c", "1", "--grey"));
  expect(first).toEqual([{ ...first[0], class: 1 }]);
  expect(placed(await explain(path, gray, "-c", "1"))[0]?.["logit"]).toBe(first[0]?.logit);
});

describe("a place of a map", () => {
  const model = modelOf(outputModels.find(({ name }) => name === "a map of logits") as OutputModel);

  test("is named in the picture's own pixels", async () => {
    const path = await picture("map.png", 80, 40);
    const at = async (pixel: string, ...args: string[]): Promise<CommandRun> =>
      explain(path, model, "--pixel", pixel, "-c", "1", ...args);
    // Of 8×8 places one is 10×5 pixels; the target is channel, row, column.
    const [there] = placed(await at("39,29"));
    const [wanted] = placed(await explain(path, model, "--target", "0,1,5,3"));
    expect(there).toMatchObject({ value: wanted?.value, asked: "pixel 39,29 of 1 class 1" });
    const cropped = await at("10,20", "--resize", "cover");
    expect(cropped.status).toBe(1);
    expect(cropped.stderr).toContain("the network does not see it: the picture is cropped to 20,0 … 60,40");
    expect((await at("80,0")).stderr).toContain("the picture has 80×40");
  });
});
