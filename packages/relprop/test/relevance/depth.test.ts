/** Convolutions by their depth as kinds of layer: `stride>=16`, `depth>=0.75`; and patterns whose rule is not for all that they match. */

import { describe, expect, it } from "vitest";
import { compile, inspect, type CompileOptions } from "../../src/index.ts";
import { float32Tensor, GraphBuilder, int, ints, type Model, type Value } from "../../src/onnx/index.ts";
import { randomNumbers } from "../support/run.ts";

type Dims = readonly (number | string)[];
type Net = (x: Value, tools: Tools) => Value;

interface Tools {
  readonly b: GraphBuilder;
  /** A convolution of so many channels, with a kernel as wide as its stride, and a ReLU behind it. */
  readonly conv: (x: Value, name: string, stride?: number, channels?: number) => Value;
}

function modelOf(dims: Dims, net: Net): Model {
  const b = new GraphBuilder();
  const conv: Tools["conv"] = (x, name, stride = 1, channels = 4) => {
    const inputs = x.shape[1] as number;
    const axes = x.shape.slice(2);
    const kernel = axes.map(() => stride);
    const size = stride ** axes.length * channels * inputs;
    const weights = b.constant(
      float32Tensor(randomNumbers(size, 1), [channels, inputs, ...kernel]),
      `${name}.w`,
    );
    const y = b.op("Conv", [x, weights], { kernel_shape: ints(kernel), strides: ints(kernel) }, name);
    return b.op("Relu", [y], {}, `${name}.relu`);
  };
  const pooled = b.op("GlobalAveragePool", [net(b.input("x", "float32", dims), { b, conv })]);
  b.output(b.op("Flatten", [pooled], { axis: int(1) }), "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("net") };
}

/** Rules of convolutions by name. */
function rulesOf(model: Model, options: CompileOptions): Record<string, string> {
  const { plan } = compile(model, options);
  return Object.fromEntries(
    plan.filter(({ operator }) => operator === "Conv").map(({ node, rule }) => [node, rule]),
  );
}

const byStride: CompileOptions = {
  composite: {
    extends: "epsilon-plus",
    rules: { "stride>=4": "gamma:0.25", "stride>=8": "gamma:0.1", first: "flat" },
  },
};

const halving: Net = (x, { conv }) =>
  ["two", "four", "eight", "sixteen"].reduce((y, name) => conv(y, name, 2), x);

const halved = {
  two: "flat",
  four: "gamma(gamma=0.25)",
  eight: "gamma(gamma=0.1)",
  sixteen: "gamma(gamma=0.1)",
};

const enlarged: Net = (x, { b, conv }) => {
  const roi = b.constant(float32Tensor([], [0]), "roi");
  const scales = b.constant(float32Tensor([1, 1, 4, 4], [4]), "scales");
  return conv(b.op("Resize", [halving(x, { b, conv }), roi, scales]), "up");
};

// 28 → 26 → 13 → 11 → 5 → 3: a stride of 4, though 28 / 3 is more than 8.
const valid28: Net = (x, { b, conv }) => {
  const valid = (y: Value, name: string): Value => {
    const weights = b.constant(float32Tensor(randomNumbers(144, 1), [4, 4, 3, 3]), `${name}.w`);
    return b.op("Conv", [y, weights], { kernel_shape: ints([3, 3]) }, name);
  };
  const pool = (y: Value): Value =>
    b.op("AveragePool", [y], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) });
  return conv(valid(pool(valid(pool(valid(x, "a")), "b")), "c"), "d");
};

const channelsLast: Net = (x, tools) =>
  halving(tools.b.op("Transpose", [x], { perm: ints([0, 3, 1, 2]) }), tools);

const twoWays: Net = (x, { b, conv }) => {
  const long = conv(conv(conv(x, "1"), "2"), "3");
  return conv(b.op("Add", [long, conv(x, "short")]), "4");
};

const refused = (pattern: string) => () =>
  compile(modelOf([1, 3, 64, 64], halving), { rules: [{ pattern, rule: "gamma:0.1" }] });

