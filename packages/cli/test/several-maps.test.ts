/** Several maps of one pass are those of single passes, for every kind of target. */

import * as ort from "onnxruntime-node";
import { Explainer, readAnswer, type CompileOptions } from "@relprop/core";
import type { Model } from "@relprop/core/onnx";
import { describe, expect, test } from "vitest";
import { NetBuilder } from "../../relprop/test/support/output-models.ts";
import { array, net, size as netSize } from "../../relprop/test/support/random-net.ts";
import { relativeDistance } from "../../relprop/test/support/run.ts";
import type { Value } from "../../relprop/src/onnx/index.ts";
import type { BatchPlan } from "../src/run/answer-picks.ts";
import type { AnswerRequest } from "../src/run/answer-requests.ts";
import { explainBatch, type ExplainedSample } from "../src/run/explain-batch.ts";
import { askedMaps, startForMaps, type StartedMaps } from "../src/run/plan-maps.ts";

/** The requests' answers in each sample, and how they came about. */
async function explained(
  model: Model,
  options: CompileOptions,
  { requests, against }: Pick<BatchPlan, "requests" | "against">,
  input: ReturnType<typeof array>,
  isTogether: boolean,
): Promise<{
  readonly samples: ExplainedSample[];
  readonly runs: number;
  readonly maps: StartedMaps<Explainer>;
}> {
  const { facts } = readAnswer(model, options);
  const names = { facts, labels: [], count: facts.shape[1] as number, unit: undefined };
  const asked = askedMaps({ requests, against, names });
  const maps = await startForMaps<Explainer>(
    { ...options, target: "input" },
    isTogether ? asked : { count: 1, from: "request" },
    1,
    async (chosen) => new Explainer({ ort, model, ...chosen } as ConstructorParameters<typeof Explainer>[0]),
  );
  const explainer = maps.started;
  let runs = 0;
  const counting = new Proxy(explainer, {
    get: (of, name: keyof Explainer) => {
      const value: unknown = of[name];
      if (name === "explain") runs++;
      return typeof value === "function" ? (value.bind(of) as unknown) : value;
    },
  });
  const plan = {
    requests,
    against,
    names,
    size: [input.dims[2] ?? 1, input.dims[3] ?? 1] as const,
    detection: {},
    pictures: [],
  };
  const samples = (await explainBatch(counting, input, plan)).samples();
  await explainer.dispose();
  return { samples, runs, maps };
}

/** Compares them number by number. */
async function expectSame(
  model: Model,
  options: CompileOptions,
  plan: Pick<BatchPlan, "requests" | "against">,
  input: ReturnType<typeof array>,
): Promise<{ readonly runs: number; readonly single: number; readonly maps: StartedMaps<Explainer> }> {
  const several = await explained(model, options, plan, input, true);
  const single = await explained(model, options, plan, input, false);
  expect(several.samples.length).toBe(input.dims[0]);
  for (const [sample, { answers, top, error }] of several.samples.entries()) {
    const wanted = single.samples[sample] as ExplainedSample;
    expect(error).toEqual(wanted.error);
    expect(top).toEqual(wanted.top);
    expect(answers.map(({ score }) => score)).toEqual(wanted.answers.map(({ score }) => score));
    for (const [i, { relevance, relevances, start, ledger, against, elements }] of answers.entries()) {
      const own = wanted.answers[i] as (typeof answers)[number];
      expect(relevance.dims).toEqual(own.relevance.dims);
      for (const [name, { data }] of Object.entries(relevances))
        expect(relativeDistance(data, own.relevances[name]?.data as Float32Array), name).toBeLessThan(1e-6);
      expect([start, against, elements]).toEqual([own.start, own.against, own.elements]);
      expect(ledger?.entries.length).toBe(own.ledger?.entries.length);
      for (const [row, { sums }] of (ledger?.entries ?? []).entries()) {
        const other = own.ledger?.entries[row]?.sums;
        const scale = Math.max(Math.abs(own.start), own.ledger?.entries[row]?.sums.magnitude ?? 0);
        for (const [column, number] of Object.entries(sums))
          expect(Math.abs(number - (other?.[column as keyof typeof sums] as number)), column).toBeLessThan(
            1e-6 * scale,
          );
      }
    }
  }
  return { runs: several.runs, single: single.runs, maps: several.maps };
}

const x = array([3, 3, netSize, netSize], 5);
const source = net({ seed: 7 });
const classRequests = (...indices: readonly number[]): AnswerRequest[] =>
  indices.map((index) => ({ kind: "class", index }));

