/** Files that once fell: each is explained by what runs, or refused by an error of relprop's own, soon. */

import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compile, inspect, RelpropError } from "../src/index.ts";
import { concatChunks, readModel, writeModel } from "../src/onnx/index.ts";

const folder = new URL("../../../fuzz/corpus/", import.meta.url);

/** What is said of each, or undefined where it can be explained. */
const said: Readonly<Record<string, string | undefined>> = {
  "audio_up.onnx": undefined,
  "func_bomb_identity.onnx": "it has more than 1000000 nodes",
  "loop_nested_20p6.onnx": "more than 20000 nodes",
  "mp_global_112.onnx": undefined,
  "onnx_1017.onnx": 'GroupNormalization "sm"): it has no input 1',
  "onnx_1242.onnx": "pads of [1, 1, 1] are not two numbers for each of 2 axes",
  "onnx_1320.onnx": 'LSTM "f"): it has no input 1',
  "onnx_2480.onnx": "Ma",
  "onnx_2576.onnx": 'it has no attribute "else_branch"',
  "onnx_2918.onnx": 'GroupNormalization "r"): it has no input 1',
  "onnx_3233.onnx": "F|atten",
  "onnx_4751.onnx": 'ScatterND "mu"): it has no input 2',
  "onnx_5242.onnx": undefined,
  "onnx_5770.onnx": 'Pow "/n/n.1/Tanh"): it has no input 1',
  "onnx_6616.onnx": 'Pow "f"): it has no input 1',
  "onnx_7349.onnx": "weights, and 16777216 is the most",
  "onnx_8147.onnx": "its output would have the shape [N, 9205357642640261000]",
  "onnx_8197.onnx": "MatM",
  "onnx_8728.onnx": "its output would have the shape [N, 9187343244130779000]",
  "onnx_8761.onnx": "its output would have the shape [N, -2305843009213694000]",
};

it("has a word for each file", () => {
  expect(readdirSync(folder).filter((name) => name.endsWith(".onnx"))).toEqual(Object.keys(said));
});

it.each(Object.entries(said))("%s: %s", (name, words) => {
  const bytes = readFileSync(new URL(name, folder));
  const work = (): void => {
    const model = readModel(bytes, { file: name });
    inspect(model);
    readModel(concatChunks(writeModel(compile(model).model).chunks));
  };
  if (words === undefined) return work();
  expect(work).toThrow(RelpropError);
  expect(work).toThrow(words);
});