describe("convolutions by stride", () => {
  it.each<[string, Dims]>([
    ["of known size", [1, 3, 64, 64]],
    ["of open size", ["N", 3, "height", "width"]],
    ["along one axis", ["N", 3, 256]],
    ["of a volume", [1, 3, 32, 32, 32]],
    ["that do not divide the size", [1, 3, 71, 93]],
  ])("%s", (_name, dims) => {
    expect(rulesOf(modelOf(dims, halving), byStride)).toEqual(halved);
  });

  it("the deepest decides, in whatever order they are written", () => {
    const { "stride>=8": deep, "stride>=4": less } = { "stride>=8": "gamma:0.1", "stride>=4": "gamma:0.25" };
    const rules = { "stride>=8": deep, "stride>=4": less, first: "flat" };
    const composite = { extends: "epsilon-plus", rules } as const;
    expect(rulesOf(modelOf([1, 3, 64, 64], halving), { composite })).toEqual(halved);
  });

  it.each<[string, Net]>([
    [
      "pooling",
      (x, { b, conv }) =>
        conv(b.op("MaxPool", [conv(x, "a", 2)], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }), "b"),
    ],
    [
      "blocks of pixels as channels",
      (x, { b, conv }) => conv(b.op("SpaceToDepth", [conv(x, "a", 2)], { blocksize: int(2) }), "b"),
    ],
    [
      "resizing",
      (x, { b, conv }) => {
        const roi = b.constant(float32Tensor([], [0]), "roi");
        const scales = b.constant(float32Tensor([1, 1, 0.5, 0.5], [4]), "scales");
        return conv(b.op("Resize", [conv(x, "a", 2), roi, scales]), "b");
      },
    ],
  ])("counts %s", (_name, net) => {
    expect(rulesOf(modelOf([1, 3, 64, 64], net), byStride)).toMatchObject({
      a: "flat",
      b: "gamma(gamma=0.25)",
    });
  });

  it("an enlarged picture is less deep again", () => {
    const rules = rulesOf(modelOf([1, 3, 64, 64], enlarged), byStride);
    expect(rules).toEqual({ ...halved, up: "gamma(gamma=0.25)" });
  });

  it("does not mistake what the edges of windows cut off for strides", () => {
    const rules = rulesOf(modelOf([1, 4, 28, 28], valid28), byStride);
    expect(rules).toEqual({ a: "flat", b: "zplus", c: "gamma(gamma=0.25)", d: "gamma(gamma=0.25)" });
  });

  it("of a picture with channels at the end", () => {
    expect(rulesOf(modelOf([1, 64, 64, 3], channelsLast), byStride)).toEqual(halved);
  });
});

describe("convolutions by their share of depth", () => {
  it("counts convolutions on the longest way", () => {
    const composite = { extends: "epsilon-plus", rules: { "depth>=0.75": "gamma:0.1" } } as const;
    expect(rulesOf(modelOf([1, 4, 8, 8], twoWays), { composite })).toEqual({
      "1": "zplus",
      "2": "zplus",
      short: "zplus",
      "3": "gamma(gamma=0.1)",
      "4": "gamma(gamma=0.1)",
    });
  });

  it("stands behind strides", () => {
    const rules = { "depth>=0.5": "gamma:0.1", "stride>=8": "epsilon" };
    const composite = { extends: "epsilon-plus", rules } as const;
    expect(rulesOf(modelOf([1, 3, 64, 64], halving), { composite })).toEqual({
      two: "zplus",
      four: "gamma(gamma=0.1)",
      eight: "epsilon",
      sixteen: "epsilon",
    });
  });
});

describe("rules by pattern", () => {
  const model = modelOf([1, 3, 64, 64], halving);

  it("can be depths", () => {
    const rules = [{ pattern: "stride>=16", rule: "epsilon" }];
    expect(rulesOf(model, { rules })).toMatchObject({ eight: "zplus", sixteen: "epsilon" });
  });

  it("skip nodes that they do not fit, and say so", () => {
    const options: CompileOptions = { rules: [{ pattern: "e*", rule: "gamma:0.1" }] };
    const { plan } = compile(model, options);
    expect(plan.find(({ node }) => node === "eight")?.rule).toBe("gamma(gamma=0.1)");
    expect(plan.find(({ node }) => node === "eight.relu")).toMatchObject({
      rule: "pass",
      passedOver: ["e*"],
    });
    const relu = inspect(model, options).nodes.find(({ name }) => name === "eight.relu");
    expect(relu?.why).toBe('epsilon-plus, activation; the rule of "e*" is for other layers');
  });

  it("are refused where they fit none", () => {
    expect(refused("eight.r*")).toThrow(
      'the rule for "eight.r*" is used nowhere: gamma(gamma=0.1) is for other layers than those it matches (Relu)',
    );
    // A name means this node.
    expect(refused("eight.relu")).toThrow('the rule "gamma" is for other layers');
    expect(refused("stride>=32")).toThrow('the rule for "stride>=32" is used nowhere');
  });
});
