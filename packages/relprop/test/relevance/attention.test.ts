/**
 * The rules of transformers (docs/rules.md §3) on tiny graphs, against their formulas written out in float64, and where
 * relevance stays: at each node the ledger's columns add up, masks with −∞ included.
 */

import { describe, expect, it } from "vitest";
import { compile, readLedger, type CompileOptions, type LedgerEntry } from "../../src/index.ts";
import { GraphBuilder, float, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance, runModel, type Array32 } from "../support/run.ts";

type Matrix = readonly (readonly number[])[];

const samples = 2;
const epsilon = 1e-6;
/** S(z) = z + ε·σ(z) */
const S = (z: number): number => z + (z >= 0 ? epsilon : -epsilon);
const total = (row: readonly number[]): number => row.reduce((sum, n) => sum + n, 0);
const rows = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i));
const column = (m: Matrix, j: number): number[] => m.map((row) => row[j] as number);
const transpose = (m: Matrix): Matrix => rows(m[0]!.length, (j) => column(m, j));
const product = (A: Matrix, B: Matrix): Matrix =>
  A.map((row) => rows(B[0]!.length, (k) => total(row.map((a, j) => a * (B[j]![k] as number)))));
const each = (A: Matrix, f: (a: number, i: number, j: number) => number): Matrix =>
  A.map((row, i) => row.map((a, j) => f(a, i, j)));
const at = (m: Matrix, i: number, j: number): number => m[i]![j] as number;
const softmaxOf = (row: readonly number[]): number[] => {
  const largest = Math.max(...row);
  const powers = row.map((n) => Math.exp(n - largest));
  return powers.map((n) => n / total(powers));
};
const normalOf = (row: readonly number[], added: number): { normal: number[]; n: number } => {
  const mean = total(row) / row.length;
  const n = 1 / Math.sqrt(total(row.map((v) => (v - mean) ** 2)) / row.length + added);
  return { normal: row.map((v) => n * (v - mean)), n };
};

/** Samples of matrices from a tensor [N, I, J]. */
const matricesOf = ({ data, dims }: Array32): Matrix[] => {
  const [count = 0, I = 0, J = 0] = dims;
  return rows(count, (n) => rows(I, (i) => [...data.subarray((n * I + i) * J, (n * I + i + 1) * J)]));
};
const flat = (matrices: readonly Matrix[]): number[] => matrices.flat(2);

