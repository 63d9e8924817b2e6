/** `relprop card` on a network for which only one way to make numbers of pixels is right. */

import { readFile, writeFile } from "node:fs/promises";
import { parseModelCard, type ModelCard } from "@relprop/core/zoo";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { float32Tensor, ints, type Model, type Value } from "../../relprop/src/onnx/index.ts";
import { NetBuilder } from "../../relprop/test/support/output-models.ts";
import { runCommand } from "../src/commands/run-command.ts";
import { cat, Workshop, type CommandRun } from "./support/output-runs.ts";

const shop = new Workshop();

const labels = ["red", "blue"];

/**
 * Tells red pictures from blue ones by the mean of the first channel less that of the last. Its batch-norm has seen pixels of
 * -1 to 1, and its logits are 4 for colours of that range.
 */
function redOrBlue(hasNorm: boolean, range: number): Model {
  const b = new NetBuilder();
  const x = b.input("x", "float32", ["N", 3, 8, 8]);
  const numbers = (...of: number[]): Value => b.constant(float32Tensor(of, [of.length]), "w");
  const same = (of: number): Value => numbers(of, of, of);
  const normed = hasNorm
    ? b.op("BatchNormalization", [x, same(range), same(0), same(0), same(range ** 2)])
    : x;
  const mean = b.reshape(b.op("ReduceMean", [normed], { axes: ints([2, 3]) }), [0, 3]);
  const weights = b.constant(
    float32Tensor(
      [2, 0, -2, -2, 0, 2].map((n) => n / range),
      [2, 3],
    ),
    "W",
  );
  b.output(b.op("Gemm", [mean, weights], { transB: { type: "int", value: 1 } }), "y");
  const metadata = { names: JSON.stringify(labels) };
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata, graph: b.graph("net") };
}

/** A reddish picture of noise. */
async function red(): Promise<string> {
  const data = Uint8Array.from({ length: 3 * 64 }, (_, i) => (i % 3 === 0 ? 200 : 60) + ((i * 37) % 50));
  const png = await sharp(data, { raw: { width: 8, height: 8, channels: 3 } })
    .png()
    .toBuffer();
  return shop.file("red.png", png);
}

const cardOf = ({ stdout }: CommandRun): ModelCard => parseModelCard(JSON.parse(stdout));

/** The folder of a run becomes the strip's file. */
const strip = ({ folder }: CommandRun): string => folder;

