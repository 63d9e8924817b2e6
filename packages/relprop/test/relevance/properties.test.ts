/** What must hold whatever the numbers are: docs/rules.md §8. Nets and inputs are drawn at random. */

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { searches } from "../../src/relevance/filter.ts";
import { compositeNames, type CompileOptions, type CompositeName } from "../../src/index.ts";
import {
  float32Tensor,
  GraphBuilder,
  int,
  ints,
  type Attributes,
  type Model,
  type Node,
  type Value,
} from "../../src/onnx/index.ts";
import {
  array,
  classes,
  explain,
  magnitude,
  model,
  net,
  oneHot,
  sampleOf,
  size,
  sum,
} from "../support/random-net.ts";
import { randomNumbers, relativeDistance, runModel, type Array32 } from "../support/run.ts";

const seeds = fc.integer({ min: 1, max: 1e6 });
const few = { numRuns: 6 };
// Always the same nets: a sum that almost cancels in one net of a million is no news.
fc.configureGlobal({ seed: 2021 });

const bounds = { low: -1.5, high: 1.5 };
/** What each composite needs to be run at all. */
const needs = (composite: CompositeName): CompileOptions => ({
  composite,
  ...(composite === "epsilon-gamma-box" ? bounds : {}),
});

describe.each(compositeNames)("%s", (composite) => {
  it("gives a batch what it gives its samples", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const [source, x] = [net({ seed }), array([3, 3, size, size], seed)];
        const target = oneHot([0, 3, 1], classes);
        const whole = await explain(source, needs(composite), x, { target });
        for (const sample of [0, 1, 2]) {
          const feeds = { target: sampleOf(target, sample) };
          const one = await explain(source, needs(composite), sampleOf(x, sample), feeds);
          expect(relativeDistance(sampleOf(whole, sample).data, one.data)).toBeLessThan(2e-5);
        }
      }),
      { numRuns: 2 },
    );
  });

  it("makes nothing out of no relevance", async () => {
    const [source, x] = [net({ seed: 4 }), array([2, 3, size, size], 4)];
    const options: CompileOptions = { ...needs(composite), seed: "one" };
    const target = { data: new Float32Array(2 * classes), dims: [2, classes] };
    const { data } = await explain(source, options, x, { target });
    expect(data.every((n) => n === 0)).toBe(true);
  });
});

