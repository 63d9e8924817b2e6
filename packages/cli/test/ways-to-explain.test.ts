/** Composites from files, dialects, the ledger, contrasts and other methods, as the command has them. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readModel } from "@relprop/core/onnx";
import { describe, expect, test } from "vitest";
import { commandRuns } from "./support/command-runs.ts";
import { runCommand } from "../src/commands/run-command.ts";

const golden = fileURLToPath(new URL("../../relprop/test/golden/resnet-bn/model.onnx", import.meta.url));
const photos = fileURLToPath(new URL("../../../examples/photos", import.meta.url));
const cat = join(photos, "chelsea.png");
const runs = commandRuns("ways", false);

// Its output is six numbers without names or a final softmax: that they are classes has to be said.
const isClasses = ["--output-kind", "classes"];
const explain = (...args: string[]): Promise<number> =>
  runCommand(["explain", "-m", golden, "-o", runs.out, ...isClasses, ...args]);
const compile = (...args: string[]): Promise<number> =>
  runCommand(["compile", golden, "-o", join(runs.out, "net.lrp.onnx"), ...args]);
const compiledModel = async (): Promise<ReturnType<typeof readModel>> =>
  readModel(await readFile(join(runs.out, "net.lrp.onnx")));
const records = (): { [name: string]: unknown }[] =>
  runs.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
/** What was said, on one line. */
const said = (): string => runs.stderr.replaceAll("\n", " ");
/** Relevance of the cat as it was written, with a class or without. */
const relevance = async (part = ""): Promise<Float32Array> => {
  const bytes = await readFile(join(runs.out, `chelsea${part}.relevance.npy`));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset + 128, bytes.byteOffset + bytes.length));
};
const sum = (numbers: Float32Array): number => numbers.reduce((a, n) => a + n, 0);
const composite = async (name: string, json: string): Promise<string> => {
  const path = join(runs.folder, name);
  await writeFile(path, json);
  return path;
};

describe("--composite", () => {
  const mine = '{ "name": "mine", "extends": "epsilon-plus", "rules": { "first": "flat" } }';

  test("takes a file, in explain, compile and inspect", async () => {
    const path = await composite("mine.json", mine);
    expect(await explain(cat, "--composite", path)).toBe(0);
    expect(said()).toContain("composite mine");
    expect(await compile("--composite", path)).toBe(0);
    expect((await compiledModel()).metadata["relprop.composite"]).toBe("mine");
    expect(await runCommand(["inspect", golden, "--composite", path])).toBe(0);
    expect(runs.stdout).toMatch(/^✓ .*Conv +.* flat /m);
  });

  test("takes a file of any name, if it is there", async () => {
    expect(await compile("--composite", await composite("mine", mine))).toBe(0);
    expect((await compiledModel()).metadata["relprop.composite"]).toBe("mine");
  });

  test("says what a name could have meant, and what is wrong with a file", async () => {
    for (const command of [
      explain(cat, "--composite", "epsilon-pluss"),
      compile("--composite", "epsilon-pluss"),
    ])
      expect(await command).toBe(2);
    expect(runs.stderr.match(/did you mean "epsilon-plus"\?/g)).toHaveLength(2);
    expect(await compile("--composite", join(runs.folder, "missing.json"))).toBe(2);
    expect(runs.stderr).toMatch(/cannot read the composite ".*missing\.json"/);
    expect(await compile("--composite", await composite("half.json", "{"))).toBe(2);
    expect(runs.stderr).toMatch(/cannot read the composite ".*half\.json".*JSON/);
    const wrong = await composite("wrong.json", '{ "extends": "epsilon-plus", "rulez": {} }');
    expect(await compile("--composite", wrong)).toBe(2);
    expect(runs.stderr).toMatch(/no "rulez".*did you mean "rules"\?/s);
  });
});

