/**
 * Relevance through single channels of a residual network with batch norms, against zennit-crp in float64: what flows
 * through shortcuts around the layer is left out (`exclude_parallel`). Made by bench/peers/zennit_crp_concepts.py.
 */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { Explainer } from "../../src/index.ts";
import { sizeOf } from "../../src/onnx/tensor.ts";
import { relativeDistance } from "../support/run.ts";

interface References {
  readonly shape: readonly number[];
  readonly classes: number;
  readonly class: number;
  readonly channels: readonly number[];
  readonly cases: readonly { readonly composite: string; readonly layer: string; readonly node: string }[];
}

const file = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
const references = JSON.parse(file("concepts.json").toString()) as References;
const { shape, classes, channels, cases } = references;
const numbers = new Float32Array(Uint8Array.from(file("concepts.bin")).buffer);
const pixels = sizeOf(shape);
const input = { data: numbers.subarray(0, pixels), dims: shape };
const output = numbers.subarray(pixels, pixels + classes);
/** Maps of all cases and channels. */
const maps = numbers.subarray(pixels + classes);

it.each([...cases.entries()].map(([i, { composite, layer, node }]) => [composite, layer, node, i] as const))(
  "%s through channels of %s",
  async (composite, _layer, node, index) => {
    const at = index * channels.length * pixels;
    const model = Uint8Array.from(file("concepts.onnx"));
    const explainer = new Explainer({ ort, model, composite, seed: "logit", concepts: { layer: node } });
    for (const [i, channel] of channels.entries()) {
      const found = await explainer.explain(input, { target: references.class, channels: channel });
      expect(relativeDistance(found.outputs["output"]!.data, output)).toBeLessThan(1e-5);
      const expected = maps.subarray(at + i * pixels, at + (i + 1) * pixels);
      expect(relativeDistance(found.relevance.data, expected)).toBeLessThanOrEqual(1e-5);
    }
    await explainer.dispose();
  },
);