describe("relprop card", () => {
  test("finds the range that a batch-norm has seen, and what is right among these", async () => {
    const model = await shop.model(redOrBlue(true, 1), "unit");
    const run = await shop.run("card", model, await red());
    expect(run.status, run.stderr).toBe(0);
    const card = cardOf(run);
    expect(card.labels).toEqual(labels);
    expect(card.input).toMatchObject({ channels: "RGB", size: [8, 8], scale: 1 / 255 });
    expect(run.stderr).toMatch(/→ {2}1 {2}RGB, \S.*red 0\.\d+/);
    for (const way of ["RGB, 0 to 255", "BGR, 0 to 255", "RGB minus ImageNet's means"])
      expect(run.stderr).toMatch(new RegExp(`${way} .*?no: the first batch-norm .* too large`));
    const { width = 0, height = 0 } = await sharp(strip(run)).metadata();
    expect([width > 1000, height > 500]).toEqual([true, true]);
  });

  test("of a network of pixels 0..255 finds that range", async () => {
    const model = await shop.model(redOrBlue(true, 255), "bytes");
    const { input } = cardOf(await shop.run("card", model, await red()));
    expect(input.scale).toBe(1);
  });

  test("without a batch-norm leaves out logits that training does not reach, and says so", async () => {
    const run = await shop.run("card", await shop.model(redOrBlue(false, 1), "plain"), await red());
    expect(cardOf(run).input.scale).toBe(1 / 255);
    expect(run.stderr).toMatch(/RGB, 0 to 255 .*?no: the best logit lies \d+ above the mean/);
    expect(run.stderr).toContain("the network has no batch-norm that tells the range of its inputs");
  });

  test("takes the way of the given number, and the user's word", async () => {
    const model = await shop.model(redOrBlue(true, 1), "chosen");
    const other = await shop.run("card", model, await red(), "--choose", "11", "--resize", "stretch");
    expect(other.status, other.stderr).toBe(0);
    expect(other.stderr).toMatch(/→ 11 {2}RGB, .*, letterbox /);
    expect(cardOf(other).input.resize).toEqual({ letterbox: [114, 114, 114] });
    const none = await shop.run("card", model, await red(), "--choose", "50");
    expect([none.status, none.stdout]).toEqual([2, ""]);
    expect(none.stderr).toMatch(/cannot choose way 50: there are 11/);
  });

  test("does not read the file that it is redirected to, and explain reads it then", async () => {
    const model = await shop.model(redOrBlue(true, 1), "redirected");
    const card = model.replace(".onnx", ".card.json");
    await writeFile(card, "");
    const run = await shop.run("card", model, await red());
    expect(run.status, run.stderr).toBe(0);
    await writeFile(card, run.stdout);
    const explained = await shop.explain(model);
    expect(explained.status, explained.stderr).toBe(0);
    expect(explained.stderr).not.toContain("guessed");
  });

  test("writes over no picture that relprop did not write", async () => {
    const model = await shop.model(redOrBlue(true, 1), "kept");
    const photo = await red();
    const before = await readFile(photo);
    expect(await runCommand(["card", model, cat, "-o", photo])).toBe(2);
    expect(await readFile(photo)).toEqual(before);
  });
});

const warnings = ({ stderr }: CommandRun): string[] =>
  [...stderr.matchAll(/warning: (.*?) \(see --scale, --mean, --std, --card\)/g)].map(([, said = ""]) => said);

describe("explain warns of what cannot be right", () => {
  test("once a run, and not where it is right", async () => {
    const model = await shop.model(redOrBlue(true, 1), "warned");
    const photos = [cat, await red()];
    expect(warnings(await shop.run("explain", ...photos, "-m", model))).toEqual([]);
    const raw = await shop.run(
      "explain",
      ...photos,
      "-m",
      model,
      "--scale",
      "1",
      "--mean",
      "0",
      "--std",
      "1",
    );
    expect(raw.status, raw.stderr).toBe(0);
    expect(warnings(raw)).toHaveLength(1);
    expect(warnings(raw)[0]).toMatch(
      /^the first batch-norm is given numbers at [\d.]+ of the deviations .* too large$/,
    );
  });

  test("of a picture of one colour, not with --quiet", async () => {
    const model = await shop.model(redOrBlue(false, 1), "constant");
    const image = sharp({ create: { width: 20, height: 10, channels: 3, background: "teal" } });
    const photo = await shop.file("teal.png", await image.png().toBuffer());
    const said = "all pixels of the picture are equal, as the network sees it";
    expect(warnings(await shop.run("explain", photo, "-m", model))).toEqual([said]);
    expect((await shop.run("explain", photo, "-m", model, "--quiet")).stderr).toBe("");
  });

  test("of the card's numbers, in the settings of JSON too", async () => {
    const model = await shop.model(redOrBlue(false, 1), "numbers");
    const args = ["--scale", "1/255", "--mean", "104", "--std", "1", "--save", "json"];
    const run = await shop.run("explain", cat, "-m", model, ...args);
    const said = "the mean 104 lies outside of the pixels, which are 0 to 1 after scaling";
    expect(warnings(run)).toEqual([said]);
    const { settings } = JSON.parse(await readFile(`${run.folder}/chelsea.json`, "utf8")) as {
      settings: unknown[];
    };
    expect(settings).toContainEqual(["warning", said]);
  });
});
