/** The snippets of docs/extending.md are run as they stand; the models that they write explain something. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { readModel } from "../../src/onnx/index.ts";
import { runSnippets } from "./snippets.ts";

const { snippets, written } = runSnippets("docs/extending.md", 2, {
  "model.onnx": "golden/vgg-tiny/model.onnx",
  "swirelu.onnx": "extending/swirelu.onnx",
});

it("are short", () => {
  for (const snippet of snippets) expect(snippet.split("\n").length).toBeLessThanOrEqual(30);
});

it("the first explains the model, operator and all", async () => {
  const session = await ort.InferenceSession.create(written("swirelu.lrp.onnx"));
  const x = new ort.Tensor("float32", [1, -2, 0.5], [1, 3]);
  const target = new ort.Tensor("float32", [1, 0], [1, 2]);
  const { relevance } = await session.run({ x, target });
  expect(relevance?.dims).toEqual([1, 3]);
  expect(Array.from(relevance?.data as Float32Array).some((R) => R !== 0)).toBe(true);
});

it("the second says whose rule it was", () => {
  const { metadata } = readModel(readFileSync(written("model.lrp.onnx")));
  expect(metadata["relprop.options"]).toContain('"first":{"rule":"function bySize"}');
});
