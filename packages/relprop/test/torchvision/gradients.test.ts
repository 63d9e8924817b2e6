/**
 * The `gradient` composite against torch autograd (float64) on networks that torchvision exported. Made by
 * bench/peers/torchvision_gradients.py: weights are not stored, but filled in by the same hash as there.
 */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { Explainer } from "../../src/index.ts";
import { readModel } from "../../src/onnx/index.ts";
import { fill } from "../support/fill.ts";
import { relativeDistance } from "../support/run.ts";

interface Case {
  readonly name: string;
  readonly size: number;
  readonly target: number;
  readonly logit: number;
}

const file = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
const { cases } = JSON.parse(file("cases.json").toString()) as { cases: readonly Case[] };

function readExternal(location: string, _offset: number, length = 0): Uint8Array {
  const [number = 0, low = 0, high = 0] = location.split("/").slice(1).map(Number);
  return new Uint8Array(fill(length / 4, number, low, high).buffer);
}

describe("gradient agrees with torch autograd", () => {
  it.each(cases.map((each) => [each.name, each] as const))("%s", async (name, { size, target, logit }) => {
    const model = readModel(file(`${name}.onnx`), { readExternal });
    const explainer = new Explainer({ ort, model, composite: "gradient" });
    const input = { data: fill(3 * size * size, 7777, -1, 1), dims: [1, 3, size, size] };
    const { relevance, top } = await explainer.explain(input, { target });
    await explainer.dispose();
    const bytes = file(`${name}.gradient.bin`);
    const expected = new Float32Array(
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
    );
    expect(top[0]?.[0]?.index).toBe(target);
    expect(Math.abs((top[0]?.[0]?.logit ?? 0) - logit)).toBeLessThan(1e-4 * Math.abs(logit));
    expect(relativeDistance(relevance.data, expected)).toBeLessThan(1e-3);
  });
});
