/** Models as users bring them (packages/relprop/test/cases), through the command. */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { Explainer, type CompileOptions, type Explanation } from "@relprop/core";
import { readNpy } from "@relprop/core/heatmap";
import { preprocess } from "@relprop/core/preprocess";
import type { ModelCard } from "@relprop/core/zoo";
import { beforeAll, describe, expect, test } from "vitest";
import { readModel } from "../../../relprop/src/onnx/index.ts";
import { modelOf } from "../../../relprop/test/support/output-models.ts";
import { readImage } from "../../src/files/read-images.ts";
import {
  answersOf,
  cat,
  expectRefusal,
  expectSound,
  relevanceOf,
  waysIn,
  Workshop,
  type CommandRun,
} from "../support/output-runs.ts";
import { correlation, distance } from "../support/maps.ts";

const shop = new Workshop();
let help: string;
beforeAll(async () => {
  help = (await shop.run("explain", "--help-all")).stdout;
});

const caseFile = (path: string): string =>
  fileURLToPath(new URL(`../../../relprop/test/cases/${path}`, import.meta.url));

/** A card that feeds a case's picture as its array was: from 0 to 1, nothing resized. */
function cardFor(name: string, more: Partial<ModelCard> = {}): ModelCard {
  const { dims } = readNpy(readFileSync(caseFile(`${name}/input.npy`)));
  const [, channels, height = 0, width = 0] = dims;
  const count = channels === 1 ? 1 : 3;
  return {
    name,
    input: {
      layout: "NCHW",
      size: [height, width],
      resize: "none",
      channels: count === 1 ? "gray" : "RGB",
      scale: 1 / 255,
      mean: Array.from({ length: count }, () => 0),
      std: Array.from({ length: count }, () => 1),
    },
    labels: [],
    ...more,
  };
}

async function explain(name: string, more: Partial<ModelCard>, ...args: string[]): Promise<CommandRun> {
  const card = await shop.file("card.json", JSON.stringify(cardFor(name, more)));
  const files = [caseFile(`${name}/input.png`), "-m", caseFile(`${name}/model.onnx`), "--card", card];
  return shop.run("explain", ...files, "--json", "--save", "npy", ...args);
}

/** What the library says of the same picture. */
async function expected(name: string, options: CompileOptions, target?: Float32Array): Promise<Explanation> {
  const path = caseFile(`${name}/input.png`);
  const card = cardFor(name);
  const picture = await readImage(path, await readFile(path), card.input);
  const model = readModel(readFileSync(caseFile(`${name}/model.onnx`)));
  const explainer = new Explainer({ ort, model, reduce: "channels", seed: "logit", ...options });
  const explanation = await explainer.explain(preprocess([picture], card.input), target ? { target } : {});
  await explainer.dispose();
  return explanation;
}

describe("outputs/detector", () => {
  const name = "outputs/detector";
  const labels = ["person", "bicycle", "car", "cat", "traffic light"];

  test("has no default, and says what can be named", async () => {
    const refused = await explain(name, { labels });
    expectRefusal(refused, help);
    expect(refused.stderr).toContain("it is read as detections");
    expect(waysIn(refused)).toEqual([
      ["--box", "1"],
      ["--box", "1", "--class", "person"],
      ["--target", "0,4,3"],
    ]);
  });

  test("its boxes have the scores of their classes, best first", async () => {
    const { outputs } = await expected(name, { target: "0,6,27" });
    const { data } = Object.values(outputs).find(({ dims }) => dims[1] === 9) as { data: Float32Array };
    const score = (k: number, anchor: number): number => data[(4 + k) * 64 + anchor] as number;
    const all = labels.flatMap((_, k) => Array.from({ length: 64 }, (_each, anchor) => score(k, anchor)));
    const best = Math.max(...all);
    const low = ["--score-threshold", "0", "--iou", "1"];
    const run = await explain(name, { labels }, "--box", "1", ...low);
    expect(run.status, run.stderr).toBe(0);
    await expectSound(run);
    const [first] = answersOf(run);
    expect(first).toMatchObject({ kind: "detections", elements: 1, asked: "box 1" });
    expect(first?.probability).toBeCloseTo(best, 5);
    expect(first?.class).toBe(Math.floor(all.indexOf(best) / 64));
    expect(first?.label).toBe(labels[first?.class ?? -1]);
    const cars = Array.from({ length: 64 }, (_, anchor) => score(2, anchor)).toSorted((a, b) => b - a);
    const second = await explain(name, { labels }, "--box", "2", "--class", "car", ...low);
    expect(second.status, second.stderr).toBe(0);
    const [car] = answersOf(second);
    expect(car).toMatchObject({ class: 2, label: "car", asked: "box 2 of 2 car" });
    expect(car?.probability).toBeCloseTo(cars[1] as number, 5);
  });

  test("--target explains a score from its own logit, as the referee does", async () => {
    const run = await explain(name, { labels }, "--target", "0,6,27", "--composite", "epsilon");
    expect(run.status, run.stderr).toBe(0);
    const [answer] = answersOf(run);
    const own = await expected(name, { composite: "epsilon", target: "0,6,27" });
    expect(answer).toMatchObject({ class: 2, label: "0,6,27" });
    expect(answer?.logit).toBeCloseTo(own.start[0] as number, 6);
    expect(answer?.logit).toBeCloseTo(-0.25683502, 2);
    expect(answer?.probability).toBeCloseTo(1 / (1 + Math.exp(-(answer?.logit ?? 0))), 6);
    const relevance = await relevanceOf(answer as { outputs: Record<string, string> });
    expect(distance(relevance, own.relevance.data)).toBeLessThan(1e-6);
    const referee = readNpy(readFileSync(caseFile(`${name}/relevance.npy`)));
    const pixels = relevance.length;
    const summed = relevance.map((_, i) =>
      [0, 1, 2].reduce((sum, c) => sum + (referee.data[c * pixels + i] as number), 0),
    );
    expect(correlation(relevance, summed)).toBeGreaterThan(0.999);
  });

  test("a box's coordinate is a value, no probability", async () => {
    const run = await explain(name, {}, "--target", "0,2,27");
    expect(run.status, run.stderr).toBe(0);
    const [answer] = answersOf(run);
    expect(answer).toHaveProperty("value");
    expect(answer).not.toHaveProperty("probability");
    expect(answer).not.toHaveProperty("class");
  });
});

