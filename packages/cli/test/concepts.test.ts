/** `relprop concepts`: the maps of a layer's channels, their sums and signs, contact sheets and the page. */

import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readNpy } from "@relprop/core/heatmap";
import { textOf } from "@relprop/core/internal";
import { readModel } from "@relprop/core/onnx";
import sharp from "sharp";
import { describe, expect, test, vi } from "vitest";
import type { AnswerRecord } from "../src/concepts/concept-record.ts";
import { passageText, startText, sumTexts } from "../src/concepts/concept-text.ts";
import { figureKeyword } from "../src/pages/figure-parts.ts";
import { commandRuns } from "./support/command-runs.ts";
import { runCommand } from "../src/commands/run-command.ts";

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const golden = file("../../relprop/test/golden/resnet-bn/model.onnx");
const cases = file("../../relprop/test/cases");
const photos = file("../../../examples/photos");
const cat = join(photos, "chelsea.png");
const runs = commandRuns("concepts");

/** Names of a model's convolutions. */
const convolutions = async (model: string): Promise<string[]> =>
  readModel(await readFile(model)).graph.nodes.flatMap(({ opType, name }) =>
    opType === "Conv" ? [name] : [],
  );
// Its output is six numbers without names or a final softmax: that they are classes has to be said.
const concepts = async (...args: string[]): Promise<number> => {
  const layer = (await convolutions(golden)).at(-1) ?? "";
  return runCommand([
    "concepts",
    "-m",
    golden,
    "--layer",
    layer,
    "-o",
    runs.out,
    "--output-kind",
    "classes",
    ...args,
  ]);
};
const lines = (): Record<string, unknown>[] =>
  runs.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
/** Without the summary at the end. */
const records = (): AnswerRecord[] => lines().slice(0, -1) as unknown as AnswerRecord[];
const page = (): Promise<string> => readFile(join(runs.out, "concepts.html"), "utf8");
const sum = (numbers: Iterable<number>): number => Array.from(numbers).reduce((a, n) => a + n, 0);

