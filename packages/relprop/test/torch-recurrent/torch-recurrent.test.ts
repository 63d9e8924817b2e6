/**
 * Recurrent networks by both exporters of PyTorch, with open batch and length: outputs and gradients are torch's (float64), LRP is
 * finite and accounted for. Made by bench/peers/recurrent.py.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, readLedger } from "../../src/index.ts";
import { concatChunks, readModel, writeModel, type Model } from "../../src/onnx/index.ts";
import { relativeDistance } from "../support/run.ts";

interface Case {
  readonly name: string;
  readonly exporters: readonly string[];
  readonly dims: readonly number[];
  readonly isText: boolean;
  readonly x: readonly number[];
  readonly outputs: readonly number[];
  readonly gradient: readonly number[];
}

const folder = new URL("./", import.meta.url);
const cases = JSON.parse(readFileSync(new URL("cases.json", folder), "utf8")) as readonly Case[];
const classes = 3;

async function run(model: Model, { dims, isText, x, outputs }: Case) {
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 3,
  });
  const target = Float32Array.from(outputs, (_, i) => (i % classes === 1 ? 1 : 0));
  const result = await session.run({
    x: isText
      ? new ort.Tensor("int64", BigInt64Array.from(x, BigInt), dims)
      : new ort.Tensor("float32", Float32Array.from(x), dims),
    target: new ort.Tensor("float32", target, [outputs.length / classes, classes]),
  });
  await session.release();
  return (name: string) => {
    const { data, dims: sizes } = result[name] as ort.Tensor;
    return { data: data as Float32Array, dims: sizes };
  };
}

const graphs = cases.flatMap((each) =>
  each.exporters.map((exporter) => [`${each.name}, ${exporter}`, each, exporter] as const),
);

describe("outputs, gradients and the ledger", () => {
  it.each(graphs)("%s", async (_title, each, exporter) => {
    const file = new URL(`${each.name}.${exporter}.onnx.gz`, folder);
    const model = readModel(gunzipSync(readFileSync(file)));
    const gradient = await run(compile(model, { composite: "gradient" }).model, each);
    expect(relativeDistance(gradient("output").data, each.outputs)).toBeLessThan(1e-5);
    expect(relativeDistance(gradient("relevance").data, each.gradient)).toBeLessThan(1e-5);

    const compiled = compile(model, { composite: "epsilon", ledger: true });
    const found = await run(compiled.model, each);
    expect(found("relevance").data.every(Number.isFinite)).toBe(true);
    expect(found("relevance").data.some((R) => R !== 0)).toBe(true);
    const layout = compiled.ledger as NonNullable<typeof compiled.ledger>;
    // One exporter fixes the length in a Reshape, so that the samples are not known: then there is one ledger for all.
    const samples = readLedger(layout, found("ledger"));
    expect(samples).toHaveLength(compiled.batchAxis === undefined ? 1 : 2);
    for (const { start, reached, stayed, entries } of samples) {
      const largest = Math.max(...entries.map(({ sums }) => sums.magnitude));
      for (const { node, sums } of entries) expect(Math.abs(sums.rest), node).toBeLessThan(1e-5 * largest);
      const kept = Object.values(stayed).reduce((sum, part) => sum + part, 0);
      expect(Math.abs(start - reached - kept)).toBeLessThan(1e-5 * largest);
    }
  });
});
