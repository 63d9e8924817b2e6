/**
 * Small random transformers against lxt in float64: what ε does, and that nothing else differs. Made by
 * bench/peers/lxt_small_models.py; docs/referees.md has the table of all models.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../../src/index.ts";
import { concatChunks, readModel, writeModel } from "../../../src/onnx/index.ts";
import { sizeOf } from "../../../src/onnx/tensor.ts";
import { relativeDistance } from "../../support/run.ts";

interface Reference {
  readonly name: string;
  readonly ids: readonly number[];
  readonly mask: readonly number[];
  /** Shape of the output, and its explained element, flat. */
  readonly output: readonly number[];
  readonly start: number;
  /** The tensor of token embeddings. */
  readonly embedding: string;
  /** Of the token embeddings, where in relevance.bin: by lxt.explicit with its ε and without, and by lxt.efficient. */
  readonly runs: Readonly<Record<string, { readonly offset: number; readonly count: number }>>;
}

const file = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
const { cases } = JSON.parse(file("cases.json").toString()) as { cases: readonly Reference[] };
const numbers = new Float32Array(Uint8Array.from(file("relevance.bin")).buffer);

const int64 = (list: readonly number[]): ort.Tensor =>
  new ort.Tensor("int64", BigInt64Array.from(list.map(BigInt)), [1, list.length]);

/** Relevance of the token embeddings. */
async function relevanceOf(reference: Reference, options: CompileOptions): Promise<Float32Array> {
  const { name, ids, mask, output, start, embedding } = reference;
  const source = readModel(gunzipSync(file(`${name}.onnx.gz`)));
  const { model } = compile(source, { ...options, input: "input_ids", layer: embedding });
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 3,
  });
  const target = new Float32Array(sizeOf(output)).fill(1, start, start + 1);
  const results = await session.run({
    input_ids: int64(ids),
    attention_mask: int64(mask),
    target: new ort.Tensor("float32", target, output),
  });
  await session.release();
  return results["relevance"]?.data as Float32Array;
}

/** The options that are the same as a run of lxt, and how near the two come. */
function twin(run: string): { readonly options: CompileOptions; readonly tolerance: number } {
  const composite = run.startsWith("cp-lrp") ? "cp-lrp" : "attnlrp";
  const hasEpsilon = run === composite;
  return hasEpsilon
    ? { options: { composite, dialect: "lxt" }, tolerance: 1e-5 }
    : { options: { composite, epsilon: 0 }, tolerance: 2e-6 };
}

const runs = cases.flatMap((reference) =>
  Object.entries(reference.runs).map(([run, place]) => ({ name: reference.name, run, place, reference })),
);

describe("small transformers agree with lxt, ε by ε", () => {
  it.each(runs)("$name, $run", async ({ run, place: { offset, count }, reference }) => {
    const { options, tolerance } = twin(run);
    const found = await relevanceOf(reference, options);
    expect(relativeDistance(found, numbers.subarray(offset, offset + count))).toBeLessThan(tolerance);
  });

  it("and it is ε that makes the rest of the difference", async () => {
    const [reference] = cases as [Reference];
    const none = await relevanceOf(reference, { composite: "attnlrp", epsilon: 0 });
    const ours = await relevanceOf(reference, { composite: "attnlrp" });
    const theirs = await relevanceOf(reference, { composite: "attnlrp", dialect: "lxt" });
    expect(relativeDistance(ours, none)).toBeGreaterThan(1e-4);
    expect(relativeDistance(theirs, none)).toBeGreaterThan(1e-5);
    const tiny = await relevanceOf(reference, { composite: "attnlrp", stabilizer: "zero" });
    expect(relativeDistance(tiny, none)).toBeLessThan(2e-6);
  });
});
