import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { afterAll, expect, test } from "vitest";
import { parseModelCard } from "@relprop/core/zoo";
import type { ExplainRequest, LayerRequest, LayerResult } from "../src/engine.ts";
import { ModelRunner } from "../src/model-runner.ts";
import { readSource } from "../src/read-source.ts";

const path = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
const digits = await readFile(path("studio/public/models/digits.onnx"));
const card = parseModelCard(
  JSON.parse(await readFile(path("studio/public/models/digits.card.json"), "utf8")),
);
const runner = new ModelRunner("digits", await readSource("digits.onnx", digits, card), { ort });
afterAll(() => runner.dispose());

const request: ExplainRequest = {
  picture: {
    data: Uint8ClampedArray.from({ length: 4 * 28 * 28 }, (_, i) =>
      Math.floor(i / 4) % 28 === 14 && i > 500 && i < 2700 ? 255 : 0,
    ),
    width: 28,
    height: 28,
  },
  composite: "epsilon-plus",
  target: { kind: "class", index: 1 },
  keep: 0,
};
const layer = (more: Partial<LayerRequest>): Promise<LayerResult> =>
  runner.layer({ ...request, node: "/9/MaxPool", count: 4, ...more });

const sum = (values: Float32Array): number => values.reduce((a, R) => a + R, 0);
const isNear = (a: number, b: number, scale: number): void =>
  expect(Math.abs(a - b)).toBeLessThan(1e-4 * Math.abs(scale));

test("the ledger balances, and what reached the input is the heatmap's sum", async () => {
  const { ledger, nodes, verdict, top } = await runner.ledger(request);
  const explained = await runner.explain(request);
  const stayed = Object.values(ledger.stayed).reduce((a, n) => a + n, 0);
  isNear(ledger.start, ledger.reached + stayed, ledger.start);
  isNear(ledger.reached, sum(explained.relevance.data), ledger.start);
  isNear(ledger.start, explained.explained.start, ledger.start);
  isNear(ledger.start, explained.numbers.logits?.[1] ?? 0, ledger.start);
  expect(top).toEqual(explained.top);
  expect(verdict).toContain("of the logit reached the input");
  const names = nodes.map(({ name }) => name);
  const rows = ledger.entries.slice(0, -1).map(({ node }) => node);
  expect(names).toEqual(expect.arrayContaining(rows));
  expect(ledger.entries.at(-1)).toMatchObject({ operator: "input" });
});

test("a layer's relevance is what the ledger says arrives there; its map and its channels sum to it", async () => {
  const { ledger } = await runner.ledger(request);
  const found = await layer({});
  const entry = ledger.entries.find(({ node }) => node === "/9/MaxPool");
  isNear(found.total, entry?.sums.arriving ?? 0, ledger.start);
  expect(found.shape).toEqual([1, 32, 7, 7]);
  expect(found.map).toMatchObject({ height: 7, width: 7 });
  isNear(sum(found.map?.data ?? new Float32Array()), found.total, ledger.start);
  isNear(sum(found.channelRelevance), found.total, ledger.start);
});

test("its strongest channels come first, each with a map of the picture, and all together make the heatmap", async () => {
  const all = await layer({ count: 32 });
  const strengths = all.channels.map(({ relevance }) => Math.abs(relevance));
  expect(strengths).toEqual([...strengths].sort((a, b) => b - a));
  expect(all.channels).toHaveLength(32);
  const total = all.channels.reduce((a, { share }) => a + Math.abs(share), 0);
  expect(total).toBeCloseTo(1, 4);
  for (const { channel, relevance } of all.channels) {
    isNear(relevance, all.channelRelevance[channel] ?? 0, all.total);
  }
  const { relevance } = await runner.explain(request);
  const largest = Math.max(...relevance.data.map(Math.abs));
  for (const [i, R] of relevance.data.entries()) {
    const parts = all.channels.reduce((a, { map }) => a + (map.data[i] ?? 0), 0);
    isNear(parts, R, largest);
  }
});

test("a dense layer has units and no map", async () => {
  const found = await layer({ node: "/17/Relu" });
  expect(found.map).toBeUndefined();
  expect(found.channelRelevance).toHaveLength(64);
  expect(found.channels).toHaveLength(4);
  expect(found.channels[0]?.map).toMatchObject({ height: 28, width: 28 });
});

test("at the input there is the heatmap itself", async () => {
  const { ledger } = await runner.ledger(request);
  const found = await layer({ node: ledger.ends[0]!.node });
  const { relevance } = await runner.explain(request);
  expect(found.channels).toEqual([]);
  expect(found.map?.data).toEqual(relevance.data);
});

test("the prediction, a contrast and a filter are explained inside the model too", async () => {
  for (const more of [
    { target: { kind: "prediction" } },
    { target: { kind: "contrast", index: 1, against: 7 } },
    { keep: 0.1 },
    { composite: "fischer", target: { kind: "prediction" }, keep: 0.1 },
  ] as const) {
    const { ledger } = await runner.ledger({ ...request, ...more });
    const found = await layer(more);
    const arriving = ledger.entries.find(({ node }) => node === "/9/MaxPool")?.sums.arriving ?? 0;
    isNear(found.total, arriving, ledger.start);
    if ("keep" in more) expect(ledger.stayed.filter).not.toBe(0);
  }
});

test("a node that relevance does not pass is refused with words", async () => {
  await expect(layer({ node: "/19/Gemm" })).rejects.toThrow("the explained output itself");
  await expect(layer({ node: "nowhere" })).rejects.toThrow('relevance cannot stop at "nowhere"');
});

test("sessions are made once for what stays the same, and again after they were disposed", async () => {
  const made: string[] = [];
  const counting = {
    Tensor: ort.Tensor,
    InferenceSession: {
      create: (...args: Parameters<typeof ort.InferenceSession.create>) => {
        made.push("session");
        return ort.InferenceSession.create(...args);
      },
    },
  } as unknown as typeof ort;
  const own = new ModelRunner("digits", await readSource("digits.onnx", digits, card), { ort: counting });
  await own.ledger(request);
  await own.ledger({ ...request, target: { kind: "class", index: 2 } });
  expect(made).toHaveLength(1);
  await own.layer({ ...request, node: "/9/MaxPool", count: 2 });
  await own.layer({ ...request, node: "/9/MaxPool", count: 3 });
  expect(made).toHaveLength(3);
  await own.dispose();
  await own.ledger(request);
  expect(made).toHaveLength(4);
  await own.dispose();
});
