/** `--target`: elements by index, in ranges and sums, and files of weights; what is wrong is refused with its reason. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../../relprop/src/onnx/index.ts";
import { modelOf, outputModels } from "../../../relprop/test/support/output-models.ts";
import { runModel } from "../../../relprop/test/support/run.ts";
import { array } from "../../../relprop/test/support/random-net.ts";
import { distance } from "../support/maps.ts";
import { npyOf } from "../support/npy.ts";
import {
  answersOf,
  expectRefusal,
  expectSound,
  pictured,
  relevanceOf,
  Workshop,
  type Answer,
} from "../support/output-runs.ts";

const shop = new Workshop();
const named = (name: string): string => `${name.replaceAll(/\W+/g, "-")}.onnx`;
const models = ["softmax", "a U-Net of two classes", "a U-Net of one class", "two sigmoids"] as const;
const [list, map, oneMap, pair] = models;
let help: string;
let compileHelp: string;
beforeAll(async () => {
  help = (await shop.run("explain", "--help-all")).stdout;
  compileHelp = (await shop.run("compile", "--help-all")).stdout;
  for (const each of outputModels.filter(({ name }) => models.includes(name as "softmax")))
    await shop.model(modelOf(pictured(each)), each.name);
});

/** The answers to targets, in their order. */
async function answersTo(model: string, ...args: string[]): Promise<Answer[]> {
  const run = await shop.explain(shop.path(named(model)), ...args, "--json", "--save", "npy");
  expect(run.status, run.stderr).toBe(0);
  await expectSound(run);
  return answersOf(run);
}
const targets = (...texts: string[]): string[] => texts.map((text) => `--target=${text}`);

const drawn = async (
  name: string,
  size: readonly [width: number, height: number],
  isWhite: (x: number, y: number) => boolean,
): Promise<string> => {
  const [width, height] = size;
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    isWhite(i % width, Math.floor(i / width)) ? 255 : 0,
  );
  await sharp(data, { raw: { width, height, channels: 1 } })
    .png()
    .toFile(shop.path(name));
  return shop.path(name);
};
const cardOf = async (shortSide: number): Promise<string[]> => {
  const input = { size: [8, 8], resize: { shortSide }, layout: "NCHW", channels: "RGB" };
  const card = {
    name: "net",
    input: { ...input, scale: 1, mean: [0, 0, 0], std: [1, 1, 1] },
    labels: [],
  };
  return ["--card", await shop.file(`short-${shortSide}.json`, JSON.stringify(card))];
};

describe("indices", () => {
  test("of a list: with the batch or without, from the end, ranges, sums", async () => {
    const texts = ["0,3", "3", "0,-2", "1..2", "0,1+0,2", " 0 , 1..2 ", ":,1..2", "0,-1", "0,1"];
    const answers = await answersTo(list, ...targets(...texts));
    expect(answers.map(({ label }) => label)).toEqual(texts);
    // One class has its index; several have none.
    const classes = [3, 3, 3, undefined, undefined, undefined, undefined, 4, 1];
    expect(answers.map((each) => each.class)).toEqual(classes);
    expect(answers.map(({ elements }) => elements)).toEqual([1, 1, 1, 2, 2, 2, 2, 1, 1]);
    expect(new Set(answers.map(({ outputs }) => outputs["npy"])).size).toBe(texts.length);
    const maps = await Promise.all(answers.map(relevanceOf));
    for (const same of [
      [0, 1, 2],
      [3, 4, 5, 6],
    ])
      for (const i of same) expect(maps[i]).toEqual(maps[same[0] as number]);
    const [first] = answers as [Answer];
    expect(first.probability).toBeCloseTo(first.value as number, 7);
  });

  test("of a map: all of an axis is added up", async () => {
    const texts = ["0,1,:,:", ":,1,0..7,:", "1", "-1", "1,2,3", "0,1,-6,-5"];
    const answers = await answersTo(map, ...targets(...texts));
    expect(answers.map(({ elements }) => elements)).toEqual([64, 64, 64, 64, 1, 1]);
    expect(answers.map((each) => each.class)).toEqual([1, 1, 1, 1, 1, 1]);
    const maps = await Promise.all(answers.map(relevanceOf));
    for (const i of [1, 2, 3]) expect(maps[i]).toEqual(maps[0]);
    expect(maps[5]).toEqual(maps[4]);
  });

  test.each([
    ["0,1+", '"" is no index'],
    ["a,b", '"a" is no index'],
    ["", '"" is no index'],
    ["1..", '"1.." is no index'],
    ["0:3", '"0:3" is no index'],
    ["1.5", '"1.5" is no index'],
    ["3..1", "it ends before it begins; give it as 1..3"],
    ["0,-6", "there is no element -6 along axis 1"],
    ["0,3..9", "there is no element 3..9 along axis 1"],
    ["9", "there is no element 9 along axis 1"],
    ["0,1,2", "it has 3 indices"],
  ])("%s is refused, by explain and by compile", async (text, why) => {
    const path = shop.path(named(list));
    const explained = await shop.explain(path, `--target=${text}`);
    expectRefusal(explained, help);
    expect(explained.stderr).toContain(why);
    const compiled = await shop.run("compile", path, `--target=${text}`);
    expectRefusal(compiled, compileHelp);
    expect(compiled.stderr).toContain(why);
  });

  test("an index of the batch is that of the one picture", async () => {
    const run = await shop.explain(shop.path(named(list)), "--target", "5,0");
    expectRefusal(run, help);
    expect(run.stderr).toContain("there is no element 5 along axis 0");
  });
});

