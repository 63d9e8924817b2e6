/**
 * Architectures of torchvision, timm and transformers with random weights, by both exporters of PyTorch: every graph
 * compiles strictly, its outputs stay what they are, `gradient` is torch autograd's (float64), and LRP is finite and
 * accounted for. Made by bench/peers/architectures.
 *
 * All of them take minutes, so that by default each architecture of `quick` is tested as one of its exporters wrote it;
 * `npm run test:architectures` tests all, and with UPDATE=1 writes down what docs/architectures.md shows of them.
 */

import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { compile, readAnswer, readLedger, type CompileOptions } from "../../src/index.ts";
import type { Model } from "../../src/onnx/index.ts";
import {
  cases,
  distanceTo,
  feedsOf,
  measuredFile,
  modelOf,
  run,
  targetOf,
  type Case,
  type ExportedGraph,
  type Measured,
} from "./cases.ts";
import { quick } from "./quick.ts";

const isWhole = process.env["ARCHITECTURES"] === "all";

const graphs = cases.flatMap((each) => {
  const index = quick.indexOf(each.name);
  const chosen = isWhole ? each.graphs : index < 0 ? [] : [each.graphs[index % each.graphs.length]];
  return chosen.flatMap((graph) =>
    graph ? [[`${each.name}, ${graph.exporter}`, each, graph] as const] : [],
  );
});

/** Text has no gradient of its token ids: relevance stops at their embeddings. */
const whereTo = ({ kind }: Case, { embedding }: ExportedGraph): CompileOptions =>
  kind === "text" ? { input: "input_ids", layer: embedding as string } : {};

const numbersOf = (tensor: { readonly data: unknown } | undefined): Float32Array =>
  tensor?.data as Float32Array;

const operatorsOf = ({ graph }: Model): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const { opType } of graph.nodes) counts[opType] = (counts[opType] ?? 0) + 1;
  return counts;
};

const measured: Measured[] = [];
afterAll(() => {
  if (isWhole && process.env["UPDATE"] === "1")
    writeFileSync(measuredFile, `[\n${measured.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`);
});

describe("compiles strictly; gradient is torch autograd's, LRP is finite, not zero and accounted for", () => {
  it("has all that quick names", () => {
    const known = new Set(cases.map(({ name }) => name));
    expect(quick.filter((name) => !known.has(name))).toEqual([]);
  });

  it.each(graphs)("%s", async (_name, each, graph) => {
    const source = modelOf(each, graph);
    const feeds = { ...feedsOf(each), target: targetOf(each) };
    const plain = compile(source, { composite: "gradient", start: "output", ...whereTo(each, graph) });
    const backward = await run(plain.model, feeds);
    expect(backward["output"]?.dims).toEqual(each.outputs.dims);
    expect(distanceTo(each.outputs, numbersOf(backward["output"]))).toBeLessThan(1e-4);
    const gradient = distanceTo(each.gradient, numbersOf(backward["relevance"]));
    expect(gradient).toBeLessThan(1e-3);

    // Fischer's explains the whole prediction, these a class.
    const suggested = readAnswer(source, whereTo(each, graph)).composite;
    const composite = suggested === "fischer" ? "epsilon-plus" : suggested;
    const start = performance.now();
    const compiled = compile(source, { composite, ledger: true, ...whereTo(each, graph) });
    const milliseconds = performance.now() - start;
    const { output, relevance, ledger } = await run(compiled.model, feeds);
    expect(distanceTo(each.outputs, numbersOf(output))).toBeLessThan(1e-4);
    const R = numbersOf(relevance);
    expect(R.every(Number.isFinite)).toBe(true);
    expect(R.some((n) => n !== 0)).toBe(true);
    if (!compiled.ledger || !ledger) throw new Error("no ledger");
    const [found] = readLedger(compiled.ledger, { data: numbersOf(ledger), dims: ledger.dims });
    const entries = found?.entries ?? [];
    const largest = Math.max(...entries.map(({ sums }) => sums.magnitude));
    const stayed = Object.values(found?.stayed ?? {}).reduce((sum, part) => sum + part, 0);
    // What is neither passed on nor accounted for is rounding, at each node and in all.
    for (const { node, sums } of entries) expect(Math.abs(sums.rest), node).toBeLessThan(1e-4 * largest);
    const gap = Math.abs((found?.start ?? NaN) - (found?.reached ?? NaN) - stayed);
    expect(gap).toBeLessThan(1e-3 * largest);
    measured.push({
      name: each.name,
      source: each.source,
      exporter: graph.exporter,
      composite,
      operators: operatorsOf(source),
      milliseconds: Math.round(milliseconds),
      gradient: Number(gradient.toPrecision(2)),
      unaccounted: Number((gap / largest).toPrecision(2)),
    });
  });
});
