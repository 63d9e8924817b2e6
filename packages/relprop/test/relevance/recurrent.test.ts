/** What must hold for recurrent layers beyond their numbers, which test/replica has. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, readLedger, type CompileOptions, type Compiled } from "../../src/index.ts";
import { compileMethod } from "../../src/methods/index.ts";
import {
  concatChunks,
  float32Tensor,
  GraphBuilder,
  int,
  readModel,
  string,
  writeModel,
  type Attributes,
  type Model,
  type Tensor,
  type Value,
} from "../../src/onnx/index.ts";
import { floatTensor, smallIntegers } from "../../src/onnx/tensor.ts";
import { lstmAll, type RecurrentRule } from "../../src/rules/index.ts";
import { explainLayer } from "../replica/cells.ts";
import { randomNumbers, relativeDistance } from "../support/run.ts";

const [features, hidden, classes] = [3, 4, 2];

interface Net {
  readonly op?: "LSTM" | "GRU" | "RNN";
  readonly attributes?: Attributes;
  readonly directions?: number;
  readonly hasLengths?: boolean;
  readonly shape?: readonly (number | string)[];
}

const gatesOf = { LSTM: 4, GRU: 3, RNN: 1 } as const;
const numbers = (dims: readonly number[], seed: number): Float32Array =>
  randomNumbers(
    dims.reduce((a, n) => a * n, 1),
    seed,
  ).map((n) => n * 0.8);

/** x [T, N, features] -> layer -> last output -> dense -> classes. */
function netOf({
  op = "LSTM",
  attributes = {},
  directions = 1,
  hasLengths,
  shape = ["T", "N", features],
}: Net = {}): Model {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", shape);
  const constant = (dims: readonly number[], seed: number): Value =>
    b.constant(float32Tensor(numbers(dims, seed), dims), `w${seed}`);
  const rows = gatesOf[op] * hidden;
  const lengths = hasLengths ? b.input("lengths", "int32", ["N"]) : undefined;
  const [, last] = b.add({
    name: "layer",
    opType: op,
    domain: "",
    inputs: [
      x.name,
      constant([directions, rows, features], 1).name,
      constant([directions, rows, hidden], 2).name,
      constant([directions, 2 * rows], 3).name,
      ...(lengths ? [lengths.name] : []),
    ],
    outputs: ["Y", "Y_h"],
    attributes: {
      hidden_size: int(hidden),
      ...(directions === 2 && { direction: string("bidirectional") }),
      ...attributes,
    },
  }) as [Value, Value];
  const isBatchFirst = attributes["layout"] !== undefined;
  const turned = isBatchFirst
    ? last
    : b.op("Transpose", [last], { perm: { type: "ints", value: [1, 0, 2] } });
  const flat = b.op("Reshape", [turned, b.integers([0, directions * hidden])]);
  b.output(b.op("Gemm", [flat, constant([directions * hidden, classes], 4)]), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

type Feeds = Readonly<Record<string, ort.Tensor>>;

async function run(model: Model, feeds: Feeds) {
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 3,
  });
  const result = await session.run(feeds);
  await session.release();
  return Object.fromEntries(
    Object.entries(result).map(([name, { data, dims }]) => [name, { data: data as Float32Array, dims }]),
  );
}

const tensor = (data: ArrayLike<number>, dims: readonly number[]): ort.Tensor =>
  new ort.Tensor("float32", Float32Array.from(data), dims);

const relevanceOf = async ({ model }: Pick<Compiled, "model">, feeds: Feeds): Promise<Float32Array> =>
  (await run(model, feeds))["relevance"]?.data as Float32Array;

/** Sample n of [T, N, features]. */
const sampleOf = (data: Float32Array, samples: number, n: number): Float32Array =>
  data.filter((_, i) => Math.floor(i / features) % samples === n);

/** [T, N, features] with the steps in the opposite order. */
const backwards = (data: Float32Array, steps: number): Float32Array => {
  const size = data.length / steps;
  return data.map((_, i) => data[(steps - 1 - Math.floor(i / size)) * size + (i % size)] as number);
};

const lengthTensor = (list: readonly number[]): ort.Tensor =>
  new ort.Tensor("int32", Int32Array.from(list), [list.length]);