describe("classes", () => {
  test.each<[string, AnswerRequest[], number | undefined]>([
    ["the best", [{ kind: "top", count: 1 }], undefined],
    ["the best three", [{ kind: "top", count: 3 }], undefined],
    ["named ones", classRequests(0, 3, 1), undefined],
    ["one named twice", classRequests(2, 0, 2), undefined],
    ["rather than another", classRequests(0, 3), 1],
    [
      "elements of the output",
      ["0,2", "0,1+0,3", "0,1..3"].map((text) => ({ kind: "elements", text })),
      undefined,
    ],
  ])("%s: one pass", async (_name, requests, against) => {
    for (const options of [
      {},
      { composite: "epsilon-plus", topK: 0.3, ledger: true },
      { composite: "fischer", seed: "logit", topK: 0.1, ledger: true },
      { composite: "epsilon-plus-ones", reduce: "channels", seed: "one" },
    ] satisfies CompileOptions[]) {
      const { runs } = await expectSame(source, options, { requests, against }, x);
      expect(runs).toBe(1);
    }
  });

  test("more than fit one pass come from as few as possible", async () => {
    const wide = wideNet(21);
    const requests = classRequests(...Array.from({ length: 20 }, (_, i) => i));
    const { runs, maps } = await expectSame(wide, {}, { requests, against: undefined }, array([2, 6], 3));
    expect(runs).toBe(3);
    expect(maps.settings).toEqual([["maps", "20 from 3 passes"]]);
  });

  test.each<[string, AnswerRequest[], number | undefined]>([
    ["a rank and a name", [...classRequests(1), { kind: "top", count: 2 }], undefined],
    ["ranks rather than a class", [{ kind: "top", count: 3 }], 2],
  ])("%s: passes, and why is said", async (_name, requests, against) => {
    const { runs, single, maps } = await expectSame(source, {}, { requests, against }, x);
    expect(runs).toBe(single);
    expect(maps.settings[0]?.[1]).toMatch(/a pass for each: only the answer tells what is explained/);
  });

  test("of a model of fixed batch: passes, and why is said", async () => {
    const inputs = source.graph.inputs.map((input) => ({ ...input, shape: [3, 3, netSize, netSize] }));
    const fixed = { ...source, graph: { ...source.graph, inputs } };
    const { maps } = await expectSame(fixed, {}, { requests: classRequests(0, 1), against: undefined }, x);
    expect(maps.settings[0]?.[1]).toMatch(/^2, a pass for each: .*without a batch axis of open size/);
  });
});

const places = (at: readonly (readonly [number, number])[], index?: number): AnswerRequest[] =>
  at.map(([x, y]) => ({ kind: "pixel", x, y, index }));

describe("other answers", () => {
  const mapNet = build(["N", 3, 8, 8], (b, v) => b.conv(b.relu(b.conv(v, 3, 6)), 6, 4));
  const corners = [
    [0, 0],
    [7, 3],
    [4, 6],
  ] as const;

  test("places of a map, each for a class: one pass", async () => {
    const options: CompileOptions = { outputKind: "map", composite: "epsilon-plus", ledger: true, topK: 0.2 };
    const plan = { requests: places(corners, 2), against: undefined };
    const { runs } = await expectSame(mapNet, options, plan, x);
    expect(runs).toBe(1);
  });

  test("places of a map, each for what wins there: passes", async () => {
    const plan = { requests: places(corners), against: undefined };
    const { maps } = await expectSame(mapNet, { outputKind: "map" }, plan, x);
    expect(maps.options).not.toHaveProperty("maps");
  });

  test.each(["multi-label", "values", "scores"] as const)("of %s: one pass", async (outputKind) => {
    const requests: AnswerRequest[] = [{ kind: "top", count: 3 }];
    const { runs } = await expectSame(
      wideNet(5),
      { outputKind },
      { requests, against: undefined },
      array([4, 6], 2),
    );
    expect(runs).toBe(1);
  });

  test("a yes-or-no answer, both ways: one pass", async () => {
    const plan = { requests: classRequests(1, 0), against: undefined };
    const { runs } = await expectSame(wideNet(1), { outputKind: "binary" }, plan, array([4, 6], 2));
    expect(runs).toBe(1);
  });

  test("an input that all samples share: passes, since their relevance is added up there", async () => {
    const b = new NetBuilder();
    const [v, w] = [b.input("x", "float32", ["N", 6]), b.input("shared", "float32", [6])];
    b.output(b.dense(b.relu(b.op("Mul", [v, w])), 6, 4), "output");
    const model = { irVersion: 8, opsets: { "": 17 }, producer: "", metadata: {}, graph: b.graph("net") };
    expect(
      () =>
        new Explainer({
          ort,
          model,
          maps: 2,
          explain: ["x", "shared"],
          rules: [{ pattern: "Mul", rule: "uniform" }],
        }),
    ).toThrow(/share the input "shared"/);
  });
});

/** A dense network of open batch, as for rows of a table. */
function wideNet(count: number): Model {
  return build(["N", 6], (b, x) => b.dense(b.relu(b.dense(x, 6, 9)), 9, count));
}

function build(shape: readonly (string | number)[], of: (b: NetBuilder, x: Value) => Value): Model {
  const b = new NetBuilder();
  b.output(of(b, b.input("x", "float32", shape)), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "", metadata: {}, graph: b.graph("net") };
}
