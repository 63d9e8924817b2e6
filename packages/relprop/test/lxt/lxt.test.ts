/**
 * AttnLRP and CP-LRP against lxt 2.1 (float64), with its ε and without, on the transformers of test/architectures, by both
 * exporters. Made by bench/peers/lxt_relevance.py, which says what was brought together.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import {
  cases as architectures,
  feedsOf,
  modelOf,
  run,
  targetOf,
  type Case,
} from "../architectures/cases.ts";
import { relativeDistance } from "../support/run.ts";

/** lxt's ε is added without the sign of z: the ViT has z near −1e-6, where rounding shows. */
const dialect = "lxt";
const ways = [
  { run: "attnlrp", options: { composite: "attnlrp", dialect }, tolerance: 5e-5 },
  { run: "cp-lrp", options: { composite: "cp-lrp", dialect }, tolerance: 5e-6 },
  { run: "attnlrp, no epsilon", options: { composite: "attnlrp", epsilon: 0 }, tolerance: 5e-6 },
  { run: "cp-lrp, no epsilon", options: { composite: "cp-lrp", epsilon: 0 }, tolerance: 5e-6 },
] as const;

interface Reference {
  readonly name: string;
  readonly inputNumber: number;
  /** The explained element of the flat output, and its value. */
  readonly start: number;
  readonly value: number;
  /** Of the input, or of the token embeddings, by run: where in relevance.bin. */
  readonly relevance: Readonly<
    Record<(typeof ways)[number]["run"], { readonly offset: number; readonly count: number }>
  >;
}

const file = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
const { cases } = JSON.parse(file("cases.json").toString()) as { cases: readonly Reference[] };
const numbers = (() => {
  const { buffer, byteOffset, byteLength } = file("relevance.bin");
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength));
})();

/** Sums over the last axis: relevance per token. */
function perToken(relevance: Float32Array, tokens: number): number[] {
  const width = relevance.length / tokens;
  return Array.from({ length: tokens }, (_, token) =>
    relevance.subarray(token * width, (token + 1) * width).reduce((sum, n) => sum + n, 0),
  );
}

const runs = cases.flatMap((reference) => {
  const { name, inputNumber, start } = reference;
  const found = architectures.find((each) => each.name === name) as Case;
  const architecture = { ...found, inputNumber, start, count: 1 };
  return architecture.graphs.flatMap((graph) =>
    ways.map((way) => {
      const { exporter } = graph;
      return { name, exporter, run: way.run, way, reference, architecture, graph };
    }),
  );
});

/** The numbers of an output. */
const numbersOf = (tensor: { readonly data: unknown } | undefined): Float32Array =>
  tensor?.data as Float32Array;

describe("relevance agrees with lxt", () => {
  it.each(runs)("$name, $exporter, $run", async ({ way, reference, architecture, graph }) => {
    const isText = architecture.kind === "text";
    const options: CompileOptions = {
      ...way.options,
      ...(isText && { input: "input_ids", layer: graph.embedding as string }),
    };
    const { model } = compile(modelOf(architecture, graph), options);
    const results = await run(model, { ...feedsOf(architecture), target: targetOf(architecture) });
    const logit = numbersOf(results["output"])[reference.start] as number;
    expect(Math.abs(logit / reference.value - 1)).toBeLessThan(1e-4);
    const { offset, count } = reference.relevance[way.run];
    const expected = numbers.subarray(offset, offset + count);
    const relevance = numbersOf(results["relevance"]);
    expect(relativeDistance(relevance, expected)).toBeLessThan(way.tolerance);
    if (!isText) return;
    const tokens = architecture.input[1] as number;
    expect(relativeDistance(perToken(relevance, tokens), perToken(expected, tokens))).toBeLessThan(
      way.tolerance,
    );
  });
});
