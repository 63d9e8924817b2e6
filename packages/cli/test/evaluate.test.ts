/** `relprop evaluate`: the table, resuming, what is left out, and models that are no classifiers. */

import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { float32Tensor, GraphBuilder, int, ints, writeModel, type Value } from "@relprop/core/onnx";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import type { MapResult } from "../src/evaluate/evaluation-result.ts";
import { commandRuns } from "./support/command-runs.ts";
import { runCommand } from "../src/commands/run-command.ts";

const studio = fileURLToPath(new URL("../../studio/public", import.meta.url));
const digits = join(studio, "models/digits.onnx");
const runs = commandRuns("evaluate");

beforeAll(async () => {
  await mkdir(join(runs.folder, "digits"));
  for (const digit of [2, 4, 7])
    await cp(join(studio, `gallery/digit-${digit}.png`), join(runs.folder, "digits", `${digit}.png`));
});

const evaluate = (model: string, ...args: string[]): Promise<number> =>
  runCommand([
    "evaluate",
    join(runs.folder, "digits"),
    "--model",
    model,
    "-o",
    runs.out,
    "--steps",
    "7",
    ...args,
  ]);

interface Evaluation {
  readonly reference: string;
  readonly settings: Record<string, string>;
  readonly table: readonly { method: string; metric: string; summary?: { count: number; mean: number } }[];
  readonly maps: readonly MapResult[];
}
const written = async (): Promise<Evaluation> =>
  JSON.parse(await readFile(join(runs.out, "evaluation.json"), "utf8")) as Evaluation;

/** A network of pictures [N, channels, height, width], saved; its batch may be fixed. */
async function save(
  name: string,
  make: (b: GraphBuilder, x: Value) => Value,
  shape: readonly (number | string)[] = ["N", 1, 28, 28],
): Promise<string> {
  const b = new GraphBuilder();
  b.output(make(b, b.input("x", "float32", shape)), "y");
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
  const path = join(runs.folder, `${name}.onnx`);
  await writeFile(path, Buffer.concat(writeModel(model).chunks));
  return path;
}

const wave = (length: number): number[] => Array.from({ length }, (_, i) => Math.sin(7 * i + 1));
const pooled = (b: GraphBuilder, x: Value): Value =>
  b.op("Flatten", [b.op("GlobalAveragePool", [x])], { axis: int(1) });
/** Conv, ReLU, mean, dense: numbers of which the first follows the brightness. */
function numbers(b: GraphBuilder, x: Value, count: number): Value {
  const w = b.constant(float32Tensor(wave(4 * 9), [4, 1, 3, 3]), "w");
  const v = b.constant(
    float32Tensor(
      wave(4 * count).map((n) => 3 + n),
      [4, count],
    ),
    "v",
  );
  return b.op("MatMul", [pooled(b, b.op("Relu", [b.op("Conv", [x, w], { pads: ints([1, 1, 1, 1]) })])), v]);
}

test("compares methods, writes all files, and a second run measures only what is new", async () => {
  const status = await evaluate(digits, "--methods", "epsilon-plus,random", "--metrics", "srg,sparseness");
  expect(status).toBe(0);
  expect(runs.stdout).toContain("srg: insertion − deletion");
  expect(runs.stdout).toMatch(/minus epsilon-plus/);
  expect(runs.stdout).toMatch(/7\.png {2}7 0\.999 {2}srg: epsilon-plus 0\.\d+, random/);
  const first = await written();
  expect(first.table.map(({ method, metric }) => `${metric} ${method}`)).toEqual([
    "srg epsilon-plus",
    "srg random",
    "sparseness epsilon-plus",
    "sparseness random",
  ]);
  expect(first.maps).toHaveLength(6);
  expect(first.maps[0]).toMatchObject({ measured: { what: "probability" }, answer: { label: "2" } });
  expect(first.table[0]!.summary!.mean).toBeGreaterThan(0.4);
  const files = await readdir(runs.out);
  for (const file of ["evaluation.html", "curves.svg", "sheet.png", "7.epsilon-plus.heatmap.png"])
    expect(files).toContain(file);

  await evaluate(digits, "--methods", "epsilon-plus,grad-cam,random", "--metrics", "srg,sparseness");
  expect(runs.stderr).toContain("look at");
  const second = await written();
  expect(second.maps).toHaveLength(9);
  // What was there is there unchanged, with the time it took then.
  for (const map of first.maps) expect(second.maps).toContainEqual(map);
  runs.stderr = "";
  await evaluate(digits, "--methods", "epsilon-plus,grad-cam,random", "--metrics", "srg,sparseness");
  expect(runs.stderr).toContain("0 maps explained");
  expect(runs.stderr).toContain("9 unchanged since the last run");
});

