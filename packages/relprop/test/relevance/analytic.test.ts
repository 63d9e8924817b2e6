/**
 * One dense layer, every rule, against numbers that can be worked out by hand: docs/rules.md §7. What other libraries answer
 * was asked of them, once; the numbers stand here with their versions.
 */

import { describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import { float32Tensor, GraphBuilder, int, type Model } from "../../src/onnx/index.ts";
import * as replica from "../replica/rules.ts";
import { runModel } from "../support/run.ts";

/** W [2, 3], b, and rows of x and R. */
interface Point {
  readonly W: readonly number[];
  readonly b: readonly number[];
  readonly x: readonly number[];
  readonly R: readonly number[];
}

const W = [1, -2, 0.5, -1, 1, 0.5];
const b = [0.5, -1];
/** z = (4.5, −2) */
const reference: Point = { W, b, x: [1, -1, 2], R: [1, 2] };
/** The reference point and a second sample. */
const batch: Point = { W, b, x: [1, -1, 2, 0.5, 1, -0.25], R: [1, 2, -0.5, 1.5] };
/** No input is negative, and no denominator of any peer is near 0. */
const positive: Point = { W: [1, -2, 0.5, -1, 1, 0.75], b: [0.5, -0.25], x: [1, 1, 2], R: [1, 2] };
/** As the reference point, where iNNvestigate's denominators are not 0. */
const signed: Point = { W, b, x: [1, -1, 2.5], R: [1, 2] };

function modelOf(point: Point): Model {
  const builder = new GraphBuilder();
  const x = builder.input("x", "float32", ["N", 3]);
  const weights = builder.constant(float32Tensor(point.W, [2, 3]), "W");
  const bias = builder.constant(float32Tensor(point.b, [2]), "b");
  builder.output(builder.op("Gemm", [x, weights, bias], { transB: int(1) }), "z");
  return {
    irVersion: 8,
    opsets: { "": 17 },
    producer: "test",
    metadata: {},
    graph: builder.graph("one layer"),
  };
}

async function relevance(point: Point, options: CompileOptions): Promise<number[]> {
  const { model } = compile(modelOf(point), { ...options, seed: "one" });
  const samples = point.x.length / 3;
  const results = await runModel(model, {
    x: { data: Float32Array.from(point.x), dims: [samples, 3] },
    target: { data: Float32Array.from(point.R), dims: [samples, 2] },
  });
  return Array.from(results["relevance"]!.data);
}

/** The rule in float64, sample by sample. */
function replicated(point: Point, rule: replica.DenseRule, bias = point.b): number[] {
  return Array.from({ length: point.x.length / 3 }, (_, sample) => {
    const layer: replica.DenseLayer = {
      x: Float64Array.from(point.x.slice(3 * sample, 3 * sample + 3)),
      weights: Float64Array.from(point.W),
      bias: Float64Array.from(bias),
      matrix: (data) => ({ rows: 2, columns: 3, data }),
    };
    return Array.from(rule(layer, Float64Array.from(point.R.slice(2 * sample, 2 * sample + 2))));
  }).flat();
}

/** Within 1e-5 of the largest number, or of 1. */
function expectNear(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  const scale = expected.reduce((largest, n) => Math.max(largest, Math.abs(n)), 1);
  for (const [i, n] of expected.entries()) {
    expect(
      Math.abs((actual[i] as number) - n) / scale,
      `${actual.join(", ")} is not ${expected.join(", ")}`,
    ).toBeLessThanOrEqual(1e-5);
  }
}

const none = [0, 0];
const exact = { epsilon: 0 } as const;

describe("the reference point", () => {
  it.each<[string, CompileOptions, number[], replica.DenseRule, number[]]>([
    ["LRP-0", { composite: "epsilon", ...exact }, [1.22222, 1.44444, -0.77778], replica.epsilon(0), b],
    [
      "LRP-0 without bias",
      { composite: "epsilon", bias: false, ...exact },
      [2.25, 2.5, -1.75],
      replica.epsilon(0),
      none,
    ],
    [
      "ε = 0.25",
      { composite: "epsilon", epsilon: 0.25 },
      [1.09942, 1.30994, -0.67836],
      replica.epsilon(0.25),
      b,
    ],
    ["z⁺", { composite: "zplus", ...exact }, [0.22222, 0.44444, 2.22222], replica.zplus({ e: 0 }), b],
    [
      "α2β1",
      { composite: "alpha-beta", ...exact },
      [-0.22222, 0.22222, 4.44444],
      replica.alphaBeta(2, 1, 1e-12),
      b,
    ],
    [
      "α1β0 without bias",
      { composite: "alpha-beta", alpha: 1, beta: 0, bias: false, ...exact },
      [0.25, 0.5, 2.25],
      replica.alphaBeta(1, 0, 1e-12),
      none,
    ],
    ["γ = 0.25", { composite: "gamma", ...exact }, [1.13131, 1.35354, -0.50505], replica.gamma(0.25, 0), b],
    ["w²", { composite: "wsquare", ...exact }, [0.7972, 1.34266, 0.1993], replica.wsquare(0), b],
    [
      "w² without bias",
      { composite: "wsquare", bias: false, ...exact },
      [1.07937, 1.65079, 0.26984],
      replica.wsquare(0),
      none,
    ],
    ["flat", { composite: "flat", ...exact }, [1, 1, 1], replica.flat(0), b],
    [
      "z-box ±3",
      { composite: "epsilon", rules: [{ pattern: "Gemm", rule: "zbox(low=-3,high=3,epsilon=0)" }] },
      [0.89125, 1.16711, 0.94165],
      replica.zbox(-3, 3, 0),
      b,
    ],
  ])("%s", async (_title, options, expected, rule, bias) => {
    expectNear(replicated(reference, rule, bias), expected);
    expectNear(await relevance(reference, options), expected);
    expectNear(await relevance(batch, options), replicated(batch, rule, bias));
  });

  it.each<[string, CompileOptions, number[]]>([
    [
      "ε = 0.25 without sign",
      { composite: "epsilon", dialect: "lxt", epsilon: 0.25 },
      [1.35338, 1.56391, -0.93233],
    ],
    ["captum's α1β0", { composite: "alpha-beta", dialect: "captum" }, [0.4, 2, -1.6]],
    ["captum's γ", { composite: "gamma", dialect: "captum" }, [1.25, 1.65, -1]],
  ])("%s", async (_title, options, expected) => {
    expectNear(await relevance(reference, options), expected);
  });
});

const rule = (text: string): CompileOptions => ({
  composite: "epsilon",
  rules: [{ pattern: "Gemm", rule: text }],
});

describe("zennit 0.5.1", () => {
  it.each([
    ["epsilon", "clip", [1.222222, 1.444444, -0.777778, 1.422222, -3.288889, 0.244444]],
    ["zplus", "clip", [0.222222, 0.444444, 2.222222, -0.25, 1.5, 0]],
    ["gamma", "clip", [1.131313, 1.353535, -0.505051, 1.060034, -2.209262, 0.180103]],
    ["alpha-beta", "clip", [-0.222222, 0.222222, 4.444444, -0.961538, 3.470588, -0.085973]],
    ["epsilon", "norm", [0.694839, 0.855068, -0.37438, 0.852667, -2.021789, 0.134053]],
    ["zplus", "norm", [0.163137, 0.326275, 0.923651, -0.166667, 1, 0]],
    ["gamma", "norm", [0.703938, 0.866113, -0.271237, 0.651286, -1.404368, 0.10288]],
    ["alpha-beta", "norm", [-0.166256, 0.160019, 1.847303, -0.625072, 2.325648, -0.052582]],
    ["wsquare", "norm", [0.491953, 0.878617, 0.122988, 0.207854, 0.014522, 0.051964]],
    ["flat", "norm", [0.666667, 0.666667, 0.666667, 0.222222, 0.222222, 0.222222]],
    ["zbox", "norm", [0.528912, 0.727739, 0.536874, 0.176794, 0.344079, 0.118277]],
    ["epsilon", "norm-clip", [1.222222, 1.444444, -0.777778, 1.422222, -3.288889, 0.244444]],
    ["zplus", "norm-clip", [0.222222, 0.444444, 1.449366, -0.25, 1.5, 0]],
    ["alpha-beta", "norm-clip", [-0.222222, 0.222222, 2.898732, -0.961538, 3.470588, -0.085973]],
  ])("%s with the stabiliser %s at ε = 0.5", async (name, stabilizer, expected) => {
    const bounds = name === "zbox" ? ",low=-3,high=3" : "";
    expectNear(
      await relevance(batch, rule(`${name}(epsilon=0.5,stabilizer=${stabilizer}${bounds})`)),
      expected,
    );
  });

  it.each([
    ["epsilon", [2.25, 2.5, -1.75, -1.846154, 3.384615, -0.538462]],
    ["gamma", [1.916667, 2.166667, -1.083333, -4.169772, 6.277433, -1.10766]],
    ["zplus", [0.25, 0.5, 2.25, -0.5, 1.5, 0]],
    ["alpha-beta", [-0.5, 0, 4.5, -2.2, 3.470588, -0.270588]],
    ["wsquare", [1.079365, 1.650794, 0.269841, 0.571429, 0.285714, 0.142857]],
  ])("%s without bias", async (name, expected) => {
    expectNear(await relevance(batch, rule(`${name}(bias=0,epsilon=0)`)), expected);
    expectNear(await relevance(batch, { composite: name, bias: false, epsilon: 0 }), expected);
  });
});

describe("captum 0.9.0", () => {
  it.each([
    ["epsilon", {}, [1.222222, 1.444444, -0.777778, 1.422222, -3.288889, 0.244444]],
    ["gamma", {}, [1.25, 1.65, -1, 2.149184, -5.585082, 0.501165]],
    ["gamma", { bias: false }, [2.277778, 2.944444, -2.222222, -1.059076, 2.504834, -0.445757]],
    ["zplus", {}, [0.4, 2, -1.6, -0.285714, -12, 1.571429]],
    ["alpha-beta", {}, [0.4, 2, -1.6, -0.285714, -12, 1.571429]],
  ] as const)("%s %o", async (composite, options, expected) => {
    expectNear(await relevance(batch, { composite, dialect: "captum", ...options }), expected);
  });

  it.each([
    ["gamma", {}, [0.183333, -0.666667, 3.25]],
    ["gamma", { bias: false }, [1.558824, -2.823529, 4.264706]],
    ["zplus", {}, [0.4, 0.888889, 1.733333]],
    ["zplus", { bias: false }, [0.5, 0.8, 1.7]],
  ] as const)("%s %o where no input is negative", async (composite, options, expected) => {
    expectNear(await relevance(positive, { composite, dialect: "captum", ...options }), expected);
  });
});

describe("LXT 2.1", () => {
  it.each([
    [{}, [1.222223, 1.444445, -0.777778, 1.422224, -3.288894, 0.244445]],
    [{ epsilon: 0.25 }, [1.353383, 1.56391, -0.932331, 2.285714, -5.142857, 0.428571]],
  ])("epsilon %o", async (options, expected) => {
    expectNear(await relevance(batch, { composite: "epsilon", dialect: "lxt", ...options }), expected);
  });
});

describe("iNNvestigate 2.1.2", () => {
  const dialect = "innvestigate";
  it.each<[string, CompileOptions, number[], number[]]>([
    ["Epsilon", { composite: "epsilon" }, [1.353383, 1.56391, -1.165413], [0.4, -2.4, 4.4]],
    ["Epsilon 0.25", { composite: "epsilon", epsilon: 0.25 }, [1.2, 1.4, -1], [0, -1.333333, 3.333333]],
    ["WSquare", { composite: "wsquare" }, [1.079365, 1.650794, 0.269841], [0.970964, 1.542392, 0.486643]],
    ["Flat", { composite: "flat" }, [1, 1, 1], [1, 1, 1]],
    [
      "Alpha2Beta1",
      { composite: "alpha-beta" },
      [-0.245614, 0.175439, 20.526316],
      [-0.8, 0.444444, 3.466667],
    ],
    [
      "Alpha2Beta1IgnoreBias",
      { composite: "alpha-beta", bias: false },
      [-0.529412, -0.058824, 4.588235],
      [-1, 0.6, 3.4],
    ],
    [
      "Alpha1Beta0",
      { composite: "alpha-beta", alpha: 1, beta: 0 },
      [0.210526, 0.421053, 10.263158],
      [0.4, 0.888889, 1.733333],
    ],
    ["ZPlus", { composite: "zplus" }, [0.235294, 0.470588, 2.294118], [0.5, 0.8, 1.7]],
    ["ZPlusFast", { composite: "zplus", split: "weights" }, [0.444444, -8, 10.555555], [0.5, 0.8, 1.7]],
    [
      "Bounded ±3",
      { composite: "epsilon", rules: [{ pattern: "#1", rule: "zbox(low=-3,high=3)" }] },
      [0.863779, 1.134966, 1.001256],
      [0.791209, 1.201465, 1.007326],
    ],
  ])("%s", async (_title, options, atSigned, atPositive) => {
    expectNear(await relevance(signed, { ...options, dialect }), atSigned);
    expectNear(await relevance(positive, { ...options, dialect }), atPositive);
  });

  it("puts ε where a denominator is 0", async () => {
    // The second α denominator of the reference point is 1 − 1: 2/1e-7 of the one contribution, 1, goes to x₃.
    const [first, second, third] = await relevance(reference, {
      composite: "alpha-beta",
      alpha: 1,
      beta: 0,
      dialect,
    });
    expectNear([first!, second!, third! / 2e7], [0.222222, 0.444444, 1]);
  });
});
