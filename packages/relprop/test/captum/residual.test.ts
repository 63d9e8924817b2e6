/**
 * A residual network against captum 0.9 in float64, made by bench/peers/captum_resnet18.py. captum has the ε rule for an
 * addition that is a module, Addition_Module; `out += identity`, as torchvision's networks have it, gives all relevance to
 * both summands there, which SUPPORTED.md says under dialects.
 */

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { relativeDistance, runModel } from "../support/run.ts";

const dims = [1, 3, 16, 16];
const size = 3 * 16 * 16;
/** The explained class of five. */
const target = { data: Float32Array.of(1, 0, 0, 0, 0), dims: [1, 5] };

const file = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
const numbers = new Float32Array(Uint8Array.from(file("residual.bin")).buffer);
const part = (i: number): Float32Array => numbers.slice(i * size, (i + 1) * size);
const [input, withModules, asItIs] = [part(0), part(1), part(2)];

it("agrees where captum is given its Addition_Module, and not where it is not", async () => {
  const { model } = compile(readModel(file("residual.onnx")), { composite: "epsilon", dialect: "captum" });
  const relevance = (await runModel(model, { input: { data: input, dims }, target }))["relevance"]!.data;
  expect(relativeDistance(relevance, withModules)).toBeLessThan(5e-6);
  expect(relativeDistance(relevance, asItIs)).toBeGreaterThan(0.5);
});