describe("compiled in", () => {
  const input = array([1, 3, 8, 8], 5);

  test.each([
    [list, "3", [0, 0, 0, 1, 0]],
    [list, "0,3", [0, 0, 0, 1, 0]],
    [list, "0,-2", [0, 0, 0, 1, 0]],
    [list, "1..2", [0, 1, 1, 0, 0]],
    [list, "0,1+0,2+0,2", [0, 1, 2, 0, 0]],
    [pair, ":", [1, 1]],
  ])("%s: %s", async (model, text, weights) => {
    const relevance = async (...args: string[]): Promise<Float32Array> => {
      const run = await shop.run("compile", shop.path(named(model)), ...args, "--composite", "epsilon");
      expect(run.status, run.stderr).toBe(0);
      const compiled = readModel(await readFile(join(run.folder, "out.onnx")));
      const isOpen = compiled.graph.inputs.some(({ name }) => name === "target");
      expect(isOpen).toBe(args.length === 0);
      const target = { data: Float32Array.from(weights), dims: [1, weights.length] };
      const outputs = await runModel(compiled, { input, ...(isOpen && { target }) });
      return (outputs["relevance"] as { data: Float32Array }).data;
    };
    expect(distance(await relevance("--target", text), await relevance())).toBeLessThan(1e-6);
  });
});