test("--dialect, --stabilizer and --zero-bias reach the rules of explain, compile and inspect", async () => {
  const flags = ["--composite", "epsilon-plus", "--dialect", "lxt", "--stabilizer", "clip", "--zero-bias"];
  expect(await explain(cat, ...flags)).toBe(0);
  expect(said()).toContain("dialect lxt");
  expect(await compile(...flags)).toBe(0);
  const { rules } = JSON.parse((await compiledModel()).metadata["relprop.options"] ?? "");
  expect(rules.dense).toMatchObject({ rule: "epsilon", epsilon: 1e-6, stabilizer: "clip", bias: false });
  expect(await runCommand(["inspect", golden, ...flags])).toBe(0);
  expect(runs.stdout).toMatch(/Gemm.*epsilon.*clip/);
  expect(await compile("--dialect", "zennit")).toBe(2);
});

/** The rules of the model that the command compiled with guided-backprop. */
const rulesOf = async (...flags: string[]): Promise<Record<string, { rule: string }>> => {
  expect(await compile("--composite", "guided-backprop", ...flags)).toBe(0);
  return JSON.parse((await compiledModel()).metadata["relprop.options"] ?? "").rules;
};

test("--activations says what guided-backprop acts on, in explain, compile, inspect and concepts", async () => {
  expect(await rulesOf()).toMatchObject({
    relu: { rule: "guided-backprop" },
    activation: { rule: "gradient" },
  });
  const flags = ["--activations", "all"];
  expect(await rulesOf(...flags)).toMatchObject({ activation: { rule: "guided-backprop" } });
  const guided = ["--composite", "guided-backprop", ...flags];
  expect(await explain(cat, ...guided)).toBe(0);
  expect(await runCommand(["inspect", golden, ...guided])).toBe(0);
  expect(runs.stdout).toMatch(/Relu.* guided-backprop /);
  const [layer = ""] = readModel(await readFile(golden)).graph.nodes.map(({ name }) => name);
  expect(await runCommand(["concepts", cat, "-m", golden, "-o", runs.out, "--layer", layer, ...guided])).toBe(
    0,
  );
  expect(await explain(cat, "--composite", "zplus", ...flags)).toBe(2);
  expect(said()).toContain('nothing uses activations "all" (composite zplus)');
  expect(await explain(cat, "--method", "smoothgrad", ...flags)).toBe(2);
  expect(said()).toContain("--activations and --method do not go together");
});

describe("--ledger", () => {
  test("says for each class where relevance stayed, to people, to programs and on the page", async () => {
    expect(await explain(cat, "-c", "top2", "--composite", "epsilon-plus", "--ledger")).toBe(0);
    const verdicts = runs.stdout.match(/^ {2}class \d: −?[\d.]+ % of the logit reached the input.*$/gm) ?? [];
    expect(verdicts).toHaveLength(2);
    const page = await readFile(join(runs.out, "index.html"), "utf8");
    for (const line of verdicts)
      expect(page).toContain(`<p class="verdict">${line.replace(/^ {2}class \d: /, "")}.</p>`);
  });

  test("says it without a name where one class or the whole prediction is explained", async () => {
    expect(await explain(cat, "--ledger")).toBe(0);
    expect(runs.stdout).toMatch(/^ {2}[\d.]+ % of the probability reached the input/m);
  });

  test("adds up", async () => {
    const args = ["-c", "1", "--composite", "epsilon-plus", "--ledger", "--json", "--save", "json,npy"];
    expect(await explain(cat, ...args)).toBe(0);
    const [record] = records();
    const { ledger, logit } = record as {
      logit: number;
      ledger: { start: number; reached: number; stayed: Record<string, number>; verdict: string };
    };
    expect(ledger.start).toBeCloseTo(logit, 5);
    const stayed = Object.values(ledger.stayed).reduce((a, n) => a + n, 0);
    expect(ledger.reached + stayed).toBeCloseTo(ledger.start, 4);
    expect(sum(await relevance(".1-class-1"))).toBeCloseTo(ledger.reached, 4);
    const file = JSON.parse(await readFile(join(runs.out, "chelsea.json"), "utf8"));
    expect(file.answers[0].ledger).toEqual(ledger);
  });

  test("is kept for the second run, and made if the first had none", async () => {
    expect(await explain(cat, "--json")).toBe(0);
    expect(await explain(cat, "--json", "--ledger")).toBe(0);
    expect(await explain(cat, "--json", "--ledger")).toBe(0);
    const [first, , second, counts, third, last] = records();
    expect(first).not.toHaveProperty("ledger");
    expect(counts).toMatchObject({ summary: { done: 1 } });
    expect(last).toMatchObject({ summary: { skipped: 1 } });
    expect(third).toEqual(second);
    expect(third).toHaveProperty("ledger.verdict");
  });

  test("is an output of compile", async () => {
    expect(await compile("--ledger")).toBe(0);
    const { outputs } = (await compiledModel()).graph;
    expect(outputs.map(({ name }) => name)).toContain("ledger");
  });
});