const halved = (t: Tensor): Tensor =>
  t.dataType === "float32" ? floatTensor("float16", numbersIn(t), t.dims) : t;

/** lstm-half. */
const shareAlike: RecurrentRule = (m) => ({ ...lstmAll()(m), product: () => [0.5, 0.5] });

const countOf = (model: Model): number =>
  compile(model, { composite: "epsilon", target: 1 }).model.graph.nodes.length;

const [steps, samples] = [6, 3];
const x = randomNumbers(steps * samples * features, 5);
const composites: readonly CompileOptions[] = [
  { composite: "epsilon" },
  { composite: "epsilon", rules: [{ pattern: "layer", rule: "lstm-prop" }] },
  { composite: "epsilon", stabilizer: "norm", epsilon: 0.1 },
  { composite: "epsilon", stabilizer: "clip", epsilon: 0.05 },
  { composite: "fischer", topK: 0.4 },
  { composite: "gradient" },
];

describe.each(["LSTM", "GRU", "RNN"] as const)("%s", (op) => {
  it.each(composites)("a batch gives what its samples give alone: %j", async (options) => {
    const compiled = compile(netOf({ op, directions: 2 }), { target: 1, seed: "logit", ...options });
    const all = await relevanceOf(compiled, { x: tensor(x, [steps, samples, features]) });
    for (let n = 0; n < samples; n++) {
      const alone = await relevanceOf(compiled, {
        x: tensor(sampleOf(x, samples, n), [steps, 1, features]),
      });
      expect(relativeDistance(sampleOf(all, samples, n), alone)).toBeLessThan(1e-5);
    }
  });

  it.each(composites.filter(({ topK }) => topK === undefined))(
    "padding gets nothing and changes nothing: %j",
    async (options) => {
      const compiled = compile(netOf({ op, directions: 2, hasLengths: true }), {
        input: "x",
        target: 1,
        ...options,
      });
      const lengths = [4, 6, 2];
      // What stands in padding is not read, not even numbers that are none.
      const padded = x.map((value, i) => {
        const [t, n] = [Math.floor(i / (samples * features)), Math.floor(i / features) % samples];
        return t < (lengths[n] as number) ? value : NaN;
      });
      const all = await relevanceOf(compiled, {
        x: tensor(padded, [steps, samples, features]),
        lengths: lengthTensor(lengths),
      });
      for (const [n, length] of lengths.entries()) {
        const found = sampleOf(all, samples, n);
        const own = sampleOf(x, samples, n).slice(0, length * features);
        const alone = await relevanceOf(compiled, {
          x: tensor(own, [length, 1, features]),
          lengths: lengthTensor([length]),
        });
        expect(relativeDistance(found.slice(0, length * features), alone)).toBeLessThan(1e-5);
        expect(found.slice(length * features).every((R) => R === 0)).toBe(true);
      }
    },
  );

  it("backwards through a reverse layer is forwards through a forward one", async () => {
    const options: CompileOptions = { composite: "epsilon", target: 0 };
    const forward = await relevanceOf(compile(netOf({ op }), options), {
      x: tensor(x, [steps, samples, features]),
    });
    const reverse = await relevanceOf(
      compile(netOf({ op, attributes: { direction: string("reverse") } }), options),
      { x: tensor(backwards(x, steps), [steps, samples, features]) },
    );
    expect(relativeDistance(backwards(reverse, steps), forward)).toBeLessThan(1e-6);
  });

  it("integrated gradients add up to what the output changes", async () => {
    const net = netOf({ op, attributes: { layout: int(1) }, shape: ["N", "T", features] });
    const compiled = compileMethod(net, { method: "integrated-gradients", target: 1 });
    const feeds = { x: tensor(x, [samples, steps, features]) };
    const { relevance, output } = await run(compiled.model, feeds);
    const plain = compile(net, { composite: "epsilon", target: 1 });
    const zero = await run(plain.model, {
      x: tensor(
        x.map(() => 0),
        [samples, steps, features],
      ),
    });
    const given = await run(plain.model, feeds);
    expect(output?.data).toEqual(given["output"]?.data);
    for (let n = 0; n < samples; n++) {
      const size = steps * features;
      const own = relevance?.data.slice(n * size, (n + 1) * size) ?? new Float32Array(0);
      const sum = own.reduce((a, R) => a + R, 0);
      const at = (result: typeof given): number => result["output"]?.data[n * classes + 1] as number;
      expect(Math.abs(sum - (at(given) - at(zero)))).toBeLessThan(1e-3);
    }
  });
});

