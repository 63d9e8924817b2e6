/** How relevance is shared by maxima, norms, products and logarithms: against their parts, worked out in float64. */

import { describe, expect, it } from "vitest";
import { compile, readLedger, type CompileOptions } from "../../src/index.ts";
import { GraphBuilder, int, ints, type Attributes, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel, type Array32 } from "../support/run.ts";

const [samples, size] = [3, 5];

function modelOf(make: (b: GraphBuilder, x: Value) => Value, shape: readonly number[] = [size]): Model {
  const b = new GraphBuilder();
  b.output(make(b, b.input("input", "float32", ["N", ...shape])), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const reduced = (op: string, attributes: Attributes = {}): Model =>
  modelOf((b, x) => b.like({ opType: op, attributes: { axes: ints([1]), ...attributes } }, [x]));

async function explained(
  model: Model,
  input: Array32,
  target: Array32,
  options: CompileOptions,
): Promise<{ relevance: Float32Array; rest: number; others: number; arriving: number }> {
  const compiled = compile(model, { seed: "one", ledger: true, ...options });
  const results = await runModel(compiled.model, { input, ...(compiled.added.length > 0 && { target }) });
  const entries = readLedger(compiled.ledger!, results["ledger"]!).map((ledger) => ledger.entries[0]!.sums);
  const largest = (column: "rest" | "others" | "arriving"): number =>
    entries.map((sums) => sums[column]).reduce((a, c) => (Math.abs(c) > Math.abs(a) ? c : a));
  return {
    relevance: results["relevance"]!.data,
    rest: largest("rest"),
    others: largest("others"),
    arriving: largest("arriving"),
  };
}

/** What an element's part of the output is, in proportion: they sum to 1. */
type Parts = (x: readonly number[]) => number[];

const inProportion =
  (measure: (n: number) => number): Parts =>
  (x) => {
    const total = x.reduce((sum, n) => sum + measure(n), 0);
    return x.map((n) => measure(n) / total);
  };
const toOne =
  (best: (...numbers: number[]) => number): Parts =>
  (x) =>
    x.map((_, i) => (i === x.indexOf(best(...x)) ? 1 : 0));

const parts: Record<string, Parts> = {
  ReduceL1: inProportion(Math.abs),
  ReduceL2: inProportion((n) => n * n),
  ReduceSumSquare: inProportion((n) => n * n),
  ReduceLogSum: inProportion((n) => n),
  ReduceLogSumExp: inProportion(Math.exp),
  ReduceProd: (x) => x.map(() => 1 / x.length),
  ReduceMax: toOne(Math.max),
  ReduceMin: toOne(Math.min),
};

/** All of them positive, since the logarithm of the sum is taken. The first sample sums to 1: its logarithm is 0. */
const positive = Float32Array.from(randomNumbers(samples * size, 5), (n) => n + 1.2);
positive.set([0.25, 0.125, 0.25, 0.125, 0.25]);
const input = { data: positive, dims: [samples, size] };
const target = { data: Float32Array.of(1.5, -2, 0.7), dims: [samples, 1] };

describe.each(Object.entries(parts))("%s", (op, partsOf) => {
  const expected = Array.from({ length: samples }, (_, sample) => {
    const row = [...positive.subarray(sample * size, (sample + 1) * size)];
    return partsOf(row).map((part) => part * (target.data[sample] as number));
  }).flat();

  it("shares by its parts", async () => {
    const { relevance, rest } = await explained(reduced(op), input, target, { composite: "epsilon" });
    // ε = 1e-6 keeps 1e-6 / y of it.
    expect(relativeDistance(relevance, expected)).toBeLessThan(1e-4);
    expect(Math.abs(rest)).toBeLessThan(1e-5);
  });

  it.each([
    { composite: "epsilon-plus" },
    { composite: "epsilon-plus", strides: "average" },
    { composite: "fischer" },
    { composite: "fischer", strides: "exact" },
    { composite: "gradient" },
  ] as const)("leaves nothing unaccounted with $composite, $strides", async (options) => {
    const { rest, arriving } = await explained(
      reduced(op, { keepdims: int(0) }),
      input,
      { ...target, dims: [samples] },
      options,
    );
    expect(Math.abs(rest)).toBeLessThan(1e-5 * Math.max(1, Math.abs(arriving)));
  });
});

/** Of x, a constant, and x again. */
const against = (op: "Max" | "Min", constant: number[]): Model =>
  modelOf((b, v) => b.op(op, [v, b.numbers(constant), b.op("Mul", [v, b.scalar(1)])]), [3]);

describe("maxima of several tensors", () => {
  const x = { data: Float32Array.of(1, 2, -1, 0.5, 3, 3), dims: [2, 3] };
  const R = { data: Float32Array.of(1, 10, 100, 1000, 1e4, 1e5), dims: [2, 3] };

  it("give all to the first that is the largest, and to a constant what it wins", async () => {
    const { relevance, others } = await explained(against("Max", [1, 2.5, 0.5]), x, R, {
      composite: "epsilon",
    });
    // The constant wins at (0, 1), (0, 2) and (1, 0); where both are equal, the tensor that stands first.
    expect([...relevance]).toEqual([1, 0, 0, 0, 1e4, 1e5]);
    expect(others).toBe(1000);
  });

  it("give the same by gradient", async () => {
    const { relevance } = await explained(against("Min", [1, 2.5, 0.5]), x, R, { composite: "gradient" });
    expect([...relevance]).toEqual([1, 10, 100, 1000, 0, 0]);
  });

  it("sum over the axes along which an input was stretched", async () => {
    const model = modelOf((b, v) => b.op("Max", [b.op("ReduceMean", [v], { axes: ints([1]) }), v]), [3]);
    const { relevance } = await explained(model, x, R, { composite: "gradient" });
    // Means 2/3 and 6.5/3: the mean wins at (0, 2) and (1, 0), and gives thirds.
    const expected = [1 + 100 / 3, 10 + 100 / 3, 100 / 3, 1000 / 3, 1e4 + 1000 / 3, 1e5 + 1000 / 3];
    expect(relativeDistance(relevance, expected)).toBeLessThan(1e-6);
  });
});

it("a mean of tensors is shared like a sum, constants included", async () => {
  const x = { data: Float32Array.of(1, 2, -1), dims: [1, 3] };
  const R = { data: Float32Array.of(1, 1, 1), dims: [1, 3] };
  const model = modelOf((b, v) => b.op("Mean", [v, b.numbers([1, 2, 3])]), [3]);
  const { relevance, others } = await explained(model, x, R, { composite: "epsilon" });
  expect(relativeDistance(relevance, [0.5, 0.5, -0.5])).toBeLessThan(1e-5);
  expect(others).toBeCloseTo(0.5 + 0.5 + 1.5, 4);
});

it("a running sum is shared by what went into it", async () => {
  const x = { data: Float32Array.of(1, 2, -1), dims: [1, 3] };
  const R = { data: Float32Array.of(1, 1, 1), dims: [1, 3] };
  const model = modelOf((b, v) => b.op("CumSum", [v, b.integer(1)]), [3]);
  const { relevance, rest } = await explained(model, x, R, { composite: "epsilon" });
  // Sums 1, 3, 2.
  expect(relativeDistance(relevance, [1 + 1 / 3 + 1 / 2, 2 / 3 + 2 / 2, -1 / 2])).toBeLessThan(1e-5);
  expect(Math.abs(rest)).toBeLessThan(1e-6);
});