describe("conservation", () => {
  /** Layers so wide that every neuron has contributions of both signs: where one is missing its share has nowhere to go. */
  const layers: Record<string, (b: GraphBuilder, seed: number) => Value> = {
    Gemm: (b, seed) => {
      const [W, c] = [randomNumbers(200, seed), randomNumbers(5, seed + 1)];
      const constants = [
        b.constant(float32Tensor(W, [40, 5]), "W"),
        b.constant(float32Tensor(c, [5]), "b"),
      ] as const;
      return b.op("Gemm", [b.input("x", "float32", ["N", 40]), ...constants]);
    },
    Conv: (b, seed) => {
      const [W, c] = [randomNumbers(864, seed), randomNumbers(6, seed + 1)];
      const constants = [
        b.constant(float32Tensor(W, [6, 16, 3, 3]), "W"),
        b.constant(float32Tensor(c, [6]), "b"),
      ] as const;
      const attributes = { pads: ints([1, 1, 1, 1]), strides: ints([2, 2]), group: int(1) };
      return b.op("Conv", [b.input("x", "float32", ["N", 16, 5, 5]), ...constants], attributes);
    },
  };
  const rules = [
    "epsilon(bias=0,epsilon=0)",
    "zplus(bias=0,epsilon=0)",
    "zplus(bias=0,epsilon=0,input=ones)",
    "alpha-beta(bias=0,epsilon=0)",
    "alpha-beta(bias=0,epsilon=0,alpha=3,beta=2)",
    "gamma(bias=0,epsilon=0)",
    "gamma(bias=0,epsilon=0,gamma=4)",
    "gamma(bias=0,epsilon=0,split=weights)",
    "wsquare(bias=0,epsilon=0)",
    "flat(epsilon=0)",
    "zbox(low=-1,high=1,epsilon=0)",
  ];
  const cases = Object.keys(layers).flatMap((layer) => rules.map((rule): [string, string] => [layer, rule]));

  it.each(cases)("%s, %s: ΣR_in = ΣR_out, sample by sample", async (layer, rule) => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const b = new GraphBuilder();
        b.output(layers[layer]!(b, seed), "y");
        const [x, target] =
          layer === "Gemm"
            ? [array([3, 40], seed + 2), array([3, 5], seed + 3)]
            : [array([3, 16, 5, 5], seed + 2), array([3, 6, 3, 3], seed + 3)];
        const options: CompileOptions = {
          composite: "epsilon",
          seed: "one",
          rules: [{ pattern: "#1", rule }],
        };
        const R = await explain(model(b), options, x, { target });
        for (const sample of [0, 1, 2]) {
          const [leaving, arriving] = [sampleOf(R, sample).data, sampleOf(target, sample).data];
          expect(Math.abs(sum(leaving) - sum(arriving))).toBeLessThan(
            1e-5 * (magnitude(leaving) + magnitude(arriving)),
          );
        }
      }),
      few,
    );
  });

  it.each<CompileOptions>([
    { composite: "epsilon" },
    { composite: "gamma" },
    { composite: "epsilon-gamma-box", ...bounds },
  ])(
    "%o without biases, ε = 0: from logit to pixels, through skip connections and pooling",
    async (options) => {
      const rules = ["add", "average"].map((pattern) => ({ pattern, rule: "norm(epsilon=0)" }));
      await fc.assert(
        fc.asyncProperty(seeds, async (seed) => {
          const source = net({ seed, bias: false });
          const [x, target] = [array([2, 3, size, size], seed), array([2, classes], seed + 2)];
          const { y } = await runModel(source, { x });
          const R = await explain(source, { ...options, epsilon: 0, rules }, x, { target });
          for (const sample of [0, 1]) {
            const [leaving, logits] = [sampleOf(R, sample).data, sampleOf(y!, sample).data];
            const arriving = logits.map((n, i) => n * (target.data[sample * classes + i] as number));
            expect(Math.abs(sum(leaving) - sum(arriving))).toBeLessThan(
              1e-4 * (magnitude(leaving) + magnitude(arriving)),
            );
          }
        }),
        few,
      );
    },
  );
});