describe("--against", () => {
  test("explains the difference of two classes, and says so", async () => {
    const flags = ["--composite", "gradient", "--seed", "one", "--save", "npy", "--quiet"];
    expect(await explain(cat, "-c", "1", "--against", "3", ...flags)).toBe(0);
    expect(await explain(cat, "-c", "1", "-c", "3", ...flags)).toBe(0);
    const difference = await relevance(".1-class-1.rather-than-3-class-3");
    const one = await relevance(".1-class-1");
    const other = await relevance(".3-class-3");
    for (const [i, value] of difference.entries())
      expect(value).toBeCloseTo((one[i] ?? Number.NaN) - (other[i] ?? Number.NaN), 5);
  });

  test("tells people and programs", async () => {
    expect(await explain(cat, "-c", "1", "--against", "3", "--json")).toBe(0);
    expect(records()[0]).toMatchObject({ class: 1, against: { index: 3, label: "class 3" } });
    const [difference] = records();
    runs.stdout = "";
    expect(await explain(cat, "-c", "1", "-c", "3", "--json")).toBe(0);
    const [one, other] = records() as [Record<string, number>, Record<string, number>];
    // The numbers are the class's own; relevance starts with the difference.
    expect(difference).toMatchObject({ logit: one["logit"], probability: one["probability"] });
    expect(one["start"]).toBeCloseTo(one["logit"] as number, 5);
    const start = (one["logit"] as number) - (other["logit"] as number);
    expect(difference?.["start"]).toBeCloseTo(start, 5);
    runs.stdout = "";
    expect(await explain(cat, "-c", "1", "--against", "3")).toBe(0);
    expect(runs.stdout).toMatch(/asked for: class 1 [\de.-]+ rather than class 3/);
    const page = await readFile(join(runs.out, "index.html"), "utf8");
    expect(page).toContain("Red speaks for “class 1” rather than “class 3”, blue against it.");
    expect(page).toMatch(/<h3>class 1 \S+ <small>rather than class 3<\/small><\/h3>/);
    expect(page).toContain("<dd>1 class 1 rather than 3 class 3</dd>");
  });

  test("explains the best class of each image if none is named, but never a class against itself", async () => {
    expect(await explain(cat, "--json")).toBe(0);
    const best = records()[0]?.["class"] as number;
    const other = best === 0 ? 1 : 0;
    runs.stdout = "";
    expect(await explain(cat, "--json", "--against", String(other))).toBe(0);
    expect(records()[0]).toMatchObject({ class: best, against: { index: other } });
    expect(await explain(cat, "--against", String(best))).toBe(1);
    expect(runs.stderr).toMatch(/its best class is the one that --against names/);
    runs.stdout = "";
    expect(await explain(cat, "--json", "-c", "top3", "--against", String(best))).toBe(0);
    expect(records().slice(0, -1)).toHaveLength(2);
  });

  test("refuses what it cannot do", async () => {
    expect(await explain(cat, "-c", "1", "--against", "1")).toBe(2);
    expect(runs.stderr).toContain("name the same class");
    expect(await explain(cat, "--against", "top2")).toBe(2);
    expect(await explain(cat, "--against", "1", "--seed", "softmax")).toBe(2);
    expect(runs.stderr).toContain("--against and --seed softmax");
    expect(await explain(cat, "-c", "1", "--against", "2", "--seed", "one", "--ledger")).toBe(2);
    expect(runs.stderr).toContain("the ledger has no shares");
  });
});

