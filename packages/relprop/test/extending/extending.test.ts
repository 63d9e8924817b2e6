/** Operators and rules of the caller's own: what ONNX Runtime computes, against the formulas in float64. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile, compileMethod, inspect, OptionError, UnexplainableError } from "../../src/index.ts";
import { convertOpset, numbersOf, readModel, writeModel, concatChunks } from "../../src/onnx/index.ts";
import {
  activation,
  always,
  epsilon,
  likeFirstInput,
  slope,
  type LinearRule,
  type OwnOperators,
  type PlainRule,
} from "../../src/rules/index.ts";
import { relativeDistance, runModel } from "../support/run.ts";

const bytes = readFileSync(new URL("swirelu.onnx", import.meta.url));
const operators: OwnOperators = {
  "my.lab/SwiReLU": {
    shape: likeFirstInput,
    row: activation(
      slope((c, x, y) => {
        const gate = c.sigmoid(x);
        return c.only(c.above(x, 0), c.add(gate, c.mul(y, c.sub(1, gate))));
      }),
      { nonNegative: always, closesBelowZero: always },
    ),
  },
};
const model = readModel(bytes, { operators });
const x = [0.7, -1.3, 2.1];
const feeds = {
  x: { data: Float32Array.from(x), dims: [1, 3] },
  target: { data: Float32Array.of(1, 0), dims: [1, 2] },
};

type Matrix = readonly (readonly number[])[];

/** A weight of the model, row by row. */
function weight(name: string, columns: number): Matrix {
  const tensor = model.graph.initializers.get(name);
  if (!tensor) throw new Error(`no ${name}`);
  const numbers = Array.from(numbersOf(tensor));
  return Array.from({ length: numbers.length / columns }, (_, row) =>
    numbers.slice(row * columns, (row + 1) * columns),
  );
}

const at = (list: readonly number[] | undefined, i: number): number => list?.[i] ?? Number.NaN;
const [W1, W2] = [weight("W1", 4), weight("W2", 2)];
const [b1, b2] = [weight("b1", 4)[0], weight("b2", 2)[0]];
const forward = (v: readonly number[], W: Matrix, b: readonly number[] | undefined): number[] =>
  (W[0] ?? []).map((_, k) => v.reduce((sum, n, i) => sum + n * at(W[i], k), at(b, k)));
const back = (s: readonly number[], W: Matrix): number[] =>
  W.map((row) => row.reduce((sum, w, k) => sum + w * at(s, k), 0));
const stabilised = (z: number): number => z + (z < 0 ? -1e-6 : 1e-6);
/** x ⊙ W(R / S(z)) */
const epsilonRule = (v: readonly number[], W: Matrix, z: readonly number[], R: readonly number[]): number[] =>
  back(
    R.map((r, k) => r / stabilised(at(z, k))),
    W,
  ).map((c, i) => c * at(v, i));

const sigmoid = (n: number): number => 1 / (1 + Math.exp(-n));
const z1 = forward(x, W1, b1);
const h = z1.map((n) => Math.max(n, 0) * sigmoid(n));
const y = forward(h, W2, b2);
const seed = [at(y, 0), 0];

const relevanceOf = async (explained: ReturnType<typeof compile>["model"]): Promise<Float32Array> => {
  const { relevance } = await runModel(explained, feeds);
  if (!relevance) throw new Error("no relevance");
  return relevance.data;
};