describe("equalities", () => {
  it("ε = 0 without biases is input × gradient", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const [source, x] = [net({ seed, bias: false }), array([2, 3, size, size], seed)];
        const target = oneHot([1, 4], classes);
        const rules = ["add", "average"].map((pattern) => ({ pattern, rule: "norm(epsilon=0)" }));
        const lrp = await explain(source, { composite: "epsilon", epsilon: 0, rules }, x, { target });
        const gradient = await explain(source, { composite: "gradient" }, x, { target });
        const expected = gradient.data.map((n, i) => n * (x.data[i] as number));
        expect(relativeDistance(lrp.data, expected)).toBeLessThan(1e-4);
      }),
      few,
    );
  });

  it.each(["fischer", "epsilon-plus", "epsilon-gamma-box", "gamma", "gradient"] as const)(
    "%s: a batch-norm is worth the convolution that it was folded into by hand",
    async (composite) => {
      await fc.assert(
        fc.asyncProperty(seeds, async (seed) => {
          const x = array([2, 3, size, size], seed);
          const feeds = { target: oneHot([2, 0], classes) };
          const folded = await explain(net({ seed, batchNorm: "operator" }), needs(composite), x, feeds);
          const byHand = await explain(net({ seed, batchNorm: "by hand" }), needs(composite), x, feeds);
          expect(relativeDistance(folded.data, byHand.data)).toBeLessThan(1e-4);
        }),
        { numRuns: 3 },
      );
    },
  );

  it("a final softmax is looked through", async () => {
    const x = array([2, 3, size, size], 8);
    for (const composite of ["fischer", "epsilon-plus", "gradient"] as const) {
      const feeds = { target: oneHot([1, 2], classes) };
      const plain = await explain(net({ seed: 8 }), { composite }, x, feeds);
      const normalized = await explain(net({ seed: 8, softmax: true }), { composite }, x, feeds);
      expect(normalized).toEqual(plain);
    }
  });

  it("the target top1 is the highest class", async () => {
    const [source, x] = [net({ seed: 21 }), array([4, 3, size, size], 22)];
    const { y } = await runModel(source, { x });
    const best = Array.from({ length: 4 }, (_, sample) => {
      const logits = sampleOf(y!, sample).data;
      return logits.indexOf(Math.max(...logits));
    });
    const options: CompileOptions = { composite: "epsilon-plus-flat" };
    const top = await explain(source, { ...options, target: "top1" }, x);
    expect(top).toEqual(await explain(source, options, x, { target: oneHot(best, classes) }));
  });

  it("the order of nodes does not matter", async () => {
    const source = net({ seed: 31 });
    const x = array([2, 3, size, size], 31);
    const target = oneHot([0, 4], classes);
    const plain = await explain(source, { composite: "epsilon-plus-flat" }, x, { target });
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const nodes = shuffled(withBranch(source).graph.nodes, seed);
        const graph = { ...source.graph, nodes };
        const R = await explain({ ...source, graph }, { composite: "epsilon-plus-flat" }, x, { target });
        expect(relativeDistance(R.data, plain.data)).toBeLessThan(2e-6);
      }),
      few,
    );
  });

  it("relevance summed over channels is the sum", async () => {
    const [source, x] = [net({ seed: 41 }), array([2, 3, size, size], 42)];
    const feeds = { target: oneHot([3, 3], classes) };
    const whole = await explain(source, { composite: "epsilon-plus" }, x, feeds);
    const summed = await explain(source, { composite: "epsilon-plus", reduce: "channels" }, x, feeds);
    expect(summed.dims).toEqual([2, size, size]);
    const pixels = size * size;
    const expected = Float32Array.from({ length: 2 * pixels }, (_, i) => {
      const [sample, pixel] = [Math.floor(i / pixels), i % pixels];
      return [0, 1, 2].reduce(
        (total, c) => total + (whole.data[(sample * 3 + c) * pixels + pixel] as number),
        0,
      );
    });
    expect(relativeDistance(summed.data, expected)).toBeLessThan(1e-5);
  });
});

const node = (name: string, input: string): Node => ({
  name,
  opType: "Relu",
  domain: "",
  inputs: [input],
  outputs: [name],
  attributes: {},
});

/** The same net with a side branch that nothing needs: nodes with more freedom of order. */
function withBranch(source: Model): Model {
  const nodes = [
    ...source.graph.nodes,
    node("aside", "conv1"),
    node("aside2", "aside"),
    node("aside3", "conv2"),
  ];
  return { ...source, graph: { ...source.graph, nodes } };
}

/** A random topological order. */
function shuffled(nodes: readonly Node[], seed: number): Node[] {
  const draws = Array.from(randomNumbers(nodes.length, seed), (n) => (n + 1) / 2);
  const made = new Set(nodes.flatMap(({ outputs }) => outputs));
  const waiting = [...nodes];
  return draws.map((draw) => {
    const ready = waiting.filter(({ inputs }) => !inputs.some((name) => made.has(name)));
    const node = ready[Math.floor(draw * ready.length)] as Node;
    waiting.splice(waiting.indexOf(node), 1);
    for (const name of node.outputs) made.delete(name);
    return node;
  });
}

/** One square layer whose relevance passes: what comes out is what the filter let through. */
function square(n: number): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", n]);
  b.output(b.op("Gemm", [x, b.constant(float32Tensor(randomNumbers(n * n, 2), [n, n]), "W")]), "y");
  return model(b);
}

