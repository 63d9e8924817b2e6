/**
 * Ids on their way to a table, and categories: relevance of each id is that of its vector. The models are linear, so that it
 * is Σ_e W[id, e] L[e, k] / T, by hand in float64.
 */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, OptionError, readLedger, type CompileOptions } from "../../src/index.ts";
import { compileMethod } from "../../src/methods/index.ts";
import {
  concatChunks,
  GraphBuilder,
  int,
  int64Tensor,
  ints,
  writeModel,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";
import { float32Tensor } from "../../src/onnx/tensor.ts";
import { randomNumbers, relativeDistance } from "../support/run.ts";

const [samples, length, rows, features, classes] = [2, 5, 7, 4, 3];
const table = randomNumbers(rows * features, 1);
const head = randomNumbers(features * classes, 2);
const ids = [6, 0, 3, 3, 1, 2, 5, 0, 4, 6];
const explained = 1;

const tableOf = (b: GraphBuilder, from: Float32Array = table): Value =>
  b.constant(float32Tensor(from, [from.length / features, features]), "numbers");
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

type Lookup = (b: GraphBuilder, x: Value) => Value;

/** ids [N, T] -> vectors [N, T, E] -> mean -> [N, K] */
function modelOf(lookup: Lookup, type: "int64" | "int32" | "float32" = "int64"): Model {
  const b = new GraphBuilder();
  const vectors = lookup(b, b.input("ids", type, ["N", "T"]));
  const mean = b.op("ReduceMean", [vectors], { axes: ints([1]), keepdims: int(0) });
  b.output(b.op("MatMul", [mean, b.constant(float32Tensor(head, [features, classes]), "numbers")]), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

/** Σ_e W[id, e] L[e, k] / T of each id, 0 where it is not looked up. */
function byHand(count = length, W: ArrayLike<number> = table): number[] {
  return ids.map((id, at) => {
    if (at % length >= count) return 0;
    const products = range(features).map(
      (e) => (W[id * features + e] ?? 0) * (head[e * classes + explained] ?? 0),
    );
    return products.reduce((a, n) => a + n, 0) / count;
  });
}

async function explain(model: Model, feed: ort.Tensor, options: CompileOptions = {}) {
  const all = { composite: "epsilon", epsilon: 0, target: explained, ledger: true, ...options } as const;
  const compiled = compile(model, all);
  const session = await ort.InferenceSession.create(concatChunks(writeModel(compiled.model).chunks), {
    logSeverityLevel: 3,
  });
  const results = await session.run({ ids: feed });
  await session.release();
  const { data, dims } = results["relevance"] as ort.Tensor;
  return { compiled, relevance: data as Float32Array, dims, results };
}

const int64 = (list: readonly number[]): ort.Tensor =>
  new ort.Tensor("int64", BigInt64Array.from(list, BigInt), [samples, length]);
const cast = (b: GraphBuilder, x: Value, to: number): Value => b.op("Cast", [x], { to: int(to) });
const gather = (b: GraphBuilder, x: Value, from = tableOf(b)): Value => b.op("Gather", [from, x]);
const isAmong = (b: GraphBuilder, x: Value): Value =>
  b.op("Equal", [b.op("Unsqueeze", [x, b.integers([-1])]), b.integers(range(rows))]);

const ways: readonly (readonly [title: string, lookup: Lookup])[] = [
  ["as they are", gather],
  ["transposed", (b, x) => b.op("Transpose", [gather(b, b.op("Transpose", [x]))], { perm: ints([1, 0, 2]) })],
  ["cut", (b, x) => gather(b, b.op("Slice", [x, b.integers([0]), b.integers([4]), b.integers([1])]))],
  [
    "in one row",
    (b, x) =>
      b.op("Reshape", [
        gather(b, b.op("Reshape", [x, b.integers([-1])])),
        b.integers([-1, length, features]),
      ]),
  ],
  ["counted from 1", (b, x) => gather(b, b.op("Sub", [b.op("Add", [x, b.integer(3)]), b.integer(3)]))],
  ["cut off", (b, x) => gather(b, b.op("Clip", [x, b.integer(0), b.integer(rows - 1)]))],
  [
    "counted from the end where they are negative",
    (b, x) =>
      gather(b, b.op("Where", [b.op("Less", [x, b.integer(0)]), b.op("Add", [x, b.integer(rows)]), x])),
  ],
  [
    "one-hot",
    (b, x) => {
      const values = b.constant(float32Tensor([0, 1], [2]), "numbers");
      return b.op("MatMul", [b.op("OneHot", [x, b.integer(rows), values]), tableOf(b)]);
    },
  ],
  [
    "one-hot, in whole numbers",
    (b, x) => {
      const values = b.constant(int64Tensor([0, 1]), "numbers");
      return b.op("MatMul", [cast(b, b.op("OneHot", [x, b.integer(rows), values]), 1), tableOf(b)]);
    },
  ],
  ["compared with each", (b, x) => b.op("MatMul", [cast(b, isAmong(b, x), 1), tableOf(b)])],
  ["of another type", (b, x) => gather(b, cast(b, x, 6))],
];

describe("ids on their way to a table", () => {
  it.each(ways)("%s", async (title, lookup) => {
    const count = title === "cut" ? 4 : length;
    const { relevance, dims, compiled, results } = await explain(modelOf(lookup), int64(ids));
    expect(dims).toEqual([samples, length]);
    expect(relativeDistance(relevance, byHand(count))).toBeLessThan(1e-6);
    // Where open sizes are made one, the samples cannot be told apart: then there is one ledger for all.
    const isApart = title !== "in one row";
    expect(compiled.batchAxis).toBe(isApart ? 0 : undefined);
    const ledgers = readLedger(compiled.ledger!, results["ledger"] as never);
    expect(ledgers).toHaveLength(isApart ? samples : 1);
    for (const { start, reached } of ledgers) expect(Math.abs(start - reached)).toBeLessThan(1e-5);
  });

  it("as floating-point numbers", async () => {
    const model = modelOf((b, x) => gather(b, cast(b, x, 7)), "float32");
    const feed = new ort.Tensor("float32", Float32Array.from(ids), [samples, length]);
    expect(relativeDistance((await explain(model, feed)).relevance, byHand())).toBeLessThan(1e-6);
  });

  it("in two tables, one of them a number for each id", async () => {
    const numbers = randomNumbers(rows, 5);
    const model = modelOf((b, x) => {
      const scalars = b.op("Gather", [b.constant(float32Tensor(numbers, [rows]), "numbers"), x]);
      return b.op("Add", [gather(b, x), b.op("Unsqueeze", [scalars, b.integers([-1])])]);
    });
    const both = Float64Array.from(table, (n, i) => n + (numbers[Math.floor(i / features)] ?? 0));
    const { relevance } = await explain(model, int64(ids));
    expect(relativeDistance(relevance, byHand(length, both))).toBeLessThan(1e-6);
  });

  it("column by column, each in a table of its own", async () => {
    const tables = range(length).map((column) => randomNumbers(rows * features, 10 + column));
    const model = modelOf((b, x) => {
      const columns = tables.map((own, column) => {
        const one = b.op("Gather", [x, b.integer(column)], { axis: int(1) });
        return b.op("Unsqueeze", [gather(b, one, tableOf(b, own)), b.integers([1])]);
      });
      return b.op("Concat", columns, { axis: int(1) });
    });
    const expected = ids.map((_, at) => byHand(length, tables[at % length])[at] ?? 0);
    const { relevance, dims } = await explain(model, int64(ids));
    expect(dims).toEqual([samples, length]);
    expect(relativeDistance(relevance, expected)).toBeLessThan(1e-6);
    const method = (): unknown => compileMethod(model, { method: "input-x-gradient", target: explained });
    expect(method).toThrow(OptionError);
    expect(method).toThrow(/several tables/);
  });

  it("a mask that is made of them is no lookup", () => {
    const model = modelOf((b, x) => {
      const mask = cast(b, b.op("Not", [b.op("Equal", [x, b.integer(0)])]), 1);
      return b.op("Mul", [gather(b, x), b.op("Unsqueeze", [mask, b.integers([-1])])]);
    });
    expect(compile(model, { target: explained }).isGathered).toBe(false);
  });
});