describe("outputs/regression", () => {
  const name = "outputs/regression";
  const card = { labels: ["age"], unit: "years" };

  test("its value is printed as a value, with its unit, and accounted for", async () => {
    const run = await explain(name, card, "--composite", "epsilon-plus", "--ledger");
    expect(run.status, run.stderr).toBe(0);
    await expectSound(run);
    const { start } = await expected(name, { composite: "epsilon-plus" });
    const [answer] = answersOf(run) as [ReturnType<typeof answersOf>[0] & { ledger: Record<string, number> }];
    expect(answer).toMatchObject({ kind: "values", class: 0, label: "age", unit: "years" });
    expect(answer.value).toBeCloseTo(start[0] as number, 4);
    for (const each of [answer, ...answer.top]) expect(each).not.toHaveProperty("probability");
    expect(answer.ledger["start"]).toBeCloseTo(answer.value as number, 4);
    const sum = (await relevanceOf(answer)).reduce((a, n) => a + n, 0);
    expect(sum).toBeCloseTo(answer.ledger["reached"] as number, 3);
  });

  test("people read the same, and no class", async () => {
    const path = await shop.file("card.json", JSON.stringify(cardFor(name, card)));
    const model = caseFile(`${name}/model.onnx`);
    const run = await shop.run("explain", caseFile(`${name}/input.png`), "-m", model, "--card", path);
    expect(run.stdout).toMatch(/ {2}age −?[\d.]+ years\n$/);
    expect(run.stdout + run.stderr).not.toMatch(/probab|best class/);
  });
});

describe("what takes no picture alone", () => {
  test.each([
    ["inputs/image-and-table", `besides the picture "image" it needs "clinical" float32 [1, 5]`],
    ["inputs/signal", "a picture needs float [N, C, H, W]"],
    ["outputs/sigmoid-hidden-sign", "a picture needs float [N, C, H, W]"],
    ["ledger/batch-in-attention", "a picture needs float [N, C, H, W]"],
    ["ledger/graph-nodes", "a picture needs float [N, C, H, W]"],
  ])("%s is refused before anything runs", async (name, why) => {
    const run = await shop.run("explain", cat, "-m", caseFile(`${name}/model.onnx`));
    expectRefusal(run, help);
    expect(run.stderr).toContain(why);
    expect(run.stderr).toMatch(/--feed clinical=FILE|relprop compile/);
    const compiled = await shop.run("compile", caseFile(`${name}/model.onnx`), "--fallback", "gradient");
    expect(compiled.status, compiled.stderr).toBe(0);
  });
});

describe("a map of what each of two sigmoids says", () => {
  test("a class is explained where it is likelier than not, by its own sum", async () => {
    const model = modelOf({
      name: "labels of pixels",
      input: [1, 3, 8, 8],
      kind: "map",
      scale: "probability by sigmoid",
      build: (b, x, respond) => respond(b.conv(b.relu(b.conv(x, 3, 6)), 6, 2), (z) => b.op("Sigmoid", [z])),
    });
    const path = await shop.model(model);
    const labels = await shop.file("names.txt", "river\nroad\n");
    const args = ["--labels", labels, "--json", "--save", "npy"];
    const run = await shop.explain(path, "-c", "river", "-c", "road", ...args);
    expect(run.status, run.stderr).toBe(0);
    await expectSound(run);
    const answers = answersOf(run);
    expect(answers.map(({ class: index, label }) => [index, label])).toEqual([
      [0, "river"],
      [1, "road"],
    ]);
    expect(answers.map(({ asked }) => asked)).toEqual(["where 0 river wins", "where 1 road wins"]);
    // So many places, each likelier than not.
    for (const { elements, value, logit = 0 } of answers) {
      expect(elements).toBeGreaterThan(1);
      expect(logit).toBeGreaterThan(0);
      expect(value).toBeUndefined();
    }
  });
});
