/** Completeness of integrated gradients on the golden models: batch-norms, residuals, depthwise convolutions, max pooling. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { Explainer, ratherThanTarget, type Explanation } from "../../src/index.ts";
import { randomNumbers } from "../support/run.ts";
import { sum } from "./nets.ts";

const models = [
  ["convnet", [3, 32, 32]],
  ["vgg-tiny", [3, 64, 64]],
  ["resnet-bn", [3, 32, 32]],
  ["mobilenet-bn", [3, 32, 32]],
  ["mlp-signed", [20]],
] as const;

/** The first output rather than the second. */
const difference = ({ outputs }: Explanation): number => {
  const [first, second] = Object.values(outputs)[0]!.data;
  return first! - second!;
};

it.each(models)("%s: relevance sums up to f(x) − f(0), the better the more steps", async (name, shape) => {
  const model = readFileSync(new URL(`../golden/${name}/model.onnx`, import.meta.url));
  const size = shape.reduce((a: number, n) => a * n, 1);
  const x = { data: randomNumbers(size, 3), dims: [1, ...shape] };
  const zero = { data: new Float32Array(size), dims: x.dims };
  const leaks: number[] = [];
  for (const steps of [16, 64]) {
    const explainer = new Explainer({ ort, model, method: "integrated-gradients", steps });
    const target = ratherThanTarget(explainer.compiled.output.shape[1] as number, 0, 1);
    const at = await explainer.explain(x, { target });
    const before = await explainer.explain(zero, { target });
    const leak = Math.abs(sum(at.relevance.data) - (difference(at) - difference(before)));
    // In proportion to all relevance: f(x) − f(0) is what little is left of large positive and negative parts.
    leaks.push(leak / sum(at.relevance.data.map(Math.abs)));
    expect(before.relevance.data.every((n) => n === 0)).toBe(true);
    await explainer.dispose();
  }
  expect(leaks[1]).toBeLessThan(leaks[0] as number);
  expect(leaks[1]).toBeLessThan(1e-3);
});
