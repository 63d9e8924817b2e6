/** The studio chooses and answers as the command does. */

import { readFile } from "node:fs/promises";
import * as ort from "onnxruntime-node";
import { concatChunks, writeModel } from "@relprop/core/onnx";
import { resample, resizePlan } from "@relprop/core/preprocess";
import sharp from "sharp";
import { expect, test } from "vitest";
import { ints } from "../../../relprop/src/onnx/index.ts";
import { modelOf, outputModels, type OutputModel } from "../../../relprop/test/support/output-models.ts";
import type { Picture } from "@relprop/engine/engine";
import { ModelRunner } from "@relprop/engine/model-runner";
import { readSource } from "@relprop/engine/read-source";
import { initialState } from "../../../studio/src/state/hash.ts";
import { mustBeNamed, viewOf } from "../../../studio/src/state/view.ts";
import type { Target } from "@relprop/engine/engine";
import { distance } from "../support/maps.ts";
import { answersOf, cat, pictured, relevanceOf, Workshop, type CommandRun } from "../support/output-runs.ts";

const shop = new Workshop();

async function studioOf(each: OutputModel): Promise<ModelRunner> {
  const bytes = new Uint8Array(concatChunks(writeModel(modelOf(each)).chunks));
  return new ModelRunner(each.name, await readSource("net.onnx", bytes), { ort });
}

/** What the command says of a run: composite, filter and colours. */
function saidBy({ status, stderr }: CommandRun): object {
  expect(status, stderr).toBe(0);
  const [, composite] = /composite (\S+)/.exec(stderr) ?? [];
  const [, keeps] = /filter keeps (\S+)/.exec(stderr) ?? [];
  const [, colormap, normalize, clip] = /colours (\S+), ([\w-]+)(?:, clipped at (\S+) %)?/.exec(stderr) ?? [];
  return { composite, keep: Number(keeps ?? 0), colormap, normalize, clip: Number(clip ?? 100) };
}

/** What is named of an output that has to be named, for both. */
function named(kind: OutputModel["kind"]): readonly [Target, string[]] {
  if (kind === "detections") return [{ kind: "box", rank: 1 }, ["--box", "1"]];
  return kind === "map"
    ? [{ kind: "pixel", x: 3, y: 4 }, ["--pixel", "197,168"]]
    : [{ kind: "pixel", x: 3, y: 4, index: 0 }, ["--pixel", "197,168", "--class", "0"]];
}

/** One of each kind and scale, and all that have places. */
const fed = outputModels.filter(({ input, kind, scale }, i) => {
  const isFirst = !outputModels.slice(0, i).some((each) => each.kind === kind && each.scale === scale);
  return input.length === 4 || (input.length === 2 && input[0] === 1 && isFirst);
});

test.each(fed)("$name: the view is what the command chooses, and so is the map", async (each) => {
  const own = pictured(each);
  const path = await shop.model(modelOf(own), each.name);
  const studio = await studioOf(own);
  const { loaded } = studio;
  expect(loaded.facts.kind).toBe(each.kind);
  const usual = viewOf(initialState(), loaded, { kind: "prediction" }, false);
  const isNamed = mustBeNamed(usual, loaded);
  expect(isNamed).toBe(each.input.length === 4 && ["map", "value-map", "detections"].includes(each.kind));
  const [target, args] = isNamed ? named(each.kind) : ([{ kind: "prediction" }, []] as const);
  const view = viewOf(initialState(), loaded, target, false);
  const run = await shop.explain(path, ...args, "--save", "npy,json");
  expect(view).toMatchObject(saidBy(run));
  const { answers } = JSON.parse(await readFile(`${run.folder}/chelsea.json`, "utf8"));
  const [answer] = answers;
  const picture = await shownTo(loaded.card.input);
  const { relevance, explained } = await studio.explain({ ...view, picture });
  expect(explained.numbers.logit ?? explained.numbers.value).toBeCloseTo(answer.logit ?? answer.value, 4);
  const npy = await relevanceOf({ outputs: { npy: `${run.folder}/${answer.files.npy}` } });
  expect(distance(relevance.data, npy)).toBeLessThan(1e-3);
  await studio.dispose();
});

/** The photograph as the studio brings it to a model's size. */
async function shownTo(input: ModelRunner["loaded"]["card"]["input"]): Promise<Picture> {
  const { data, info } = await sharp(cat).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  const pixels = { data: new Uint8ClampedArray(data), width: info.width, height: info.height };
  return resample(pixels, resizePlan(info.width, info.height, input), input.interpolation) as Picture;
}

test.each([
  [32, 32],
  [24, 40],
])("a colour network of %i×%i pixels gives a photograph the same probabilities", async (height, width) => {
  const net: OutputModel = {
    name: `colour ${height} ${width}`,
    input: [1, 3, height, width],
    kind: "classes",
    scale: "probability by softmax",
    build: (b, x) => {
      const pool = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
      const h = b.op("MaxPool", [b.relu(b.conv(x, 3, 8))], pool);
      const flat = b.reshape(b.op("GlobalAveragePool", [b.relu(b.conv(h, 8, 12))]), [0, 12]);
      return b.op("Softmax", [b.dense(flat, 12, 6)]);
    },
  };
  const studio = await studioOf(net);
  const { probabilities } = await studio.answer(await shownTo(studio.loaded.card.input));
  await studio.dispose();
  const run = await shop.explain(await shop.model(modelOf(net), net.name), "--json");
  const [answer] = answersOf(run);
  const top = (answer?.top ?? []) as unknown as { readonly index: number; readonly probability: number }[];
  expect(top).toHaveLength(5);
  for (const { index, probability } of top)
    expect(Math.abs((probabilities?.[index] ?? 0) - probability)).toBeLessThan(1e-5);
});