/** −0 is 0, too. */
const unsigned = (number: number): number => number + 0;

describe("the relevance filter", () => {
  const passing: CompileOptions = {
    composite: "epsilon",
    seed: "one",
    rules: [{ pattern: "Gemm", rule: "pass" }],
  };
  const widths = fc.integer({ min: 1, max: 60 });
  const fractions = fc.integer({ min: 1, max: 99 }).map((percent) => percent / 100);

  it.each(searches)(
    "keeps exactly the k = max(1, ⌊p·n⌋) largest values of each sample, by %s",
    async (filterBy) => {
      await fc.assert(
        fc.asyncProperty(widths, fractions, seeds, async (n, p, seed) => {
          const target = array([3, n], seed);
          const k = Math.max(1, Math.floor((Math.round(p * 100) * n) / 100));
          const feeds = { target, keep: { data: Float32Array.of(p), dims: [] } };
          const x = array([3, n], 1);
          const compiled = await explain(square(n), { ...passing, filterBy, topK: p }, x, feeds);
          const given = await explain(square(n), { ...passing, filterBy, topK: "input" }, x, feeds);
          expect(Array.from(given.data, unsigned)).toEqual(Array.from(compiled.data, unsigned));
          for (const sample of [0, 1, 2]) {
            const R = sampleOf(target, sample).data;
            const bound = R.toSorted((a, c) => c - a)[k - 1] as number;
            expect(Array.from(sampleOf(compiled, sample).data, unsigned)).toEqual(
              Array.from(R, (r) => (r >= bound ? r : 0)),
            );
          }
        }),
        { numRuns: 25 },
      );
    },
  );

  it("finds by bisection what is large among numbers of every size", async () => {
    const n = 40;
    const wide = Float32Array.from(
      { length: n },
      (_, i) => (i % 3 ? 1 : -1) * 1.1 ** i * 10 ** (i % 2 ? 30 : -30),
    );
    const mostlyZero = Float32Array.from({ length: n }, (_, i) => (i < 4 ? 1 + i * 2 ** -23 : 0));
    const negative = Float32Array.from({ length: n }, (_, i) => -1 - i);
    const target = { data: Float32Array.from([...wide, ...mostlyZero, ...negative]), dims: [3, n] };
    for (const topK of [0.03, 0.1, 0.5, 0.95]) {
      const [sorted, bisected] = await Promise.all(
        searches.map((filterBy) =>
          explain(square(n), { ...passing, topK, filterBy }, array([3, n], 1), { target }),
        ),
      );
      expect(Array.from(bisected!.data, unsigned)).toEqual(Array.from(sorted!.data, unsigned));
    }
  });

  it.each([0, 1])("keeps everything at p = %d", async (p) => {
    const [x, target] = [array([2, 9], 1), array([2, 9], 3)];
    const keep = { data: Float32Array.of(p), dims: [] };
    expect((await explain(square(9), { ...passing, topK: p }, x, { target })).data).toEqual(target.data);
    expect((await explain(square(9), { ...passing, topK: "input" }, x, { target, keep })).data).toEqual(
      target.data,
    );
  });

  it("acts on a whole net alike, compiled or given", async () => {
    const [source, x] = [net({ seed: 51 }), array([2, 3, size, size], 52)];
    const options: CompileOptions = { composite: "fischer" };
    const plain = await explain(source, options, x);
    for (const p of [0.05, 0.3, 1]) {
      const keep = { data: Float32Array.of(p), dims: [] };
      const compiled = await explain(source, { ...options, topK: p }, x);
      const given = await explain(source, { ...options, topK: "input" }, x, { keep });
      expect(relativeDistance(given.data, compiled.data)).toBeLessThan(1e-6);
      if (p === 1) expect(compiled).toEqual(plain);
      else expect(sum(compiled.data)).toBeLessThan(sum(plain.data));
    }
  });
});