/** Sums and signs of a record: maps and what is kept are the channels' relevance, to 1e-4 of the largest. */
async function expectWhole({ start, passed, around, above, concepts: found }: AnswerRecord): Promise<void> {
  expect(Math.abs(start - passed - around - above)).toBeLessThanOrEqual(1e-4 * Math.abs(start));
  const largest = Math.max(...found.map(({ relevance }) => Math.abs(relevance)));
  expect(largest).toBeGreaterThan(0);
  for (const { relevance, share, reached, kept, npy = "" } of found) {
    const { data } = readNpy(await readFile(join(runs.out, npy)));
    expect(Math.abs(sum(data) - reached)).toBeLessThanOrEqual(1e-5 * largest);
    expect(Math.abs(reached + sum(Object.values(kept ?? {})) - relevance)).toBeLessThanOrEqual(
      1e-4 * largest,
    );
    expect(Math.abs(kept?.rest ?? Number.NaN)).toBeLessThanOrEqual(1e-4 * largest);
    expect(Math.sign(share)).toBe(Math.sign(relevance));
  }
}
describe("concepts", () => {
  test("prints a line a channel and writes its heatmap", async () => {
    expect(await concepts(cat, "--count", "3")).toBe(0);
    const told = runs.stdout.match(/^ {2}channel +\d+ +−?[\d.]+ % {2}.*\.png$/gm) ?? [];
    expect(told).toHaveLength(3);
    const files = await readdir(runs.out);
    expect(
      files.filter((name) => /^chelsea\.\d-class-\d\.channel-\d+\.heatmap\.png$/.test(name)),
    ).toHaveLength(3);
    expect(runs.stderr.replaceAll("\n", " ")).toMatch(/explains the best class .*layer /);
    expect(runs.stdout).toMatch(/^ {2}contact sheet {2}.*chelsea\.\d-class-\d\.concepts\.png$/m);
    expect(runs.stdout).toContain("passed through this layer");
  });

  test("writes all numbers, for each image and class", async () => {
    const pictures = [cat, join(photos, "coffee.png")];
    expect(await concepts(...pictures, "-c", "1", "-c", "3", "--count", "1000", "--json")).toBe(0);
    expect(records()).toHaveLength(4);
    expect(lines().at(-1)).toMatchObject({ summary: { done: 2, failed: 0, folder: runs.out } });
    const { images } = JSON.parse(await readFile(join(runs.out, "concepts.json"), "utf8"));
    expect(images).toHaveLength(2);
    const [{ answers }] = images;
    expect(answers.map(({ index }: { index: number }) => index)).toEqual([1, 3]);
    const shares: number[] = answers[0].concepts.map(({ share }: { share: number }) => share);
    expect(shares.reduce((a, n) => a + Math.abs(n), 0)).toBeCloseTo(1, 4);
    expect(records()[0]).toMatchObject({ class: 1, concepts: answers[0].concepts });
    for (const { passed, sheet, concepts: found } of records()) {
      // All channels are there: more were asked for than there are.
      expect(sum(found.map(({ relevance }) => relevance))).toBeCloseTo(passed, 4);
      expect(await page()).toContain(`<a href="${sheet}">contact sheet</a>`);
    }
  });

  test("ends after what was begun if it is interrupted, and shows that much", async () => {
    vi.mocked(process.stdout.write).mockImplementation((text) => {
      if (runs.stdout === "") process.emit("SIGINT");
      return (runs.stdout += String(text)) !== "";
    });
    expect(await concepts(photos, "--count", "1", "--json")).toBe(130);
    const { summary } = lines().at(-1) as unknown as { summary: { done: number } };
    const { done } = summary;
    expect(records()).toHaveLength(done);
    expect(runs.stderr).toContain(`stopped after ${done} of `);
    expect(JSON.parse(await readFile(join(runs.out, "concepts.json"), "utf8")).images).toHaveLength(done);
  });

  test("names images that fail, and refuses a layer that is not there", async () => {
    expect(await concepts(join(runs.folder, "missing.png"), cat)).toBe(1);
    expect(runs.stdout).toContain("chelsea.png");
    const args = ["concepts", cat, "-m", golden, "-o", runs.out, "--layer", "nowhere"];
    expect(await runCommand(args)).toBe(2);
    expect(runs.stderr).toContain('cannot take concepts from "nowhere"');
    expect(await runCommand(["concepts", cat])).toBe(2);
  });

  test("maps and what the layers below keep are the channels' relevance; numbers are kept, and written again", async () => {
    for (const _ of [1, 2]) {
      runs.stdout = "";
      expect(await concepts(cat, "-c", "top2", "--save", "npy", "--json")).toBe(0);
      for (const record of records()) await expectWhole(record);
    }
  });

  test("of a box of a detector, whose class is one of several sigmoids", async () => {
    const model = join(cases, "outputs/detector/model.onnx");
    const [, layer = ""] = await convolutions(model);
    const args = ["-m", model, "--layer", layer, "-o", runs.out, "--box", "1", "--score-threshold", "0.01"];
    expect(await runCommand(["concepts", cat, ...args, "--save", "npy", "--json"])).toBe(0);
    const [record] = records() as [AnswerRecord];
    await expectWhole(record);
    expect(record).toMatchObject({ of: "logit", elements: 1 });
    expect(record.sheet).toMatch(/^chelsea\.box-1-\d-.*\.concepts\.png$/);
  });

  test("of a regression, whose value is the whole", async () => {
    const model = join(cases, "outputs/regression/model.onnx");
    const [layer = ""] = await convolutions(model);
    const args = ["-m", model, "--layer", layer, "-o", runs.out, "--save", "npy", "--json"];
    expect(await runCommand(["concepts", cat, ...args])).toBe(0);
    const [record] = records() as [AnswerRecord];
    await expectWhole(record);
    expect(record.of).toBe("value");
    expect(record.start).toBeCloseTo(record.value ?? Number.NaN, 4);
  });
});

/** Brightness of a contact sheet's paper. */
const paper = async (theme: string): Promise<number> => {
  runs.stdout = "";
  expect(await concepts(cat, "--count", "1", "--json", "--theme", theme)).toBe(0);
  const [{ sheet }] = records() as [AnswerRecord];
  const { data } = await sharp(join(runs.out, sheet)).raw().toBuffer({ resolveWithObject: true });
  return data[0] as number;
};