describe("files of weights", () => {
  const weights = [0, 1, 1, 0, 0];
  const places = Array.from({ length: 64 }, (_, i) => (i % 8 < 4 ? 1 : 0));

  test.each(["<f8", ">f8", "<f4", "<f2", "|i1", "|b1", "<i8"])("%s weighs the numbers", async (descr) => {
    const file = await shop.file("weights.npy", npyOf(descr, [5], weights));
    const [marked, sum] = (await answersTo(list, ...targets(file, "1..2"))) as [Answer, Answer];
    expect(marked).toMatchObject({ elements: 2, logit: sum.logit });
    // A sum of probabilities is no number of the answer.
    expect(marked).not.toHaveProperty("value");
    expect(marked).not.toHaveProperty("class");
    expect(await relevanceOf(marked)).toEqual(await relevanceOf(sum));
  });

  test("in the order of columns, and with the batch", async () => {
    const half = Array.from({ length: 128 }, (_, i) => (i < 64 ? 0 : (places[i - 64] as number)));
    const byColumns = [...half.keys()].map((at) => {
      // (c, y, x) stands at c + 2·(y + 8·x).
      const [c, y, x] = [at % 2, Math.floor(at / 2) % 8, Math.floor(at / 16)];
      return half[c * 64 + y * 8 + x] as number;
    });
    const rows = await shop.file("rows.npy", npyOf("<f4", [1, 2, 8, 8], half));
    const columns = await shop.file("columns.npy", npyOf("<f4", [2, 8, 8], byColumns, true));
    const answers = await answersTo(map, ...targets(rows, columns, "0,1,:,0..3"));
    const maps = await Promise.all(answers.map(relevanceOf));
    expect(maps[1]).toEqual(maps[0]);
    expect(maps[2]).toEqual(maps[0]);
    expect(answers.map((each) => each.class)).toEqual([1, 1, 1]);
  });

  const picture = async (name: string): Promise<string> => {
    const data = Uint8Array.from(places, (mark) => 255 * mark);
    await sharp(data, { raw: { width: 8, height: 8, channels: 1 } })
      .png()
      .toFile(shop.path(name));
    return shop.path(name);
  };

  test("a picture marks the places of each class that is named", async () => {
    const mask = await picture("mask.png");
    const answers = await answersTo(map, "--target", mask, "-c", "0", "-c", "1");
    const elements = await answersTo(map, ...targets("0,0,:,0..3", "0,1,:,0..3"));
    expect(answers.map((each) => each.class)).toEqual([0, 1]);
    for (const [i, answer] of answers.entries()) {
      const other = elements[i] as Answer;
      expect(answer).toMatchObject({ logit: other.logit, elements: 32 });
      expect(await relevanceOf(answer)).toEqual(await relevanceOf(other));
    }
    expect(new Set(answers.map(({ outputs }) => outputs["npy"])).size).toBe(2);
  });

  describe("a picture goes the way of a photo of its size", () => {
    test.each([
      ["wide", [32, 16], 8, (x: number) => x >= 16, ":,4..7"],
      ["high", [16, 32], 8, (_: number, y: number) => y < 16, "0..3,:"],
      // Of 16 pixels each way the network sees the inner 8.
      ["cropped", [32, 32], 16, (x: number, y: number) => x < 12 && y < 16, "0..3,0..1"],
      ["exact", [8, 8], 16, (x: number) => x < 2, ":,0..1"],
    ] as const)("%s", async (name, size, shortSide, isWhite, places) => {
      const mask = await drawn(`${name}.png`, size, isWhite);
      const card = await cardOf(shortSide);
      const [marked] = await answersTo(map, ...card, "--target", mask, "-c", "1");
      const [wanted] = await answersTo(map, ...card, "--target", `0,1,${places}`);
      expect(marked).toMatchObject({ elements: wanted?.elements, logit: wanted?.logit });
      expect(await relevanceOf(marked as Answer)).toEqual(await relevanceOf(wanted as Answer));
    });

    test("marks that are cropped away are none", async () => {
      const mask = await drawn("edge.png", [32, 16], (x) => x < 4);
      const card = await cardOf(8);
      const run = await shop.explain(shop.path(named(map)), ...card, "--target", mask, "-c", "1");
      expectRefusal(run, help);
      expect(run.stderr).toContain("it marks no part of this answer");
    });
  });

  test("on a map of one number 1 is for it, 0 against it", async () => {
    const mask = await picture("mask.png");
    const [plain] = await answersTo(oneMap, "--target", mask);
    const [no, yes] = (await answersTo(oneMap, "--target", mask, "-c", "0", "-c", "1")) as [Answer, Answer];
    expect(plain).toMatchObject({ class: 1, logit: yes.logit });
    expect([no.class, yes.class]).toEqual([0, 1]);
    expect(no.logit).toBeCloseTo(-(yes.logit as number), 5);
    const [against, for_] = [await relevanceOf(no), await relevanceOf(yes)];
    expect(against).toEqual(for_.map((n) => 0 - n));
  });

  test("what cannot be used is refused before anything runs", async () => {
    const bad = Number.NaN;
    const file = (name: string, ...npy: Parameters<typeof npyOf>): Promise<string> =>
      shop.file(name, npyOf(...npy));
    await sharp({ create: { width: 8, height: 8, channels: 3, background: "black" } })
      .png()
      .toFile(shop.path("black.png"));
    const cut = npyOf("<f4", [5], weights).subarray(0, 140);
    const cases: readonly (readonly [model: string, args: string[], why: string])[] = [
      [
        list,
        [await file("short.npy", "<f4", [4], [1, 0, 0, 0])],
        "it has the shape [4], the output has [N, 5]",
      ],
      [
        map,
        [await file("turned.npy", "<f4", [8, 8, 2], [...places, ...places])],
        "it has the shape [8, 8, 2]",
      ],
      [list, [await shop.file("text.npy", "no array")], "it does not begin like one"],
      [list, [await shop.file("cut.npy", cut)], "does not fit"],
      [list, [await file("nan.npy", "<f4", [5], [1, bad, 0, 0, 0])], "one of its weights is NaN"],
      [list, [await file("zeros.npy", "<f4", [5], [0, 0, 0, 0, 0])], "all its weights are 0"],
      [list, [shop.path("missing.npy")], "there is no such file"],
      [list, [await file("w.npy", "<f4", [5], weights), "-c", "1"], "selects elements, and so their classes"],
      [list, [await picture("list.png")], "the output is read as classes, not map"],
      [map, [await picture("two.png")], "each place has 2 numbers"],
      [map, [await shop.file("no.png", "no picture"), "-c", "1"], "cannot read the target"],
      [map, [shop.path("black.png"), "-c", "1"], "no pixel of it is white"],
    ];
    for (const [model, args, why] of cases) {
      const run = await shop.explain(shop.path(named(model)), "--target", ...args);
      expect(run.stderr).toContain(why);
      // A weight that is none is named as such.
      expectRefusal({ ...run, stderr: run.stderr.replace("is NaN", "is none") }, help);
    }
  });
});