function single(opType: string, channels: number, attributes: Attributes): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", channels, 12, 12]);
  const W = float32Tensor(randomNumbers(16 * channels, 6), [channels, 1, 4, 4]);
  const weights = opType === "Conv" ? [b.constant(W, "W")] : [];
  b.output(b.like({ opType, attributes }, [b.op("Relu", [x]), ...weights]), "y");
  return model(b);
}

describe("strides as averages", () => {
  const x = array([1, 1, 12, 12], 61);

  it("a max pool is an average pool", async () => {
    const attributes = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
    const target = array([1, 1, 6, 6], 62);
    const options: CompileOptions = { composite: "zplus", seed: "one" };
    const ours = await explain(single("MaxPool", 1, attributes), { ...options, strides: "average" }, x, {
      target,
    });
    const average = await explain(single("AveragePool", 1, attributes), options, x, { target });
    expect(relativeDistance(ours.data, average.data)).toBeLessThan(1e-6);
  });

  it("leave no grid: what arrives evenly goes on evenly", async () => {
    const attributes = { kernel_shape: ints([4, 4]), strides: ints([3, 3]), group: int(1) };
    const target = { data: new Float32Array(9).fill(1), dims: [1, 1, 3, 3] };
    const options: CompileOptions = { composite: "flat", seed: "one" };
    const inner = async (strides: "exact" | "average"): Promise<number[]> => {
      const { data } = await explain(single("Conv", 1, attributes), { ...options, strides }, x, { target });
      return [5, 6, 7].flatMap((row) => [5, 6, 7].map((column) => data[row * 12 + column] as number));
    };
    const [averaged, exact] = [await inner("average"), await inner("exact")];
    for (const n of averaged) expect(n).toBeCloseTo(averaged[0]!, 6);
    expect(Math.max(...exact) / Math.min(...exact)).toBeGreaterThan(1.5);
  });

  it.each([1, 2, 3, 4])(
    "interpolated, a max pool is bilinear enlargement back: stride %i",
    async (stride) => {
      const attributes = { kernel_shape: ints([4, 4]), strides: ints([stride, stride]) };
      const ones = { data: new Float32Array(144).fill(1), dims: [1, 1, 12, 12] };
      const count = Math.floor(8 / stride) + 1;
      const target = array([1, 1, count, count], 64);
      const options: CompileOptions = { composite: "zplus", seed: "one", strides: "interpolate" };
      const { data } = await explain(single("MaxPool", 1, attributes), options, ones, { target });
      // Linear interpolation between the centres of windows, which are cut off at the border.
      const first = Math.floor((4 - stride) / 2) + (stride - 1) / 2;
      const weight = (at: number, window: number): number =>
        Math.max(0, stride - Math.abs(at - first - window * stride));
      const whole = (window: number): number =>
        Array.from({ length: 12 }, (_, at) => weight(at, window)).reduce((a, n) => a + n, 0);
      const share = (at: number, window: number): number => weight(at, window) / whole(window);
      const expected = Array.from({ length: 144 }, (_, i) => {
        const [row, column] = [Math.floor(i / 12), i % 12];
        return Array.from(target.data, (R, j) => {
          return R * share(row, Math.floor(j / count)) * share(column, j % count);
        }).reduce((a, n) => a + n, 0);
      });
      expect(relativeDistance(data, expected)).toBeLessThan(1e-5);
    },
  );

  it("change nothing where strides are 1", async () => {
    const attributes = { kernel_shape: ints([4, 4]), pads: ints([1, 1, 2, 2]) };
    const target = array([1, 1, 12, 12], 63);
    for (const composite of ["epsilon-plus", "gamma"] as const) {
      const run = (strides: "exact" | "average"): Promise<Array32> =>
        explain(single("Conv", 1, attributes), { composite, seed: "one", strides }, x, { target });
      expect(await run("average")).toEqual(await run("exact"));
    }
  });
});