test("what was measured with other settings is not mixed in", async () => {
  await evaluate(digits, "--methods", "gradient,random");
  const status = await evaluate(digits, "--methods", "gradient,random", "--class", "7", "--steps", "3");
  // The four is no seven at all.
  expect(status).toBe(1);
  const { maps, table } = await written();
  expect(maps.map(({ input }) => input.slice(-5))).toEqual(["2.png", "2.png", "7.png", "7.png"]);
  for (const { curves } of maps) expect(curves.most!.removed).toHaveLength(4);
  for (const { summary } of table) expect(summary?.count).toBe(2);
});

test("other metrics measure anew, and --json prints records", async () => {
  await evaluate(digits, "--methods", "random,gradient", "--metrics", "complexity", "--json");
  const lines = runs.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toHaveLength(8);
  expect(lines[0]).toMatchObject({ method: "random", input: expect.stringContaining("2.png") });
  expect(lines[6]).toMatchObject({ reference: "random", table: expect.any(Array) });
  // No curve was measured, so none is drawn.
  expect(await readdir(runs.out)).not.toContain("curves.svg");
});

test("a file of a composite is a method under its path", async () => {
  const file = join(runs.folder, "mine.json");
  await writeFile(
    file,
    JSON.stringify({ name: "mine", rules: { convolution: "epsilon", dense: "epsilon" } }),
  );
  const status = await evaluate(digits, "--methods", `epsilon,${file}`);
  expect([status, runs.stderr]).toEqual([0, expect.any(String)]);
});

test("a class without probability is named, and nothing is measured about it", async () => {
  const status = await evaluate(digits, "--methods", "epsilon-plus", "--class", "0");
  expect(status).toBe(1);
  expect(runs.stderr).toMatch(
    /the probability of what is explained is \S+, and a share of that means nothing/,
  );
  expect(runs.stderr).toContain("3 maps failed");
});

test("a map with NaN is left out, others of the same picture are not", async () => {
  // Weights that are enlarged so much overflow, and ∞ / ∞ is NaN.
  const file = join(runs.folder, "overflow.json");
  await writeFile(
    file,
    JSON.stringify({ name: "overflow", extends: "epsilon", rules: { convolution: "gamma:3e38" } }),
  );
  const status = await evaluate(digits, "--methods", `${file},random`);
  expect(status).toBe(1);
  expect(runs.stderr).toMatch(/2\.png, .*overflow\.json.*some of it is NaN/);
  expect(runs.stderr).toContain("3 maps failed");
  const { maps, table } = await written();
  expect(maps.map(({ method }) => method)).toEqual(["random", "random", "random"]);
  expect(table.find(({ method }) => method === file)!.summary).toBeUndefined();
});

test.each([
  ["one sigmoid", (b: GraphBuilder, x: Value) => b.op("Sigmoid", [numbers(b, x, 1)]), "probability"],
  ["several sigmoids", (b: GraphBuilder, x: Value) => b.op("Sigmoid", [numbers(b, x, 3)]), "probability"],
  ["a value", (b: GraphBuilder, x: Value) => numbers(b, x, 1), "value"],
  ["scores", (b: GraphBuilder, x: Value) => numbers(b, x, 5), "value"],
  ["a value below 0", (b: GraphBuilder, x: Value) => b.op("Neg", [numbers(b, x, 1)]), "value"],
])("%s", async (name, make, kind) => {
  const model = await save(name, make);
  const status = await evaluate(
    model,
    "--methods",
    "epsilon,random",
    "--scale",
    "1/255",
    "--mean",
    "0",
    "--std",
    "1",
    "--baseline",
    "black",
  );
  expect([status, runs.stderr]).toEqual([0, expect.any(String)]);
  const { maps, settings } = await written();
  for (const { measured } of maps) expect(measured.what).toBe(kind);
  expect(settings["watched"]).toContain(kind);
  const srg = maps.filter(({ method }) => method === "epsilon").map(({ numbers: own }) => own.srg!);
  for (const each of srg) expect(each).toBeGreaterThan(0);
});