describe("the contact sheet", () => {
  test("shows what the network saw and each map, at two pixels for one, and carries its numbers", async () => {
    expect(await concepts(cat, "--count", "4", "--json")).toBe(0);
    const [{ sheet, start, passed, concepts: found }] = records() as [AnswerRecord];
    const bytes = await readFile(join(runs.out, sheet));
    const about = JSON.parse(textOf(bytes, figureKeyword) ?? "");
    expect(about).toMatchObject({ v: 2, start, passed, concepts: found });
    const { width, height } = await sharp(bytes).metadata();
    expect([width % 2, height % 2]).toEqual([0, 0]);
    expect(width).toBeGreaterThan(900);
    expect((await readdir(runs.out)).filter((name) => name.endsWith(".concepts.png"))).toEqual([sheet]);
  });

  test("is drawn on what the theme says", async () => {
    expect(await paper("light")).toBe(255);
    expect(await paper("dark")).toBeLessThan(40);
  });

  test("of others is kept, and with it all of the answer's files", async () => {
    expect(await concepts(cat, "--json")).toBe(0);
    const [{ sheet, concepts: found }] = records() as [AnswerRecord];
    await rm(runs.out, { recursive: true });
    expect(await concepts(photos, "--count", "1", "--quiet")).toBe(0);
    await writeFile(join(runs.out, sheet), "mine");
    await rm(join(runs.out, found[0]?.heatmap ?? ""));
    expect(await concepts(cat)).toBe(1);
    expect(runs.stderr).toContain(`${sheet}": relprop did not write it`);
    expect(await readFile(join(runs.out, sheet), "utf8")).toBe("mine");
    expect(await readdir(runs.out)).not.toContain(found[0]?.heatmap);
    expect(await concepts(cat, "--force")).toBe(0);
    expect(await readFile(join(runs.out, sheet), "utf8")).not.toBe("mine");
  });
});

const ofTarget = (
  kind: "value" | "probability",
  weights: number[],
  seed: "logit" | "one" = "logit",
): string => {
  const compiled = { settings: { seed }, facts: { scale: { kind, by: "sigmoid" } } };
  const target = { data: Float32Array.from(weights), dims: [1, weights.length] };
  return startText(compiled as Parameters<typeof startText>[0], { kind: "class" }, target);
};

describe("words", () => {
  const passage = { label: "cat", of: "logit", start: 10, passed: 2.5, around: 7.5, above: 0 };
  test.each([
    [{}, "25.0 % of the logit passed through this layer; the other 75.0 % flowed around it"],
    [
      { around: 7, above: 0.5 },
      "25.0 % of the logit passed through this layer; 70.0 % flowed around it, 5.0 % stayed above it",
    ],
    [{ passed: 10, around: 0 }, "all of the logit passed through this layer"],
    [
      { passed: 9, around: 0, above: 1 },
      "90.0 % of the logit passed through this layer, 10.0 % stayed above it",
    ],
    [{ passed: 0, around: 10 }, "nothing of the logit passed through this layer; 100.0 % flowed around it"],
    [
      { passed: -2.2, around: 12.2 },
      "the relevance that passed through this layer is −22.0 % of the logit: on the whole it speaks against “cat”; what flowed around it is 122.0 % and speaks for it",
    ],
    [
      { passed: -2, around: 11, above: 1 },
      "the relevance that passed through this layer is −20.0 % of the logit: on the whole it speaks against “cat”; what flowed around it is 110.0 % and speaks for it; 10.0 % stayed above it",
    ],
    [
      { passed: 12, around: -2 },
      "the relevance that passed through this layer is 120.0 % of the logit: on the whole it speaks for “cat”; what flowed around it is −20.0 % and speaks against it",
    ],
    [
      { start: -10, passed: -2.5, around: -7.5 },
      "25.0 % of the logit, which is negative and speaks against “cat”, passed through this layer; the other 75.0 % flowed around it",
    ],
    [
      { start: -10, passed: 1, around: -11 },
      "the relevance that passed through this layer is −10.0 % of the logit: on the whole it speaks for “cat”; what flowed around it is 110.0 % and speaks against it",
    ],
    [
      { start: 0, passed: 2, around: -2 },
      "the logit is 0, so there is no share of it; ΣR of this layer is 2",
    ],
  ])("%j", (parts, words) => {
    expect(passageText({ ...passage, ...parts })).toBe(words);
  });

  test("what relevance started with", () => {
    expect(ofTarget("probability", [0, 1])).toBe("logit");
    expect(ofTarget("probability", [0, -1])).toBe("logit");
    expect(ofTarget("value", [1])).toBe("value");
    expect(ofTarget("probability", [1, 0, 1, 1])).toBe("sum of 3 logits");
    expect(ofTarget("value", [0.5, 1])).toBe("weighted sum of 2 values");
    expect(ofTarget("value", [1], "one")).toBe("target");
  });

  test("a channel's sums", () => {
    expect(sumTexts({ relevance: 0.25, reached: 0.25 })).toEqual(["ΣR 0.25"]);
    expect(sumTexts({ relevance: -0.25, reached: -0.2 })).toEqual(["ΣR −0.25", "−0.2 in the picture"]);
  });
});