describe("an operator of another domain", () => {
  it("stays a call, with its function, domain and opset", () => {
    const compiled = compile(model, { operators });
    expect(compiled.model.graph.nodes.map(({ domain, opType }) => `${domain}/${opType}`)).toContain(
      "my.lab/SwiReLU",
    );
    expect(compiled.model.opsets).toEqual({ "": 17, "my.lab": 1 });
    const again = readModel(concatChunks(writeModel(compiled.model).chunks), { operators });
    expect(again.functions).toEqual(model.functions);
    expect(again.opsets["my.lab"]).toBe(1);
  });

  it("leaves the model's own output as it is", async () => {
    const outputs = await runModel(compile(model, { operators }).model, feeds);
    expect(relativeDistance(outputs["y"]?.data ?? [], y)).toBeLessThan(1e-6);
  });

  it("is passed by LRP-ε", async () => {
    const R = epsilonRule(x, W1, z1, epsilonRule(h, W2, y, seed));
    const found = await relevanceOf(compile(model, { operators, composite: "epsilon" }).model);
    expect(relativeDistance(found, R)).toBeLessThan(1e-5);
  });

  it("has the gradient that its row gives, also for methods", async () => {
    const slopes = z1.map((n) => (n > 0 ? sigmoid(n) * (1 + n * (1 - sigmoid(n))) : 0));
    const gradient = back(
      back([1, 0], W2).map((s, i) => s * at(slopes, i)),
      W1,
    );
    const plain = await relevanceOf(compile(model, { operators, composite: "gradient" }).model);
    expect(relativeDistance(plain, gradient)).toBeLessThan(1e-5);
    const { model: product } = compileMethod(model, { operators, method: "input-x-gradient" });
    const expected = gradient.map((g, i) => g * at(x, i));
    expect(relativeDistance(await relevanceOf(product), expected)).toBeLessThan(1e-5);
    const { model: path } = compileMethod(model, { operators, method: "integrated-gradients", steps: 256 });
    const total = (await relevanceOf(path)).reduce((a, n) => a + n, 0);
    const start = forward(
      (b1 ?? []).map((n) => Math.max(n, 0) * sigmoid(n)),
      W2,
      b2,
    );
    expect(total).toBeCloseTo(at(y, 0) - at(start, 0), 3);
  });

  it("belongs to one compilation only", () => {
    compile(model, { operators });
    expect(() => compile(model)).toThrow(UnexplainableError);
  });

  it("is taken apart where nobody names it", () => {
    const apart = readModel(bytes);
    expect(apart.functions).toBeUndefined();
    expect(apart.graph.nodes.map(({ opType }) => opType)).toContain("Sigmoid");
  });

  it("is shown by inspect", () => {
    const found = inspect(model, { operators, composite: "epsilon" });
    expect(found.canCompile).toBe(true);
    expect(found.nodes.find(({ name }) => name === "activation")).toMatchObject({
      state: "explained",
      rule: "pass",
    });
  });

  it("that is not known is an error which says the key", () => {
    expect(() => compile(model)).toThrow(
      'compile(model, { operators: { "my.lab/SwiReLU": { shape, row } } })',
    );
  });

  it("is refused where relprop has a row, or the key is none", () => {
    const own = Object.values(operators)[0] as OwnOperators[string];
    expect(() => compile(model, { operators: { "ai.onnx/Relu": own } })).toThrow(OptionError);
    expect(() => compile(model, { operators: { SwiReLU: own } })).toThrow("my.lab/SwiReLU");
  });

  it("is refused where its function means something else in opset 17", () => {
    const functions = (model.functions ?? []).map((each) =>
      Object.assign({}, each, { opset: 20, operators: ["Gelu"] }),
    );
    expect(() => convertOpset({ ...model, functions, opsets: { ...model.opsets, "": 20 } })).toThrow(
      'function "SwiReLU"',
    );
  });
});

/** R_in = W²ᵀR */
const squares: LinearRule = (layer, R, m) => layer.pullBack(R, m.square(layer.weights));
const half: PlainRule = (_layer, R, m) => m.scale(0.5, R);

describe("a rule of one's own", () => {
  it("is used where the composite has it, and named in plan and metadata", async () => {
    const compiled = compile(model, {
      operators,
      composite: { extends: "epsilon", rules: { first: squares, activation: half, dense: "epsilon:1e-6" } },
    });
    expect(compiled.plan.map(({ rule }) => rule)).toEqual([
      "function squares",
      "function half",
      "epsilon(epsilon=0.000001)",
    ]);
    expect(compiled.model.metadata["relprop.options"]).toContain('"first":{"rule":"function squares"}');
    const R = back(
      epsilonRule(h, W2, y, seed).map((r) => r / 2),
      W1.map((row) => row.map((w) => w * w)),
    );
    expect(relativeDistance(await relevanceOf(compiled.model), R)).toBeLessThan(1e-5);
  });

  it("may be made of relprop's own, and leaves options to those that take them", async () => {
    const own = { extends: "epsilon", rules: { first: epsilon({ epsilon: 1e-6 }) } } as const;
    const [one, other] = [own, "epsilon"].map((composite) => compile(model, { operators, composite }).model);
    if (!one || !other) throw new Error("two models");
    expect(await relevanceOf(one)).toEqual(await relevanceOf(other));
  });
});
