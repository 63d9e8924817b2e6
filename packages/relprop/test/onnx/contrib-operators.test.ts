/** Operators of com.microsoft and what they are converted to, both run by ONNX Runtime: the same numbers. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { concatChunks, convertOpset, writeModel, type Model } from "../../src/onnx/index.ts";
import { feedsOf, modelOf, operatorCases, titleOf, type OperatorCase } from "./contrib-operator-cases.ts";

async function run(model: Model, each: OperatorCase): Promise<ort.InferenceSession.ReturnType> {
  const bytes = concatChunks(writeModel(model).chunks);
  const session = await ort.InferenceSession.create(bytes, {
    logSeverityLevel: 4,
    graphOptimizationLevel: "disabled",
  });
  const results = await session.run(feedsOf(each));
  await session.release();
  return results;
}

const numbersOf = (tensor: ort.Tensor | undefined): number[] =>
  Array.from(tensor?.data as ArrayLike<number | bigint>, Number);

describe.each([false, true])("convertOpset computes the same, with open sizes: %s", (isOpen) => {
  it.each(operatorCases.map((each) => [titleOf(each), each] as const))("%s", async (_title, each) => {
    const model = modelOf(each, isOpen);
    const converted = convertOpset(model);
    expect(converted.graph.nodes.filter(({ domain }) => domain === "com.microsoft")).toEqual([]);
    const [before, after] = [await run(model, each), await run(converted, each)];
    for (const [name, expected] of Object.entries(before)) {
      const found = after[name];
      expect(found?.type, name).toBe(expected.type);
      expect(found?.dims, name).toEqual(expected.dims);
      if (each.unspecified?.some((i) => name === `y${i}`)) continue;
      const [wanted, got] = [numbersOf(expected), numbersOf(found)];
      const largest = Math.max(1, ...wanted.map(Math.abs));
      const distances = wanted.map((value, i) => Math.abs(value - (got[i] ?? NaN)));
      // NaN is no small distance.
      expect(
        distances.filter((distance) => !(distance <= 2e-6 * largest)),
        name,
      ).toEqual([]);
    }
  });
});