/** Scores of three classes at each pixel. */
const map = (b: GraphBuilder, x: Value): Value => {
  const w = b.constant(float32Tensor(wave(3 * 9), [3, 1, 3, 3]), "w");
  return b.op("Softmax", [b.op("Conv", [x, w], { pads: ints([1, 1, 1, 1]) })], { axis: int(1) });
};

test.each([
  ["one place of a map", map, ["--pixel", "14,10"], "probability"],
  ["where a class wins", map, ["--class", "0"], "logit"],
  [
    "the length of an embedding",
    (b: GraphBuilder, x: Value) => numbers(b, x, 6),
    ["--output-kind", "embedding"],
    "value",
  ],
  ["elements", map, ["--target", "0,1,4..24,12..16"], "logit"],
])("%s", async (name, make, args, kind) => {
  const model = await save(name.replaceAll(" ", "-"), make);
  const pixels = ["--scale", "1/255", "--mean", "0", "--std", "1"];
  const status = await evaluate(model, "--methods", "epsilon,random", ...pixels, ...args);
  expect(runs.stderr).not.toContain("relprop:");
  expect(status).toBe(0);
  const { maps } = await written();
  expect(maps).toHaveLength(6);
  for (const { measured } of maps) expect(measured.what).toBe(kind);
});

test("patches over the padding of a letterbox are never removed", async () => {
  const wide = join(runs.folder, "wide.png");
  await sharp({ create: { width: 80, height: 40, channels: 3, background: "#a06040" } })
    .png()
    .toFile(wide);
  const model = await save("boxed", (b, x) => b.op("Sigmoid", [numbers(b, x, 1)]), ["N", 1, 32, 32]);
  const status = await runCommand([
    "evaluate",
    wide,
    "--model",
    model,
    "-o",
    runs.out,
    "--resize",
    "letterbox",
    "--patch",
    "4",
    "--steps",
    "1000",
    "--methods",
    "epsilon",
  ]);
  expect([status, runs.stderr]).toEqual([0, expect.any(String)]);
  const { maps } = await written();
  // 32 × 16 pixels show the picture: 8 × 4 patches.
  expect(maps[0]!.curves.most!.removed.at(-1)).toBe(32);
});

test("a batch fixed at one, and one fixed at two", async () => {
  const made = await Promise.all(
    [1, 2].map((batch) =>
      save(`batch${batch}`, (b, x) => b.op("Sigmoid", [numbers(b, x, 1)]), [batch, 1, 28, 28]),
    ),
  );
  const found: number[][] = [];
  for (const model of made) {
    await evaluate(model, "--methods", "epsilon");
    found.push((await written()).maps.map(({ numbers: own }) => own.deletion!));
    runs.out += "b";
  }
  for (const [i, deletion] of found[0]!.entries()) expect(found[1]![i]).toBeCloseTo(deletion, 5);
});

test("masks say where the object is", async () => {
  const masks = join(runs.folder, "masks");
  await mkdir(masks);
  await sharp({ create: { width: 28, height: 28, channels: 3, background: "#fff" } })
    .png()
    .toFile(join(masks, "7.png"));
  await evaluate(
    digits,
    "--methods",
    "epsilon-plus",
    "--metrics",
    "pointing-game,relevance-mass",
    "--masks",
    masks,
  );
  const { table } = await written();
  expect(table.map(({ summary }) => summary)).toMatchObject([
    { count: 1, mean: 1 },
    { count: 1, mean: 1 },
  ]);
});

test("tables are the library's", async () => {
  const table = fileURLToPath(new URL("../../../examples/tables/tumours", import.meta.url));
  expect(await runCommand(["evaluate", `${table}.csv`, "--model", `${table}.onnx`, "-o", runs.out])).toBe(2);
  expect(runs.stderr).toContain("call evaluate() of the library");
});

test.each([
  [["--methods", "fisher"], 'there is no method "fisher"'],
  [["--methods", "gradient,gradient"], "it is named twice"],
  [["--methods", "gradient", "--reference", "random"], "--methods are gradient"],
  [["--methods", "gradient", "--class", "top3"], "name one class"],
])("refuses %s", async (args, message) => {
  expect(await evaluate(digits, ...args)).toBe(2);
  expect(runs.stderr).toContain(message);
});