function modelOf(shape: readonly number[], make: (b: GraphBuilder, x: Value) => Value): Model {
  const b = new GraphBuilder();
  b.output(make(b, b.input("input", "float32", ["N", ...shape])), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

const tensor = (dims: readonly number[], seed: number): Array32 => ({
  data: randomNumbers(
    dims.reduce((a, n) => a * n, 1),
    seed,
  ),
  dims,
});

interface Explained {
  readonly relevance: Float32Array;
  /** Of all samples. */
  readonly entries: readonly LedgerEntry[];
}

async function explain(
  model: Model,
  feeds: Readonly<Record<string, Array32>>,
  options: CompileOptions,
): Promise<Explained> {
  const compiled = compile(model, { seed: "one", start: "output", ledger: true, ...options });
  const results = await runModel(compiled.model, feeds);
  const entries = readLedger(compiled.ledger!, results["ledger"]!).flatMap((ledger) => ledger.entries);
  return { relevance: results["relevance"]!.data, entries };
}

/** Every number is one, and what is not accounted for is rounding. */
function expectAccounted({ relevance, entries }: Explained): void {
  expect(relevance.every(Number.isFinite)).toBe(true);
  const largest = Math.max(1, ...entries.map(({ sums }) => sums.magnitude));
  for (const { node, sums } of entries) {
    for (const [name, sum] of Object.entries(sums)) expect(sum, `${node}, ${name}`).not.toBeNaN();
    expect(Math.abs(sums.rest), node).toBeLessThan(1e-6 * largest);
  }
}

const sumsAt = ({ entries }: Explained, operator: string, sample: number): LedgerEntry["sums"] =>
  entries.filter((entry) => entry.operator === operator)[sample]!.sums;

describe("softmax", () => {
  const input = tensor([samples, 3, 5], 11);
  const target = tensor([samples, 3, 5], 12);
  // Relevance starts at the output, and passes the sign unchanged.
  const model = modelOf([3, 5], (b, x) => b.op("Neg", [b.op("Softmax", [x], { axis: int(-1) })]));
  const R = matricesOf(target);

  it("shares by x ⊙ (R − s·ΣR)", async () => {
    const explained = await explain(model, { input, target }, { composite: "attnlrp" });
    const expected = matricesOf(input).map((x, n) =>
      x.map((row, i) => {
        const s = softmaxOf(row);
        return row.map((v, j) => v * (at(R[n]!, i, j) - (s[j] as number) * total(R[n]![i] as number[])));
      }),
    );
    expect(relativeDistance(explained.relevance, flat(expected))).toBeLessThan(1e-5);
    expectAccounted(explained);
  });
});

/** Two factors from one input [N, I, 2J]: A [I, J] and B [I, J]. */
const factors = (b: GraphBuilder, x: Value): readonly [Value, Value] => {
  const half = (x.shape[2] as number) / 2;
  return b.ops("Split", [x, b.integers([half, half])], { axis: int(2) }, 2) as readonly [Value, Value];
};

describe("a matrix product of computed tensors", () => {
  const input = tensor([samples, 4, 6], 21);
  const target = tensor([samples, 4, 4], 22);
  const model = modelOf([4, 6], (b, x) => {
    const [A, B] = factors(b, x);
    return b.op("MatMul", [A, b.op("Transpose", [B], { perm: ints([0, 2, 1]) })]);
  });

  it("gives half to each factor by uniform: A ⊙ (R/S(2O))·Vᵀ and V ⊙ Aᵀ·(R/S(2O))", async () => {
    const explained = await explain(model, { input, target }, { composite: "attnlrp" });
    const R = matricesOf(target);
    const expected = matricesOf(input).map((x, n) => {
      const A = x.map((row) => row.slice(0, 3));
      const V = transpose(x.map((row) => row.slice(3)));
      const O = product(A, V);
      const s = each(R[n]!, (r, i, j) => r / S(2 * at(O, i, j)));
      const toA = each(product(s, transpose(V)), (r, i, j) => at(A, i, j) * r);
      const toV = transpose(each(product(transpose(A), s), (r, i, j) => at(V, i, j) * r));
      return toA.map((row, i) => row.concat(toV[i] as number[]));
    });
    expect(relativeDistance(explained.relevance, flat(expected))).toBeLessThan(1e-5);
    expectAccounted(explained);
    for (let n = 0; n < samples; n++) {
      const { arriving, leaving, epsilon: kept } = sumsAt(explained, "Product", n);
      expect(leaving + kept).toBeCloseTo(arriving, 5);
    }
  });
});

describe("normalisations", () => {
  const input = tensor([samples, 3, 6], 31);
  const target = tensor([samples, 3, 6], 32);
  const gamma = [0.5, -1.25, 2, 0.75, 1, -0.5];
  const beta = [0.1, -0.2, 0.3, 0, -0.4, 0.5];
  const R = matricesOf(target);

  it("LayerNormalization: the statistics' scale is constant, x ⊙ n(t − mean(t)) with t = γ ⊙ R/S(y)", async () => {
    const model = modelOf([3, 6], (b, x) =>
      b.op("LayerNormalization", [x, b.numbers(gamma), b.numbers(beta)], { epsilon: float(1e-5) }),
    );
    const explained = await explain(model, { input, target }, { composite: "attnlrp" });
    const shares = matricesOf(input).map((x, n) =>
      x.map((row, i) => {
        const { normal, n: scale } = normalOf(row, 1e-5);
        const s = normal.map((v, j) => at(R[n]!, i, j) / S((gamma[j] as number) * v + (beta[j] as number)));
        const t = s.map((v, j) => (gamma[j] as number) * v);
        const mean = total(t) / t.length;
        return {
          relevance: row.map((v, j) => v * scale * ((t[j] as number) - mean)),
          bias: total(s.map((v, j) => v * (beta[j] as number))),
        };
      }),
    );
    const expected = shares.flatMap((sample) => sample.flatMap((row) => row.relevance));
    expect(relativeDistance(explained.relevance, expected)).toBeLessThan(1e-5);
    expectAccounted(explained);
    for (let n = 0; n < samples; n++) {
      const bias = total(shares[n]!.map((row) => row.bias));
      expect(sumsAt(explained, "LayerNormalization", n).bias / bias).toBeCloseTo(1, 4);
    }
  });

  it("of the root mean square, spelled out: all of it to x", async () => {
    const model = modelOf([3, 6], (b, x) => {
      const square = b.op("ReduceMean", [b.op("Mul", [x, x])], { axes: ints([-1]) });
      const root = b.op("Sqrt", [b.op("Add", [square, b.scalar(1e-5)])]);
      return b.op("Mul", [b.op("Div", [x, root]), b.numbers(gamma)]);
    });
    const explained = await explain(model, { input, target }, { composite: "attnlrp" });
    expect(relativeDistance(explained.relevance, target.data)).toBeLessThan(1e-3);
    expectAccounted(explained);
  });
});

describe("a quotient of computed tensors", () => {
  const input = tensor([samples, 3, 4], 41);
  const target = tensor([samples, 3, 2], 42);
  const model = modelOf([3, 4], (b, x) => {
    const [a, c] = factors(b, x);
    return b.op("Div", [a, b.op("Exp", [c])]);
  });

  it.each(["attnlrp", "cp-lrp"])("gives all to what is divided (%s)", async (composite) => {
    const explained = await explain(model, { input, target }, { composite });
    const expected = matricesOf(target).map((R) => R.map((row) => [...row, 0, 0]));
    expect(relativeDistance(explained.relevance, flat(expected))).toBeLessThan(1e-5);
    expectAccounted(explained);
  });

  it("and to a gate's other factor, or half to each by uniform", async () => {
    const gated = modelOf([3, 4], (b, x) => {
      const [a, c] = factors(b, x);
      return b.op("Mul", [a, b.op("Sigmoid", [c])]);
    });
    const share = async (composite: string, toSignal: number, toGate: number): Promise<void> => {
      const explained = await explain(gated, { input, target }, { composite });
      const expected = matricesOf(target).map((R) =>
        R.map((row) => [...row.map((r) => r * toSignal), ...row.map((r) => r * toGate)]),
      );
      expect(relativeDistance(explained.relevance, flat(expected))).toBeLessThan(1e-6);
      expectAccounted(explained);
    };
    await share("attnlrp", 0.5, 0.5);
    await share("cp-lrp", 1, 0);
  });
});

const [length, width] = [4, 3];
const allowed = (i: number, j: number): boolean => j <= i;
const root = Math.sqrt(width);

/** Attention of one head over an input that is [Q, K, V] side by side, with a causal mask. */
function attention(mask: (b: GraphBuilder, scores: Value) => Value): Model {
  return modelOf([length, 3 * width], (b, x) => {
    const [Q, K, V] = b.ops("Split", [x, b.integers([width, width, width])], { axis: int(2) }, 3) as [
      Value,
      Value,
      Value,
    ];
    const scores = b.op("MatMul", [Q, b.op("Transpose", [K], { perm: ints([0, 2, 1]) })]);
    const masked = mask(b, b.op("Div", [scores, b.scalar(root)]));
    return b.op("MatMul", [b.op("Softmax", [masked], { axis: int(-1) }), V]);
  });
}

const allowedMask = (b: GraphBuilder): Value =>
  b.op("Greater", [
    b.numbers(
      rows(length ** 2, (k) => (allowed(Math.floor(k / length), k % length) ? 1 : 0)),
      [length, length],
    ),
    b.scalar(0.5),
  ]);
const additiveMask = (blocked: number): number[] =>
  rows(length ** 2, (k) => (allowed(Math.floor(k / length), k % length) ? 0 : blocked));

/** The ways in which exporters and people write a mask; "given" is an input of the model. */
const masks: Record<string, (b: GraphBuilder, scores: Value) => Value> = {
  "added −∞": (b, scores) => b.op("Add", [scores, b.numbers(additiveMask(-Infinity), [length, length])]),
  "added −3.4e38": (b, scores) =>
    b.op("Add", [scores, b.numbers(additiveMask(-3.4028234663852886e38), [length, length])]),
  "chosen −∞": (b, scores) => b.op("Where", [allowedMask(b), scores, b.scalar(-Infinity)]),
  "given −∞, added": (b, scores) => b.op("Add", [scores, b.input("mask", "float32", [length, length])]),
};

describe.each(Object.entries(masks))("masked attention, %s", (name, mask) => {
  const model = attention(mask);
  const input = tensor([samples, length, 3 * width], 51);
  const target = tensor([samples, length, width], 52);
  const given = name.startsWith("given");
  const feeds = {
    input,
    target,
    ...(given && { mask: { data: Float32Array.from(additiveMask(-Infinity)), dims: [length, length] } }),
  };
  const R = matricesOf(target);

  const parts = matricesOf(input).map((x) => {
    const [Q, K, V] = [0, 1, 2].map((part) =>
      x.map((row) => row.slice(part * width, (part + 1) * width)),
    ) as unknown as [Matrix, Matrix, Matrix];
    const dots = product(Q, transpose(K));
    const scores = each(dots, (v) => v / root);
    const A = scores.map((row, i) => softmaxOf(row.map((v, j) => (allowed(i, j) ? v : -Infinity))));
    return { Q, K, V, dots, scores, A, O: product(A, V) };
  });

  it("AttnLRP: to values, keys and queries", async () => {
    const explained = await explain(model, feeds, { composite: "attnlrp" });
    const expected = parts.map(({ Q, K, V, dots, scores, A, O }, n) => {
      const s = each(R[n]!, (r, i, j) => r / S(2 * at(O, i, j)));
      const toV = each(product(transpose(A), s), (r, i, j) => at(V, i, j) * r);
      const toA = each(product(s, transpose(V)), (r, i, j) => at(A, i, j) * r);
      const toScores = toA.map((row, i) =>
        row.map((r, j) => (allowed(i, j) ? at(scores, i, j) * (r - at(A, i, j) * total(row)) : 0)),
      );
      const t = each(toScores, (r, i, j) => r / S(2 * at(dots, i, j)));
      const toQ = each(product(t, K), (r, i, j) => at(Q, i, j) * r);
      const toK = each(product(transpose(t), Q), (r, i, j) => at(K, i, j) * r);
      return toQ.map((row, i) => row.concat(toK[i] as number[], toV[i] as number[]));
    });
    expect(relativeDistance(explained.relevance, flat(expected))).toBeLessThan(1e-4);
    expectAccounted(explained);
  });

  it("CP-LRP: to values alone, attention weights are constant", async () => {
    const explained = await explain(model, feeds, { composite: "cp-lrp" });
    const expected = parts.map(({ V, A, O }, n) => {
      const s = each(R[n]!, (r, i, j) => r / S(at(O, i, j)));
      const toV = each(product(transpose(A), s), (r, i, j) => at(V, i, j) * r);
      return toV.map((row) => rows(2 * width, () => 0).concat(row));
    });
    expect(relativeDistance(explained.relevance, flat(expected))).toBeLessThan(1e-5);
    expectAccounted(explained);
    for (let n = 0; n < samples; n++) {
      const { arriving, leaving, epsilon: kept } = sumsAt(explained, "Product", n);
      expect(leaving + kept).toBeCloseTo(arriving, 5);
    }
  });

  it.each(["gradient", "epsilon-plus", "fischer", "guided-backprop", "flat"])(
    "%s: every number is one",
    async (composite) => {
      expectAccounted(await explain(model, feeds, { composite, seed: "one" }));
    },
  );
});
