/** The conservation ledger: on every golden network with every composite nothing gets lost unaccounted. */

import { describe, expect, it } from "vitest";
import { compile, compositeNames, readLedger, verdict } from "../../src/index.ts";
import type { CompileOptions, Ledger, LedgerColumn, ShareColumn } from "../../src/index.ts";
import { float32Tensor, GraphBuilder, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { ledgerColumns, shareColumns } from "../../src/relevance/ledger.ts";
import { differentTargets, goldenNetworks } from "../support/golden-inputs.ts";
import { randomNumbers, runModel, type Array32 } from "../support/run.ts";

interface Run {
  readonly ledgers: readonly Ledger[];
  readonly relevance: Array32;
}

async function run(
  model: Model,
  feeds: Record<string, Array32>,
  classes: number,
  options: CompileOptions,
): Promise<Run> {
  const compiled = compile(model, { ...options, ledger: true });
  const samples = feeds[compiled.input.name]!.dims[0] as number;
  const needsTarget = compiled.added.some(({ name }) => name === "target");
  const results = await runModel(compiled.model, {
    ...feeds,
    ...(needsTarget ? { target: differentTargets(samples, classes) } : {}),
  });
  return { ledgers: readLedger(compiled.ledger!, results["ledger"]!), relevance: results["relevance"]! };
}

const sum = (numbers: ArrayLike<number>): number => Array.from(numbers).reduce((a, n) => a + n, 0);
const sumOfShares = (sums: Readonly<Record<ShareColumn, number>>): number =>
  sum(shareColumns.map((column) => sums[column]));

/**
 * At every node, and over the whole graph, what arrives is what leaves and what stays, and next to nothing is left
 * over. To 1e-4 of |ΣR|; but where relevance of both signs cancels to less than a thousandth of Σ|R|, that
 * thousandth is the measure: float32 rounds each R to 6e-8 of itself, 6e-5 of this measure.
 */
function expectBalanced({ entries, start, reached, stayed }: Ledger): void {
  let largest = 0;
  for (const { node, sums } of entries) {
    const tolerance = 1e-4 * Math.max(Math.abs(sums.arriving), 1e-3 * sums.magnitude);
    const error = Math.abs(sums.arriving - sums.leaving - sumOfShares(sums));
    expect(error, `sum at ${node}`).toBeLessThanOrEqual(tolerance);
    expect(Math.abs(sums.rest), `rest at ${node}`).toBeLessThanOrEqual(tolerance);
    largest = Math.max(largest, sums.magnitude);
  }
  const tolerance = 1e-4 * Math.max(Math.abs(start), 1e-3 * largest);
  expect(Math.abs(start - reached - sumOfShares(stayed)), "whole graph").toBeLessThanOrEqual(tolerance);
}

const otherStrides = [
  ["fischer", "exact"],
  ["epsilon-plus", "average"],
  ["epsilon-alpha2-beta1", "average"],
  ["epsilon-gamma-box", "average"],
  ["epsilon", "average"],
  ["wsquare", "average"],
  ["epsilon-plus", "interpolate"],
  ["epsilon-gamma-box", "interpolate"],
  ["epsilon", "interpolate"],
] as const;

for (const { name, model, input, classes } of goldenNetworks()) {
  const [low, high] = [-3, 3];
  const cases: CompileOptions[] = [
    ...compositeNames.map((composite) => ({ composite, low, high })),
    ...otherStrides.map(([composite, strides]) => ({ composite, strides, low, high })),
    ...["fischer", "epsilon-gamma-box"].map((composite) => ({ composite, topK: 0.2, low, high })),
  ];
  describe(`golden ${name}`, () => {
    it.each(cases)("balances with $composite, $strides, $topK", async (options) => {
      const { ledgers, relevance } = await run(model, { input }, classes, options);
      expect(ledgers).toHaveLength(input.dims[0] as number);
      const size = relevance.data.length / ledgers.length;
      for (const [sample, ledger] of ledgers.entries()) {
        expectBalanced(ledger);
        const { leaving, magnitude } = ledger.entries.at(-1)!.sums;
        const reached = sum(relevance.data.subarray(sample * size, (sample + 1) * size));
        expect(Math.abs(leaving - reached)).toBeLessThanOrEqual(1e-6 * magnitude);
      }
    });
  });
}

/** A model of one input [N, …] and whatever the body makes of it. */
function modelOf(
  shape: readonly number[],
  body: (b: GraphBuilder, x: Value, constant: (numbers: number[], dims?: number[]) => Value) => Value,
): Model {
  const b = new GraphBuilder();
  let count = 0;
  const x = b.input("input", "float32", ["N", ...shape]);
  const y = body(b, x, (numbers, dims = [numbers.length]) =>
    b.constant(float32Tensor(numbers, dims), `constant_${count++}`),
  );
  b.output(y, "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const inputOf = (dims: number[], numbers?: number[]): Array32 => ({
  data: numbers
    ? Float32Array.from(numbers)
    : randomNumbers(
        dims.reduce((a, n) => a * n, 1),
        7,
      ),
  dims,
});

/** The sums of the one node with this operator, in the first sample. */
function sumsAt({ ledgers }: Run, operator: string): Readonly<Record<LedgerColumn, number>> {
  const entry = ledgers[0]!.entries.find((each) => each.operator === operator);
  return entry!.sums;
}

const dense = modelOf([3], (b, x, constant) =>
  b.op("Gemm", [x, constant([1, -2, 0.5, -1, 1, 0.5], [2, 3]), constant([0.5, -1])], { transB: int(1) }),
);
const point = inputOf([1, 3], [1, -1, 2]);

/** What a rule does where z = (4.5, −2), b = (.5, −1) and R = (1, 2). */
async function atPoint(rule: string): Promise<Readonly<Record<LedgerColumn, number>>> {
  const compiled = compile(dense, {
    composite: "epsilon",
    seed: "one",
    ledger: true,
    rules: [{ pattern: "Gemm", rule }],
  });
  const target = inputOf([1, 2], [1, 2]);
  const results = await runModel(compiled.model, { input: point, target });
  return sumsAt({ ledgers: readLedger(compiled.ledger!, results["ledger"]!), relevance: point }, "Gemm");
}

describe("shares that can be worked out by hand", () => {
  // s = R / S(z) = (1/4.75, 2/−2.25); bias Σ s·b, ε Σ s·ε·σ(z), and x·Wᵀs = 4s₁ − s₂ goes on.
  it("ε takes what the stabiliser has of the denominator, the bias its own part", async () => {
    const sums = await atPoint("epsilon(epsilon=0.25)");
    expect(sums.arriving).toBeCloseTo(3, 6);
    expect(sums.bias).toBeCloseTo(0.5 / 4.75 + 2 / 2.25, 6);
    expect(sums.epsilon).toBeCloseTo(0.25 / 4.75 + 0.5 / 2.25, 6);
    expect(sums.leaving).toBeCloseTo(4 / 4.75 + 2 / 2.25, 6);
    expect(sums.rest).toBeCloseTo(0, 6);
  });

  it("a bias that the rule leaves out takes nothing", async () => {
    const sums = await atPoint("epsilon(bias=0)");
    expect(sums.bias).toBe(0);
    expect(sums.leaving).toBeCloseTo(3, 5);
  });

  // dα = (4.5 + .5, 1), dβ = (0, −2 − 1): 2·R·b⁺/dα and −1·R·b⁻/dβ. Nothing speaks against the first output.
  it("α-β: what speaks against has a bias of its own, and where nothing does the rule adds β·R", async () => {
    const sums = await atPoint("alpha-beta");
    expect(sums.bias).toBeCloseTo((2 * 1 * 0.5) / 4.5 - (2 * 1) / 3, 5);
  });

  it("γ loses what arrives at an output that is 0", async () => {
    const model = modelOf([2], (b, x, constant) =>
      b.op("Gemm", [x, constant([1, 1, 1, 2], [2, 2])], { transB: int(1) }),
    );
    const result = await run(model, { input: inputOf([1, 2], [1, -1]) }, 2, {
      composite: "gamma",
      seed: "one",
    });
    expect(sumsAt(result, "Gemm")).toMatchObject({ arriving: 1, leaving: 0, rule: 1, rest: 0 });
  });

  it("the filter's share is what it took away", async () => {
    const options = { composite: "epsilon", seed: "one", topK: 0.5 } as const;
    const compiled = compile(dense, { ...options, ledger: true });
    const target = inputOf([1, 2], [1, 2]);
    const results = await runModel(compiled.model, { input: point, target });
    const [ledger] = readLedger(compiled.ledger!, results["ledger"]!);
    expect(ledger!.entries[0]!.sums.filter).toBe(1);
    expectBalanced(ledger!);
  });

  it.each(["Add", "Sub"] as const)(
    "%s: a joined constant takes its share in each sample, however it broadcasts",
    async (op) => {
      const model = modelOf([3, 2], (b, x, constant) => {
        const doubled = b.op("Relu", [x]);
        return b.op("Flatten", [b.op(op, [constant([1, 2, 3], [3, 1]), doubled])]);
      });
      const input = inputOf([2, 3, 2], [2, 2, 3, 4, 5, 6, 1, 3, 1, 1, 1, 1]);
      const result = await run(model, { input }, 6, { composite: "epsilon", seed: "one" });
      // Explained are 1 ± 2 in sample 0 and 1 ± 3 in sample 1.
      const shares = op === "Add" ? [1 / 3, 1 / 4] : [1 / -1, 1 / -2];
      for (const [sample, { entries }] of result.ledgers.entries()) {
        const { sums } = entries.find(({ operator }) => operator === op)!;
        expect(sums.others).toBeCloseTo(shares[sample]!, 5);
      }
      result.ledgers.forEach(expectBalanced);
    },
  );

  it("an input that is not explained takes its share", async () => {
    const model = modelOf([2], (b, x) => b.op("Add", [x, b.input("second", "float32", ["N", 2])]));
    const feeds = { input: inputOf([1, 2], [1, 1]), second: inputOf([1, 2], [3, 1]) };
    const result = await run(model, feeds, 2, {
      composite: "epsilon",
      seed: "one",
      explain: ["input"],
    });
    expect(sumsAt(result, "Add").others).toBeCloseTo(0.75, 5);
    expect(sumsAt(result, "Add").leaving).toBeCloseTo(0.25, 5);
    result.ledgers.forEach(expectBalanced);
  });

  it("a concatenated constant keeps the relevance of its elements", async () => {
    const model = modelOf([2], (b, x, constant) => {
      const joined = b.op("Concat", [x, constant([5], [1, 1])], { axis: int(1) });
      return b.op("Gemm", [joined, constant([1, 1, 1, 1, 2, 3], [3, 2])]);
    });
    const result = await run(model, { input: inputOf([1, 2], [1, 1]) }, 2, {
      composite: "epsilon",
      seed: "one",
    });
    expect(sumsAt(result, "Concat").others).toBeCloseTo(10 / 12, 5);
    result.ledgers.forEach(expectBalanced);
  });

  it("relevance of padding stays at the border", async () => {
    const model = modelOf([1, 2, 2], (b, x, constant) => {
      const padded = b.op("Pad", [x, b.integers([0, 0, 1, 1, 0, 0, 1, 1]), b.scalar(1)]);
      return b.op("Flatten", [
        b.op("Conv", [padded, constant(Array(16).fill(1), [1, 1, 4, 4])], { kernel_shape: ints([4, 4]) }),
      ]);
    });
    const result = await run(model, { input: inputOf([1, 1, 2, 2], [1, 1, 1, 1]) }, 1, {
      composite: "epsilon",
      seed: "one",
    });
    expect(sumsAt(result, "Pad").border).toBeCloseTo(0.75, 5);
    result.ledgers.forEach(expectBalanced);
  });

  it("what a fallback adds stands in its own column", async () => {
    const model = modelOf([3], (b, x) => b.op("Mul", [x, b.op("Relu", [x])]));
    const options = { composite: "epsilon", seed: "one", fallback: "gradient" } as const;
    const result = await run(model, { input: inputOf([1, 3], [2, 3, 4]) }, 3, options);
    expect(sumsAt(result, "Mul")).toMatchObject({ arriving: 1, leaving: 4, fallback: -3, rule: 0, rest: 0 });
    result.ledgers.forEach(expectBalanced);
  });
});

describe("the output", () => {
  it("is there only if asked for, and the relevance is the same to the bit", async () => {
    const [network] = goldenNetworks();
    const { model, input } = network!;
    const plain = compile(model, { composite: "fischer" });
    const ledgered = compile(model, { composite: "fischer", ledger: true });
    expect(plain.ledger).toBeUndefined();
    expect(plain.model.graph.outputs.map(({ name }) => name)).not.toContain("ledger");
    const [a, c] = [await runModel(plain.model, { input }), await runModel(ledgered.model, { input })];
    expect(c["relevance"]).toEqual(a["relevance"]);
    expect(c["ledger"]!.dims).toEqual([input.dims[0], ledgered.ledger!.rows.length, ledgerColumns.length]);
    expect(ledgered.model.metadata["relprop.options"]).toContain('"ledger":true');
  });

  it("in float32 has the same sums to its rounding, and no float64 in the graph", async () => {
    const { model, input, classes } = goldenNetworks().find(({ name }) => name === "resnet-bn")!;
    const options = { composite: "epsilon", target: "top1" } as const;
    const exact = await run(model, { input }, classes, options);
    const rounded = await run(model, { input }, classes, { ...options, ledgerPrecision: "float32" });
    for (const [sample, { entries }] of rounded.ledgers.entries()) {
      for (const [row, { sums }] of entries.entries()) {
        const expected = exact.ledgers[sample]!.entries[row]!.sums;
        for (const column of ledgerColumns) {
          expect(Math.abs(sums[column] - expected[column]), column).toBeLessThan(1e-5 * expected.magnitude);
        }
      }
    }
    const { graph } = compile(model, { ...options, ledger: true, ledgerPrecision: "float32" }).model;
    expect(graph.nodes.map(({ attributes }) => attributes["to"])).not.toContainEqual(int(11));
  });

  it("has a sample's sums whatever else is in the batch", async () => {
    const { model, input, classes } = goldenNetworks().find(({ name }) => name === "resnet-bn")!;
    const options = { composite: "epsilon-plus", target: "top1" } as const;
    const both = await run(model, { input }, classes, options);
    const size = input.data.length / (input.dims[0] as number);
    const second = { data: input.data.slice(size, 2 * size), dims: [1, ...input.dims.slice(1)] };
    const alone = await run(model, { input: second }, classes, options);
    for (const [i, { sums }] of alone.ledgers[0]!.entries.entries()) {
      for (const column of ledgerColumns) {
        const error = Math.abs(sums[column] - both.ledgers[1]!.entries[i]!.sums[column]);
        expect(error).toBeLessThanOrEqual(1e-5 * sums.magnitude);
      }
    }
  });

  it("refuses a model that has a tensor of its name", () => {
    const model = modelOf([2], (b, x) => b.op("Sigmoid", [b.op("Relu", [x], {}, "ledger")]));
    expect(() => compile(model, { ledger: true })).toThrow(
      /cannot add "ledger" .* has a tensor of that name/,
    );
  });

  it("is read only with the layout it was made with", () => {
    const { ledger } = compile(dense, { ledger: true });
    const table = { data: new Float32Array(13), dims: [1, 1, 13] };
    expect(() => readLedger(ledger!, table)).toThrow(/\[1, 1, 13\], not \[N, 2, 13\]/);
  });
});

describe("the verdict", () => {
  const none = Object.fromEntries(shareColumns.map((column) => [column, 0])) as Record<ShareColumn, number>;
  const sumsOf = (leaving: number): Record<LedgerColumn, number> => ({
    ...none,
    magnitude: leaving,
    arriving: leaving,
    leaving,
  });
  const end = { node: "image", operator: "input", rule: "", sums: sumsOf(9.87) };
  const start = { seed: "logit", word: "logit", entries: [], start: 10 } as const;
  const ledger = { ...start, ends: [end], reached: 9.87, stayed: none } as const;

  it("names what reached the input and the shares worth naming, largest first", () => {
    const stayed = { ...none, epsilon: 0.04, bias: 0.09, rest: 0.0004 };
    expect(verdict({ ...ledger, stayed })).toBe("98.7 % of the logit reached the input; 0.9 % bias, 0.4 % ε");
  });

  it("says when relevance was added", () => {
    const stayed = { ...none, bias: -3 };
    expect(verdict({ ...ledger, seed: "softmax", word: "probability", reached: 13, stayed })).toBe(
      "130.0 % of the probability reached the input; −30.0 % bias",
    );
  });

  it("names the layer that relevance stops at", async () => {
    const { model, input, classes } = goldenNetworks().find(({ name }) => name === "vgg-tiny")!;
    const options = { composite: "fischer", layer: "last-map" } as const;
    const { ledgers } = await run(model, { input }, classes, options);
    expectBalanced(ledgers[0]!);
    expect(verdict(ledgers[0]!)).toMatch(/^\d+\.\d % of the probability reached "[^"]+"/);
  });

  it("names several inputs, each with its part", () => {
    const ends = [end, { ...end, node: "table", sums: sumsOf(-0.37) }];
    expect(verdict({ ...ledger, ends, reached: 9.5 })).toBe(
      "95.0 % of the logit reached the inputs (image 98.7 %, table −3.7 %)",
    );
  });

  it("says when there was nothing to explain", () => {
    expect(verdict({ ...ledger, start: 0 })).toBe("the logit is 0: there is nothing to explain");
  });
});
