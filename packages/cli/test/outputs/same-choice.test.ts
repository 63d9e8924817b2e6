/** What is chosen where nothing is said: the same by `explain`, `compile` and `inspect`. */

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readModel } from "@relprop/core/onnx";
import { describe, expect, test } from "vitest";
import { compile, type Inspection } from "../../../relprop/src/index.ts";
import { modelOf, outputModels, type OutputModel } from "../../../relprop/test/support/output-models.ts";
import { pictured, Workshop, type CommandRun } from "../support/output-runs.ts";

const shop = new Workshop();

interface Choice {
  readonly composite: string;
  readonly seed: string;
  readonly filter: number | "input";
}

/** As `explain` says it before it runs. */
function saidBy({ status, stderr }: CommandRun): Choice {
  expect(status, stderr).toBe(0);
  const word = (name: string): string => new RegExp(`${name} (\\S+)`).exec(stderr)?.[1] ?? "";
  const filter = /filter keeps (\S+)/.exec(stderr)?.[1];
  return {
    composite: word("composite"),
    seed: word("seed"),
    filter: filter === undefined ? 0 : Number(filter),
  };
}

/** As the metadata of a compiled model has it. */
async function compiledBy(run: CommandRun): Promise<Choice> {
  expect(run.status, run.stderr).toBe(0);
  const { metadata } = readModel(await readFile(join(run.folder, "out.onnx")));
  const { seed, topK } = JSON.parse(metadata["relprop.options"] ?? "{}") as { seed: string; topK: number };
  return { composite: metadata["relprop.composite"] ?? "", seed, filter: topK };
}

async function inspected(path: string, ...args: string[]): Promise<Inspection> {
  const run = await shop.run("inspect", path, "--json", ...args);
  expect(run.status, run.stderr).toBe(0);
  return JSON.parse(run.stdout) as Inspection;
}

/** What has to be named of an output, for `explain` and for `compile`. */
function namedOf({ kind, name }: OutputModel): readonly [explain: string[], compile: string[]] {
  if (kind === "map" || kind === "value-map")
    return [
      ["--pixel", "3,4", ...(kind === "map" ? [] : ["--class", "0"])],
      ["--target", "0,0,3,2"],
    ];
  if (kind !== "detections") return [[], []];
  return [
    ["--box", "1"],
    ["--target", /apart/.test(name) ? "0,3,2" : /first|anew/.test(name) ? "0,3,5" : "0,5,3"],
  ];
}

const fed = outputModels.filter(({ input }) => input.length === 4 || (input.length === 2 && input[0] === 1));

test.each(fed)("$name is compiled and inspected as it is explained", async (each) => {
  const path = await shop.model(modelOf(pictured(each)), each.name);
  const [explainArgs, compileArgs] = namedOf(each);
  const explained = saidBy(await shop.explain(path, ...explainArgs));
  expect(await compiledBy(await shop.run("compile", path, ...compileArgs))).toEqual(explained);
  const { plan, outputs } = await inspected(path);
  expect(plan).toMatchObject({ composite: explained.composite, seed: explained.seed });
  const { facts } = compile(modelOf(pictured(each)));
  expect(outputs[0]).toMatchObject({ kind: each.kind, why: facts.why });
});

test("a class is explained by the signed composite, by all of them", async () => {
  const [softmax] = outputModels as [OutputModel];
  const path = await shop.model(modelOf(pictured(softmax)), "named");
  const explained = saidBy(await shop.explain(path, "-c", "2"));
  expect(explained).toEqual({ composite: "epsilon-plus-ones", seed: "logit", filter: 0 });
  expect(await compiledBy(await shop.run("compile", path, "--target", "2"))).toEqual(explained);
});

describe("a model's card", () => {
  test("says the same to all: output, kind, composite and filter", async () => {
    const model = modelOf({
      name: "two outputs",
      input: [1, 3, 8, 8],
      kind: "values",
      scale: "value",
      build: (b, x) => {
        const h = b.relu(b.conv(x, 3, 6));
        const pooled = b.reshape(b.op("GlobalAveragePool", [h]), [0, 6]);
        return { first: b.dense(pooled, 6, 3), second: b.dense(pooled, 6, 2) };
      },
    });
    const path = await shop.model(model, "carded");
    const card = {
      name: "carded",
      input: {
        layout: "NCHW",
        size: [8, 8],
        resize: { shortSide: 9 },
        channels: "RGB",
        scale: 1 / 255,
        mean: [0, 0, 0],
        std: [1, 1, 1],
      },
      output: "second",
      kind: "classes",
      composite: "zplus",
      topK: 0.3,
      labels: ["no", "yes"],
    };
    await shop.file("carded.card.json", JSON.stringify(card));
    const explained = saidBy(await shop.explain(path));
    expect(explained.composite).toBe("zplus");
    const run = await shop.run("compile", path);
    expect(await compiledBy(run)).toEqual(explained);
    expect(run.stderr).toContain('output "second" is read as classes');
    const { plan, outputs } = await inspected(path);
    expect(plan).toMatchObject({ composite: "zplus", seed: explained.seed, output: "second" });
    expect(outputs.map(({ name, kind }) => [name, kind])).toEqual([
      ["second", "classes"],
      ["first", "scores"],
    ]);
    // What is said goes before the card, which says nothing of what another output is.
    for (const run of [
      await shop.explain(path, "--output", "first"),
      await shop.run("compile", path, "--output", "first"),
    ])
      expect(run.stderr).toMatch(/output (?:"first" is read as )?scores/);
    const [first] = (await inspected(path, "--output", "first", "--output-kind", "multi-label")).outputs;
    expect(first).toMatchObject({ name: "first", kind: "multi-label" });
  });
});

test("inspect says what the output is, and why", async () => {
  const path = fileURLToPath(
    new URL("../../../relprop/test/cases/outputs/detector/model.onnx", import.meta.url),
  );
  const { stdout } = await shop.run("inspect", path);
  expect(stdout).toMatch(/^read as +detections: 4 numbers of a box, then 5 probabilities, along axis 1/m);
  expect(stdout).toMatch(/^composite +epsilon-plus\S*, seed logit/m);
});
