import * as ort from "onnxruntime-node";
import { OptionError, InputError } from "@relprop/core";
import { expect, test } from "vitest";
import type { ExplainResult, Picture, Target } from "../src/engine.ts";
import { ModelRunner } from "../src/model-runner.ts";
import { readSource } from "../src/read-source.ts";
import { outputFile } from "../../studio/test/support/output-pictures.ts";

const side = 8;
const picture: Picture = {
  data: Uint8ClampedArray.from({ length: 4 * side * side }, (_, i) =>
    i % 4 === 3 ? 255 : (i * 37 + i * i) % 251,
  ),
  width: side,
  height: side,
};

const open = async (name: string, names?: readonly string[]): Promise<ModelRunner> =>
  new ModelRunner("m.onnx", await readSource("m.onnx", outputFile(name, names)), { ort });

async function explain(name: string, target: Target, names?: readonly string[]): Promise<ExplainResult> {
  const runner = await open(name, names);
  const result = await runner.explain({ picture, composite: "epsilon", target, keep: 0 });
  // What is explained is what relevance starts with, and what an occlusion sweep measures.
  const [score] = await runner.scores({ pictures: [picture], target, reference: picture });
  if (!result.explained.isWhole) expect(score).toBeCloseTo(result.explained.start, 3);
  expect([...result.relevance.data].every(Number.isFinite)).toBe(true);
  await runner.dispose();
  return result;
}

test("a place of a map has the numbers of the class that wins there, or of the one that is named", async () => {
  const at = { kind: "pixel", x: 3, y: 5 } as const;
  const { explained, top, numbers } = await explain("a U-Net of two classes", at);
  expect(explained).toMatchObject({ isWhole: false, elements: 1 });
  expect(explained.numbers.probability).toBeGreaterThanOrEqual(0.5);
  expect([top, numbers]).toEqual([[], {}]);
  const other = 1 - (explained.numbers.index ?? 0);
  const lower = await explain("a U-Net of two classes", { ...at, index: other });
  expect(lower.explained.numbers.index).toBe(other);
  expect(lower.explained.numbers.probability).toBeCloseTo(1 - (explained.numbers.probability ?? 0), 5);
});

test("a map of one class is explained where that class wins, and for it", async () => {
  const { explained } = await explain("a U-Net of one class", { kind: "where", index: 1 }, ["vessel"]);
  expect(explained.elements).toBeGreaterThan(1);
  expect(explained.elements).toBeLessThan(side * side);
  // Each of them is above 0.
  expect(explained.start).toBeGreaterThan(0);
});

const names = async (labels?: readonly string[]): Promise<readonly string[]> =>
  (await open("a U-Net of one class", labels)).loaded.names;

test("a map of one class has two names: that of where it is not, and its own", async () => {
  expect(await names()).toEqual(["class 0", "class 1"]);
  expect(await names(["vessel"])).toEqual(["not vessel", "vessel"]);
  expect(await names(["background", "vessel"])).toEqual(["background", "vessel"]);
});

test("the best box, and the best of a class, have a place and a probability", async () => {
  for (const name of ["boxes beside scores, anchors last", "boxes beside scores, anchors first"]) {
    const best = await explain(name, { kind: "box", rank: 1 });
    expect(best.explained.box).toBeDefined();
    const index = best.explained.numbers.index ?? 0;
    const same = await explain(name, { kind: "box", rank: 1, index });
    expect(same.explained.box).toEqual(best.explained.box);
  }
});

test("one sigmoid is explained for yes and for no, several numbers each for itself", async () => {
  const yes = await explain("one sigmoid", { kind: "prediction" });
  const no = await explain("one sigmoid", { kind: "class", index: 0 });
  expect(no.explained.start).toBeCloseTo(-yes.explained.start, 5);
  expect((yes.explained.numbers.probability ?? 0) + (no.explained.numbers.probability ?? 0)).toBeCloseTo(
    1,
    5,
  );
  const values = await explain("three numbers", { kind: "class", index: 1 });
  expect(values.explained.numbers).toEqual({ index: 1, value: values.numbers.values?.[1] });
  expect(values.numbers.probabilities).toBeUndefined();
});

test("an embedding is explained by its length, or by its elements", async () => {
  const length = await explain("an embedding of length 1", { kind: "prediction" });
  expect(length.explained).toMatchObject({ elements: 16, isWhole: false });
  expect(length.explained.start).toBeCloseTo(1, 4);
  const one = await explain("an embedding of length 1", { kind: "elements", text: "0,3" });
  expect(one.explained.elements).toBe(1);
});

const refused = async (name: string, target: Target): Promise<unknown> =>
  explain(name, target).catch((error: unknown) => error);

test("what a model does not have is refused with words", async () => {
  expect(await refused("a U-Net of two classes", { kind: "prediction" })).toBeInstanceOf(OptionError);
  expect(await refused("a U-Net of two classes", { kind: "class", index: 0 })).toBeInstanceOf(OptionError);
  expect(await refused("a U-Net of two classes", { kind: "pixel", x: 99, y: 0 })).toBeInstanceOf(InputError);
  expect(await refused("a U-Net of two classes", { kind: "elements", text: "0,9,0,0" })).toBeInstanceOf(
    OptionError,
  );
  expect(await refused("softmax", { kind: "box", rank: 1 })).toBeInstanceOf(OptionError);
  expect(await refused("softmax", { kind: "class", index: 5 })).toMatchObject({
    message: "there is no class 5: the model has the classes 0 to 4",
  });
  expect(await refused("one sigmoid", { kind: "contrast", index: 1, against: 0 })).toBeInstanceOf(
    OptionError,
  );
  expect(await refused("boxes beside scores, anchors last", { kind: "box", rank: 300 })).toBeInstanceOf(
    InputError,
  );
});