describe("the same network, unrolled", () => {
  it("of cells with one product each has the same relevance", async () => {
    const net = netOf({ shape: [steps, 1, features] });
    const options: CompileOptions = { composite: "epsilon", target: 1 };
    const own = sampleOf(x, samples, 0);
    const found = await relevanceOf(compile(net, options), { x: tensor(own, [steps, 1, features]) });
    const right = await relevanceOf(compile(unrolled(), options), { x: tensor(own, [steps, 1, features]) });
    expect(relativeDistance(found, right)).toBeLessThan(1e-6);
  });
});

/** The LSTM of {@link netOf} as plain operators: z = W[x, h] + b. */
function unrolled(): Model {
  const b = new GraphBuilder();
  const input = b.input("x", "float32", [steps, 1, features]);
  const rows = 4 * hidden;
  const [W, R, B] = [numbers([rows, features], 1), numbers([rows, hidden], 2), numbers([2 * rows], 3)];
  const width = features + hidden;
  const both = Float32Array.from({ length: rows * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return (column < features ? W[row * features + column] : R[row * hidden + column - features]) as number;
  });
  const weights = b.constant(float32Tensor(both, [rows, width]), "weights");
  const bias = b.constant(
    float32Tensor(
      B.slice(0, rows).map((n, i) => n + (B[rows + i] as number)),
      [rows],
    ),
    "bias",
  );
  const zeros = b.constant(float32Tensor(new Float32Array(hidden), [1, hidden]), "zeros");
  let [h, c] = [zeros, zeros];
  for (let t = 0; t < steps; t++) {
    const now = b.op("Gather", [input, b.integer(t)], { axis: int(0) });
    const seen = b.op("Concat", [now, h], { axis: int(1) });
    const z = b.op("Gemm", [seen, weights, bias], { transB: int(1) });
    const [i, o, f, g] = b.ops("Split", [z], { axis: int(1) }, 4);
    const gated = (signal: Value, gate: Value): Value => b.op("Mul", [b.op("Sigmoid", [gate]), signal]);
    c = b.op("Add", [gated(c, f), gated(b.op("Tanh", [g]), i)]);
    h = gated(b.op("Tanh", [c]), o);
  }
  const dims = [hidden, classes];
  b.output(b.op("Gemm", [h, b.constant(float32Tensor(numbers(dims, 4), dims), "w4")]), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

describe("integers", () => {
  it.each([
    ["one scale a direction", 2],
    ["a scale for each gate", 2 * 4 * hidden],
  ])(
    "DynamicQuantizeLSTM keeps its outputs, and has the relevance of the LSTM it stands for: %s",
    async (_title, count) => {
      const float = netOf({ directions: 2 });
      const zeros = Array.from({ length: count }, (_, i) => (count === 2 ? 3 - 5 * i : 0));
      const scales = Array.from({ length: count }, (_, i) => 0.006 + 0.0001 * i);
      const initializers = new Map(float.graph.initializers);
      const quantized = (name: string, columns: number): string[] => {
        const from = numbersIn(initializers.get(name) as Tensor);
        const rows = 4 * hidden;
        const q: number[] = [];
        const back = Float32Array.from(from);
        for (let d = 0; d < 2; d++)
          for (let k = 0; k < columns; k++)
            for (let row = 0; row < rows; row++) {
              const at = count === 2 ? d : d * rows + row;
              const source = (d * rows + row) * columns + k;
              const number =
                Math.round((from[source] as number) / (scales[at] as number)) + (zeros[at] as number);
              const stored = Math.max(-128, Math.min(127, number));
              q.push(stored);
              back[source] = (stored - (zeros[at] as number)) * (scales[at] as number);
            }
        const dims = count === 2 ? [2] : [2, 4 * hidden];
        initializers.set(name, float32Tensor(back, [2, rows, columns]));
        initializers.set(`${name}_q`, smallIntegers("int8", q, [2, columns, rows]) as Tensor);
        initializers.set(`${name}_scale`, float32Tensor(scales, dims));
        initializers.set(`${name}_zero`, smallIntegers("int8", zeros, dims) as Tensor);
        return [`${name}_q`, `${name}_scale`, `${name}_zero`];
      };
      const [w, ws, wz] = quantized("w1", features) as [string, string, string];
      const [r, rs, rz] = quantized("w2", hidden) as [string, string, string];
      const stands: Model = { ...float, graph: { ...float.graph, initializers } };
      const model: Model = {
        ...stands,
        opsets: { "": 17, "com.microsoft": 1 },
        graph: {
          ...stands.graph,
          nodes: stands.graph.nodes.map((node) =>
            node.opType === "LSTM"
              ? {
                  ...node,
                  opType: "DynamicQuantizeLSTM",
                  domain: "com.microsoft",
                  // Without the outputs of steps, which relevance is computed from.
                  outputs: ["", "Y_h"],
                  inputs: [node.inputs[0] as string, w, r, "w3", "", "", "", "", ws, wz, rs, rz],
                }
              : node,
          ),
        },
      };
      const feeds = { x: tensor(x, [steps, samples, features]) };
      const target = tensor([0, 1, 0, 1, 0, 1], [samples, classes]);
      const plain = await run(model, feeds);
      const options: CompileOptions = { composite: "epsilon", epsilon: 0.01, ledger: true };
      const compiled = compile(model, options);
      const found = await run(compiled.model, { ...feeds, target });
      expect(found["output"]?.data).toEqual(plain["output"]?.data);
      const right = await run(compile(stands, options).model, { ...feeds, target });
      // The integer kernel rounds its inputs as well, to 8 bits.
      expect(
        relativeDistance(found["relevance"]?.data as Float32Array, right["relevance"]?.data as Float32Array),
      ).toBeLessThan(0.05);
    },
  );
});

function numbersIn({ bytes }: Pick<Tensor, "bytes">): Float32Array {
  const copy = bytes.slice();
  return new Float32Array(copy.buffer, 0, copy.length / 4);
}

it("float16 is explained as float32", async () => {
  const float = netOf();
  const model: Model = {
    ...float,
    graph: {
      ...float.graph,
      inputs: float.graph.inputs.map((input) => ({ ...input, dataType: "float16" })),
      outputs: float.graph.outputs.map((output) => ({ ...output, dataType: "float16" })),
      initializers: new Map([...float.graph.initializers].map(([name, t]) => [name, halved(t)])),
    },
  };
  const { model: compiled } = compile(model, { composite: "epsilon", epsilon: 0.01, target: 1 });
  const bits = new Uint16Array(floatTensor("float16", x, [x.length]).bytes.slice().buffer);
  const found = await run(compiled, { x: new ort.Tensor("float16", bits, [steps, samples, features]) });
  const right = await relevanceOf(compile(float, { composite: "epsilon", epsilon: 0.01, target: 1 }), {
    x: tensor(x, [steps, samples, features]),
  });
  expect(relativeDistance(found["relevance"]?.data as Float32Array, right)).toBeLessThan(1e-2);
});

it("hidden units are concepts, whose maps add up", async () => {
  const net = netOf();
  const feeds = { x: tensor(x, [steps, samples, features]) };
  const whole = await relevanceOf(compile(net, { composite: "epsilon", target: 1 }), feeds);
  const compiled = compile(net, { composite: "epsilon", target: 1, concepts: { layer: "Y_h" } });
  expect(compiled.concepts?.axis).toBe(2);
  const sum = new Float32Array(whole.length);
  for (let unit = 0; unit < hidden; unit++) {
    const channels = Array.from({ length: samples * hidden }, (_, i) => (i % hidden === unit ? 1 : 0));
    const map = await relevanceOf(compiled, { ...feeds, channels: tensor(channels, [samples, hidden]) });
    for (const [i, R] of map.entries()) sum[i] = (sum[i] as number) + R;
  }
  expect(relativeDistance(sum, whole)).toBeLessThan(1e-5);
});

describe("what exporters write around layers", () => {
  it("lengths that are all of the sequence mask nothing", () => {
    const whole = netOf({ shape: [steps, 2, features] });
    const initializers = new Map(whole.graph.initializers);
    const bytes = new Uint8Array(Int32Array.of(steps, steps).buffer);
    initializers.set("lengths", { dataType: "int32", dims: [2], bytes });
    const nodes = whole.graph.nodes.map((node) =>
      node.name === "layer" ? { ...node, inputs: [...node.inputs, "lengths"] } : node,
    );
    const told: Model = { ...whole, graph: { ...whole.graph, initializers, nodes } };
    expect(countOf(told)).toBe(countOf(whole));
  });

  it("an encoder's last state, handed to a decoder that reads another input", async () => {
    const b = new GraphBuilder();
    const own = b.input("x", "float32", [steps, "N", features]);
    const beside = b.input("beside", "float32", [2, "N", features]);
    const layer = (input: Value, seed: number, states: readonly Value[]): readonly Value[] => {
      const dims = [
        [1, 4 * hidden, features],
        [1, 4 * hidden, hidden],
        [1, 8 * hidden],
      ];
      const weights = dims.map((each, i) =>
        b.constant(float32Tensor(numbers(each, seed + i), each), `w${seed + i}`),
      );
      const inputs = [input, ...weights].map(({ name }) => name);
      const given = states.length > 0 ? ["", ...states.map(({ name }) => name)] : [];
      const outputs = ["Y", "h", "c"].map((name) => `${name}${seed}`);
      const attributes = { hidden_size: int(hidden) };
      return b.add({
        name: `layer${seed}`,
        opType: "LSTM",
        domain: "",
        inputs: [...inputs, ...given],
        outputs,
        attributes,
      });
    };
    const [, h, c] = layer(own, 1, []) as [Value, Value, Value];
    const [, last] = layer(beside, 11, [h, c]) as [Value, Value];
    b.output(b.op("Squeeze", [last, b.integers([0])]), "output");
    const model = { ...netOf(), graph: b.graph("seq2seq") };
    const feeds = {
      x: tensor(x, [steps, samples, features]),
      beside: tensor(x.slice(0, 2 * samples * features), [2, samples, features]),
    };
    for (const explain of [[], ["beside"]]) {
      const options: CompileOptions = { composite: "epsilon", input: "x", explain, target: 1, ledger: true };
      const compiled = compile(model, options);
      const { ledger } = await run(compiled.model, feeds);
      const found = readLedger(compiled.ledger as NonNullable<Compiled["ledger"]>, {
        data: ledger?.data as Float32Array,
        dims: ledger?.dims as readonly number[],
      });
      expect(found).toHaveLength(samples);
      for (const { start, reached, stayed } of found) {
        const kept = Object.values(stayed).reduce((sum, part) => sum + part, 0);
        expect(Math.abs(start - reached - kept)).toBeLessThan(1e-6);
        expect(Math.abs(stayed.rest)).toBeLessThan(1e-6);
        // An input that is not explained takes its share all the same.
        expect(Math.abs(stayed.others) > 1e-4).toBe(explain.length === 0);
      }
    }
  });
});

it("a rule can be a function", async () => {
  const feeds = { x: tensor(x, [steps, samples, features]) };
  const own = compile(netOf(), {
    composite: { extends: "epsilon", rules: { recurrent: shareAlike } },
    target: 1,
  });
  const named = compile(netOf(), {
    composite: "epsilon",
    rules: [{ pattern: "LSTM", rule: "lstm-half" }],
    target: 1,
  });
  expect(await relevanceOf(own, feeds)).toEqual(await relevanceOf(named, feeds));
});

it("layers behind a recurrent one are not first", () => {
  const { plan } = compile(netOf(), { composite: "epsilon-plus-flat", target: 1 });
  expect(plan.map(({ rule }) => rule)).toEqual(["lstm-all", "gradient", "gradient", "epsilon"]);
});

describe("refuses", () => {
  it("an activation that it does not know, by name", () => {
    const attributes: Attributes = { activations: { type: "strings", value: ["Sigmoid", "Swish", "Tanh"] } };
    expect(() => compile(netOf({ attributes }))).toThrow(
      'relevance has no rule for its activation "Swish" yet',
    );
  });

  it.each(["Affine", "ScaledTanh", "ThresholdedRelu"])("%s without its parameters", (name) => {
    const attributes: Attributes = { activations: { type: "strings", value: ["Sigmoid", name, "Tanh"] } };
    expect(() => compile(netOf({ attributes }))).toThrow(`its activation "${name}" has no parameters`);
  });

  it("weights that come from the input, and states of another size than the units", () => {
    const b = new GraphBuilder();
    const input = b.input("x", "float32", [steps, 1, features]);
    const constant = (dims: readonly number[]): Value =>
      b.constant(float32Tensor(numbers(dims, 1), dims), "w");
    const computed = b.op("Reshape", [b.op("Tanh", [input]), b.integers([1, steps, features])]);
    b.output(b.op("RNN", [input, computed, constant([1, steps, steps])], { hidden_size: int(steps) }), "a");
    b.output(
      b.op("RNN", [input, constant([1, steps, features]), constant([1, steps, 4])], {
        hidden_size: int(steps),
      }),
      "b",
    );
    const model = { ...netOf(), graph: b.graph("refused") };
    expect(() => compile(model, { output: "a" })).toThrow("its weights depend on the model's input");
    expect(() => compile(model, { output: "b" })).toThrow("it has 6 units and hands on 4 numbers");
  });

  it("rules of other layers", () => {
    const rules = [{ pattern: "layer", rule: "zplus" }];
    expect(() => compile(netOf(), { rules })).toThrow(
      'the rule "zplus" is for other layers; here: lstm-all, lstm-half, lstm-prop, gradient',
    );
    expect(() => compile(netOf(), { rules: [{ pattern: "Gemm*", rule: "lstm-all" }] })).toThrow();
  });

  it("integrated gradients where steps stand before samples, which would lengthen the sequence", () => {
    expect(() => compileMethod(netOf(), { method: "integrated-gradients", target: 1 })).toThrow(
      "its axis 1 counts samples, and the method needs them first",
    );
  });
});

it("the network of the cases has the relevance of its cells", async () => {
  const folder = new URL("../../../../../shared/cases/networks/lstm/", import.meta.url);
  const model = readModel(readFileSync(new URL("model.onnx", folder)));
  const bytes = readFileSync(new URL("input.npy", folder));
  const [length, features, hidden] = [10, 4, 6];
  const given = new Float32Array(
    bytes.buffer
      .slice(bytes.byteOffset + bytes.length - 4 * length * features)
      .slice(0, 4 * length * features),
  );
  const constant = (name: string | undefined): Float32Array =>
    numbersIn(model.graph.initializers.get(name ?? "") ?? { bytes: new Uint8Array() });
  const [, W = "", R = "", B = ""] = model.graph.nodes.find(({ opType }) => opType === "LSTM")?.inputs ?? [];
  const [weights, bias] = [constant("fc.weight"), constant("fc.bias")];
  let logit = 0;
  const right = explainLayer(
    {
      op: "LSTM",
      sizes: { steps: length, samples: 1, features, hidden },
      direction: "forward",
      x: given,
      W: constant(W),
      R: constant(R),
      B: constant(B),
      activations: [["Sigmoid"], ["Tanh"], ["Tanh"]],
    },
    "lstm-all",
    1e-6,
    ({ Y_h }) => {
      const parts = Y_h.map((h, j) => h * (weights[hidden + j] as number));
      logit = parts.reduce((sum, part) => sum + part, bias[1] as number);
      const share = logit / (logit + Math.sign(logit) * 1e-6);
      return { Y_h: parts.map((part) => part * share) };
    },
  );
  const compiled = compile(model, { composite: "epsilon-plus", ledger: true, target: 1 });
  const { output, relevance, ledger } = await run(compiled.model, {
    input: tensor(given, [1, length, features]),
  });
  expect(output?.data[1]).toBeCloseTo(logit, 6);
  expect(logit).toBeCloseTo(-0.357735, 5);
  expect(relativeDistance(relevance?.data ?? [], right.x)).toBeLessThan(1e-4);
  const [first] = readLedger(compiled.ledger as NonNullable<Compiled["ledger"]>, {
    data: ledger?.data as Float32Array,
    dims: ledger?.dims as readonly number[],
  });
  expect(first?.start).toBeCloseTo(logit, 6);
  const stayed = Object.values(first?.stayed ?? {}).reduce((sum, part) => sum + part, 0);
  expect(Math.abs((first?.start ?? NaN) - (first?.reached ?? NaN) - stayed)).toBeLessThan(1e-6);
});