describe("--method", () => {
  test.each([
    ["input-x-gradient", []],
    ["integrated-gradients", ["--steps", "4"]],
    ["smoothgrad", ["--samples", "3"]],
  ])("%s gives signed maps", async (method, flags) => {
    expect(await explain(cat, photos, "-b", "2", "-c", "top1", "--method", method, ...flags)).toBe(0);
    expect(said()).toMatch(new RegExp(`explains top1 · method ${method} ${flags.length > 0 ? ".*\\d" : ""}`));
    expect(said()).toContain("bwr, symmetric");
    expect(said()).not.toContain("composite");
    expect(await compile("--method", method, ...flags)).toBe(0);
    const { metadata } = await compiledModel();
    expect(JSON.parse(metadata["relprop.method"] ?? "")).toMatchObject({ method });
  });

  test("explains the best class where none is named, the same as if it were", async () => {
    const flags = ["--method", "integrated-gradients", "--save", "npy", "--json"];
    expect(await explain(cat, "-c", "1", ...flags)).toBe(0);
    const named = await relevance(".1-class-1");
    expect(named.some((value) => value < 0) && named.some((value) => value > 0)).toBe(true);
    const best = (records()[0] as { top: { index: number }[] }).top[0]?.index;
    expect(await explain(cat, ...flags)).toBe(0);
    expect(await explain(cat, "-c", String(best), ...flags)).toBe(0);
    const [whole, ofBest] = [await relevance(), await relevance(`.${best}-class-${best}`)];
    for (const [i, value] of whole.entries()) expect(value).toBeCloseTo(ofBest[i] ?? Number.NaN, 5);
  });

  test("grad-cam gives a map from black to white, of the layer that is named", async () => {
    expect(await explain(cat, "--method", "grad-cam", "--save", "npy")).toBe(0);
    expect(said()).toContain("afmhot, min-max");
    expect(Math.min(...(await relevance()))).toBeGreaterThanOrEqual(0);
    const { graph } = readModel(await readFile(golden));
    const layer = graph.nodes.findLast(({ opType }) => opType === "Relu")?.outputs[0] ?? "";
    expect(await explain(cat, "--method", "grad-cam", "--layer", layer)).toBe(0);
    expect(said()).toContain(`layer ${layer}`);
  });

  test("redoes an image for another method, and for other steps", async () => {
    for (const steps of ["2", "2", "3"])
      expect(await explain(cat, "--json", "--method", "integrated-gradients", "--steps", steps)).toBe(0);
    expect(await explain(cat, "--json", "--method", "input-x-gradient")).toBe(0);
    const counts = records().flatMap(({ summary }) => (summary ? [(summary as { done: number }).done] : []));
    expect(counts).toEqual([1, 0, 1, 1]);
  });

  test.each([
    [
      ["--method", "smoothgrad", "--composite", "flat", "-k", "0.1"],
      /--composite, --top-k and --method do not/,
    ],
    [["--method", "smoothgrad", "--ledger"], /--ledger and --method do not/],
    [["--method", "smoothgrad", "--steps", "3"], /smoothgrad has no option "steps"/],
    [["--steps", "3"], /add --method integrated-gradients/],
    [["--samples", "3"], /add --method smoothgrad/],
    [["--layer", "x"], /add --method grad-cam/],
  ])("refuses %j", async (flags, why) => {
    expect(await explain(cat, ...flags)).toBe(2);
    expect(runs.stderr).toMatch(why);
  });
});
