/** Every kind of output through the command: numbers and heatmaps that are sound, or a refusal with ways on that work. */

import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { modelOf, outputModels, type OutputModel } from "../../../relprop/test/support/output-models.ts";
import {
  answersOf,
  expectRefusal,
  expectSound,
  pictured,
  relevanceOf,
  waysIn,
  Workshop,
  type CommandRun,
} from "../support/output-runs.ts";

const shop = new Workshop();
let help: string;
let mask: string;
beforeAll(async () => {
  help = (await shop.run("explain", "--help-all")).stdout;
  mask = shop.path("mask.png");
  const left = { input: { create: { width: 4, height: 8, channels: 3, background: "white" } } } as const;
  const black = { width: 8, height: 8, channels: 3, background: "black" } as const;
  await sharp({ create: black })
    .composite([{ ...left, left: 0, top: 0 }])
    .png()
    .toFile(mask);
});

const isPicture = ({ input }: OutputModel): boolean => input.length === 4;
const isList = ({ input }: OutputModel): boolean => input.length === 2 && input[0] === 1;
const saved = ["--json", "--save", "npy,json,svg"];

/** Runs that must have gone well. */
async function expectAnswers(run: CommandRun, kind: string, count: number): Promise<void> {
  expect(run.status, run.stderr).toBe(0);
  await expectSound(run);
  const answers = answersOf(run);
  expect(answers).toHaveLength(count);
  for (const answer of answers) {
    expect(answer.kind).toBe(kind);
    const numbers = [answer.value, answer.logit, answer.probability].filter((each) => each !== undefined);
    expect(numbers.length).toBeGreaterThan(0);
    expect((await relevanceOf(answer)).length).toBe(64);
    const { probability = 1 / 2 } = answer;
    expect(probability >= 0 && probability <= 1).toBe(true);
    if (kind === "values" || kind === "embedding") expect(answer).not.toHaveProperty("probability");
  }
  expect(new Set(answers.map(({ outputs }) => outputs["npy"])).size).toBe(count);
}

/** Tries whatever a refusal offers. */
async function expectWays(path: string, refused: CommandRun, kind: string): Promise<void> {
  expectRefusal(refused, help);
  for (const way of waysIn(refused)) {
    const words = way.map((word) => (word === "X,Y" ? "3,4" : word === "mask.png" ? mask : word));
    const run = await shop.explain(path, ...words, ...saved);
    // What the photograph has nothing of: the way on from there.
    const isNotThere = run.status === 1 && run.stderr.includes("lower --score-threshold");
    const again = isNotThere ? await shop.explain(path, ...words, "--score-threshold", "0", ...saved) : run;
    await expectAnswers(again, kind, 1);
  }
}

const lists = outputModels.filter(isList);

test.each(lists)("$name, of a picture, is explained or refused", async (each) => {
  const path = await shop.model(modelOf(pictured(each)), each.name);
  await expectAnswers(await shop.explain(path, ...saved), each.kind, 1);
  // The last one; of the one sample the first.
  const isVector = /squeezed|vector/.test(each.name);
  const targets = ["-1", isVector ? "0" : "0,0"].flatMap((text) => ["--target", text]);
  await expectAnswers(await shop.explain(path, ...targets, ...saved), each.kind, 2);
  const classes = await shop.explain(path, "-c", "top1", "-c", "0", "--save", "npy");
  if (each.kind === "embedding") expectRefusal(classes, help);
  else {
    expect(classes.status, classes.stderr).toBe(0);
    await expectSound(classes);
  }
  const isEven = lists.indexOf(each) % 2 === 0;
  for (const wrong of isEven ? ["--pixel 3,4", "--class 99"] : ["--box 1", `--target ${mask}`]) {
    const refused = await shop.explain(path, ...wrong.split(" "));
    expectRefusal(refused, help);
    expect(waysIn(refused)).toEqual([]);
  }
});

test.each(outputModels.filter(isPicture))(
  "$name has to be told what to explain; every way that is offered works",
  async (each) => {
    const path = await shop.model(modelOf(each), each.name);
    const refused = await shop.explain(path, ...saved);
    expect(refused.stderr).toContain(`it is read as ${each.kind}`);
    expect(waysIn(refused).length).toBeGreaterThanOrEqual(3);
    await expectWays(path, refused, each.kind);
    expectRefusal(await shop.explain(path, "-c", "top1"), help);
    const isMap = each.kind !== "detections";
    const other = isMap ? ["--box", "1"] : ["--pixel", "3,4"];
    const misplaced = await shop.explain(path, ...other);
    expectRefusal(misplaced, help);
    expect(waysIn(misplaced).map(String)).toEqual(waysIn(refused).map(String));
    const one = each.kind === "value-map" ? ["--pixel", "7,0", "--class", "0"] : ["--pixel", "7,0"];
    const people = await shop.explain(path, ...(isMap ? one : ["--box", "2"]));
    expect(people.status, people.stderr).toBe(0);
    await expectSound(people);
  },
);

test.each(outputModels.filter((each) => !isPicture(each)))(
  "$name is refused: its input is no picture",
  async (each) => {
    const path = await shop.model(modelOf(each), `plain ${each.name}`);
    const refused = await shop.explain(path);
    expect(refused.stderr).toContain("a picture needs float [N, C, H, W] or [N, H, W, C]");
    // There is one input, so no other one is offered.
    expect(refused.stderr).not.toContain("--input");
    expectRefusal(refused, help);
  },
);
