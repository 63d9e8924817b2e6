/** Recurrent layers against a float64 replica: every operator, direction, option, input, output and rule. */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { compile, readLedger, type CompileOptions } from "../../src/index.ts";
import {
  concatChunks,
  float,
  float32Tensor,
  GraphBuilder,
  int,
  ints,
  string,
  writeModel,
  type Attribute,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance } from "../support/run.ts";
import { explainLayer, type CellRuleName, type Layer, type Outputs } from "./cells.ts";

type OutputName = keyof Outputs;

interface Case {
  readonly title: string;
  readonly op: Layer["op"];
  readonly sizes?: Partial<Layer["sizes"]>;
  readonly direction?: Layer["direction"];
  readonly noBias?: boolean;
  readonly peepholes?: boolean;
  readonly lengths?: readonly number[];
  /** Whether states before the first step are inputs, constants or not there. */
  readonly states?: "inputs" | "constants";
  readonly outputs?: readonly OutputName[];
  readonly activations?: Layer["activations"];
  /** Whether the parameters of activations are left to their defaults. */
  readonly isUsual?: boolean;
  readonly clip?: number;
  readonly isCoupled?: boolean;
  readonly isLinearFirst?: boolean;
  readonly isBatchFirst?: boolean;
  readonly isOpen?: boolean;
}

const usual: Readonly<Record<Layer["op"], Layer["activations"]>> = {
  LSTM: [["Sigmoid"], ["Tanh"], ["Tanh"]],
  GRU: [["Sigmoid"], ["Tanh"]],
  RNN: [["Tanh"]],
};
const gatesOf = { LSTM: 4, GRU: 3, RNN: 1 } as const;
/** Which functions take parameters. */
const takes: Readonly<Record<string, "a" | "ab">> = {
  Affine: "ab",
  ScaledTanh: "ab",
  HardSigmoid: "ab",
  LeakyRelu: "a",
  ThresholdedRelu: "a",
  Elu: "a",
};

const product = (numbers: readonly number[]): number => numbers.reduce((a, n) => a * n, 1);
const scaled = (count: number, seed: number, factor: number): Float32Array =>
  randomNumbers(count, seed).map((n) => n * factor);

/** [T, N, k] -> [N, T, k], and every other exchange of two axes of three. */
function swapped(data: ArrayLike<number>, [a, b, c]: readonly [number, number, number]): Float32Array {
  const out = new Float32Array(data.length);
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      for (let k = 0; k < c; k++) out[(j * a + i) * c + k] = data[(i * b + j) * c + k] as number;
  return out;
}

function layerOf({ op, direction = "forward", ...given }: Case): Layer {
  const sizes = { steps: 4, samples: 3, features: 3, hidden: 2, ...given.sizes };
  const directions = direction === "bidirectional" ? 2 : 1;
  const rows = gatesOf[op] * sizes.hidden;
  const states = directions * sizes.samples * sizes.hidden;
  const each = given.activations ?? usual[op];
  return {
    op,
    sizes,
    direction,
    x: scaled(sizes.steps * sizes.samples * sizes.features, 3, 1.5),
    W: scaled(directions * rows * sizes.features, 5, 0.9),
    R: scaled(directions * rows * sizes.hidden, 7, 0.9),
    B: given.noBias ? undefined : scaled(directions * 2 * rows, 11, 0.3),
    P: given.peepholes ? scaled(directions * 3 * sizes.hidden, 13, 0.5) : undefined,
    lengths: given.lengths,
    h0: given.states && scaled(states, 17, 0.8),
    c0: given.states && op === "LSTM" ? scaled(states, 19, 0.8) : undefined,
    activations:
      each.length === directions * usual[op].length
        ? each
        : Array.from({ length: directions }, () => each).flat(),
    ...(given.clip !== undefined && { clip: given.clip }),
    ...(given.isCoupled && { isCoupled: true }),
    ...(given.isLinearFirst && { isLinearFirst: true }),
  };
}

const outputNames = (given: Case): readonly OutputName[] =>
  given.outputs ?? (given.op === "LSTM" ? ["Y", "Y_h", "Y_c"] : ["Y", "Y_h"]);

const asFloats = (list: ArrayLike<number>): Float32Array => Float32Array.from(list);

/** The layer, with its outputs side by side, samples first. */
function modelOf(given: Case, layer: Layer): Model {
  const { steps, samples, features, hidden } = layer.sizes;
  const directions = layer.direction === "bidirectional" ? 2 : 1;
  const rows = gatesOf[layer.op] * hidden;
  const b = new GraphBuilder();
  const [T, N] = given.isOpen ? ["T", "N"] : [steps, samples];
  const x = b.input("x", "float32", given.isBatchFirst ? [N, T, features] : [T, N, features]);
  const constant = (data: Float32Array | undefined, dims: number[], name: string): Value | undefined =>
    data && b.constant(float32Tensor(data, dims), name);
  const state = (data: ArrayLike<number> | undefined, name: string): Value | undefined => {
    const dims = given.isBatchFirst ? [samples, directions, hidden] : [directions, samples, hidden];
    if (!data) return undefined;
    const ordered = given.isBatchFirst
      ? swapped(data, [directions, samples, hidden])
      : Float32Array.from(data);
    return given.states === "inputs"
      ? b.input(
          name,
          "float32",
          given.isOpen ? dims.map((dim, i) => (i === (given.isBatchFirst ? 0 : 1) ? N : dim)) : dims,
        )
      : constant(ordered, dims, name);
  };
  const lengths = given.lengths && b.input("lengths", "int32", [N]);
  const inputs = [
    x,
    constant(asFloats(layer.W), [directions, rows, features], "W"),
    constant(asFloats(layer.R), [directions, rows, hidden], "R"),
    constant(layer.B && asFloats(layer.B), [directions, 2 * rows], "B"),
    lengths,
    state(layer.h0, "h0"),
    ...(layer.op === "LSTM"
      ? [state(layer.c0, "c0"), constant(layer.P && asFloats(layer.P), [directions, 3 * hidden], "P")]
      : []),
  ];
  while (inputs.at(-1) === undefined) inputs.pop();
  const parameters = (which: "a" | "b"): number[] =>
    layer.activations.flatMap(([name, a = 0, c = 0]) => {
      const taken = takes[name];
      return taken?.includes(which) ? [which === "a" ? a : c] : [];
    });
  const attributes: Record<string, Attribute> = {
    hidden_size: int(hidden),
    direction: string(layer.direction),
    ...(given.activations && {
      activations: { type: "strings", value: layer.activations.map(([name]) => name) },
      ...(!given.isUsual && {
        activation_alpha: { type: "floats", value: parameters("a") },
        activation_beta: { type: "floats", value: parameters("b") },
      }),
    }),
    ...(layer.clip !== undefined && { clip: float(layer.clip) }),
    ...(layer.isCoupled && { input_forget: int(1) }),
    ...(layer.isLinearFirst && { linear_before_reset: int(1) }),
    ...(given.isBatchFirst && { layout: int(1) }),
  };
  const names = ["Y", "Y_h", ...(layer.op === "LSTM" ? ["Y_c"] : [])];
  const wanted = outputNames(given) as readonly string[];
  const made = b.add({
    name: "layer",
    opType: layer.op,
    domain: "",
    inputs: inputs.map((value) => value?.name ?? ""),
    outputs: names.map((name) => (wanted.includes(name) ? name : "")),
    attributes,
  });
  const flat = names.flatMap((name, i): Value[] => {
    if (!wanted.includes(name)) return [];
    const value = made[i] as Value;
    const perm = given.isBatchFirst ? undefined : name === "Y" ? [2, 0, 1, 3] : [1, 0, 2];
    const first = perm ? b.op("Transpose", [value], { perm: ints(perm) }) : value;
    return [b.op("Reshape", [first, b.integers([0, -1])])];
  });
  b.output(flat.length === 1 ? (flat[0] as Value) : b.op("Concat", flat, { axis: int(1) }), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("test") };
}

/** Where an element of the flat output stands in ONNX's layout. */
function places(given: Case, { sizes, direction }: Layer): (readonly [OutputName, number])[][] {
  const { steps, samples, hidden } = sizes;
  const directions = direction === "bidirectional" ? 2 : 1;
  return Array.from({ length: samples }, (_, n) =>
    outputNames(given).flatMap((name) =>
      Array.from({ length: (name === "Y" ? steps : 1) * directions * hidden }, (_x, i) => {
        const [t, d, j] = [
          Math.floor(i / (directions * hidden)),
          Math.floor(i / hidden) % directions,
          i % hidden,
        ];
        return [name, ((t * directions + d) * samples + n) * hidden + j] as const;
      }),
    ),
  );
}

const tensor = (data: Float32Array, dims: readonly number[]): ort.Tensor =>
  new ort.Tensor("float32", data, dims);

async function explained(given: Case, options: CompileOptions, targets: Float32Array) {
  const layer = layerOf(given);
  const { steps, samples, features, hidden } = layer.sizes;
  const directions = layer.direction === "bidirectional" ? 2 : 1;
  const compiled = compile(modelOf(given, layer), { seed: "one", ledger: true, start: "output", ...options });
  const session = await ort.InferenceSession.create(concatChunks(writeModel(compiled.model).chunks), {
    logSeverityLevel: 3,
  });
  const x = layer.x as Float32Array;
  const state = (data: ArrayLike<number> | undefined): ort.Tensor =>
    given.isBatchFirst
      ? tensor(swapped(data as Float32Array, [directions, samples, hidden]), [samples, directions, hidden])
      : tensor(data as Float32Array, [directions, samples, hidden]);
  const result = await session.run({
    x: given.isBatchFirst
      ? tensor(swapped(x, [steps, samples, features]), [samples, steps, features])
      : tensor(x, [steps, samples, features]),
    target: tensor(targets, [samples, targets.length / samples]),
    ...(given.lengths && { lengths: new ort.Tensor("int32", Int32Array.from(given.lengths), [samples]) }),
    ...(given.states === "inputs" && { h0: state(layer.h0), ...(layer.c0 && { c0: state(layer.c0) }) }),
  });
  const numbers = (name: string): Float32Array => (result[name] as ort.Tensor).data as Float32Array;
  const inOrder = (name: string, dims: readonly [number, number, number]): Float32Array =>
    given.isBatchFirst ? swapped(numbers(name), dims) : numbers(name);
  return {
    layer,
    compiled,
    output: numbers("output"),
    x: inOrder("relevance", [samples, steps, features]),
    ...(given.states === "inputs" && {
      h0: inOrder("relevance.h0", [samples, directions, hidden]),
      ...(layer.c0 && { c0: inOrder("relevance.c0", [samples, directions, hidden]) }),
    }),
    ledger: readLedger(compiled.ledger as NonNullable<typeof compiled.ledger>, {
      data: numbers("ledger"),
      dims: (result["ledger"] as ort.Tensor).dims,
    }),
  };
}

const rules: readonly CellRuleName[] = ["lstm-all", "lstm-half", "lstm-prop", "gradient"];

async function check(given: Case, rule: CellRuleName, epsilon: number): Promise<void> {
  const layer = layerOf(given);
  const order = places(given, layer);
  const count = product([order.length, order[0]?.length ?? 0]);
  const targets = randomNumbers(count, 29);
  const options: CompileOptions =
    rule === "gradient"
      ? { composite: "gradient" }
      : { composite: { extends: "epsilon", rules: { recurrent: { rule, epsilon } } } };
  const found = await explained(given, options, targets);
  const right = explainLayer(layer, rule, epsilon, (outputs) => {
    const start = { Y: outputs.Y.map(() => 0), Y_h: outputs.Y_h.map(() => 0), Y_c: outputs.Y_c.map(() => 0) };
    let i = 0;
    for (const [name, index] of order.flat()) start[name][index] = targets[i++] as number;
    return start;
  });
  const outputs = order.flat().map(([name, index]) => right.outputs[name][index] as number);
  expect(relativeDistance(found.output, outputs)).toBeLessThan(1e-5);
  expect(relativeDistance(found.x, right.x)).toBeLessThan(2e-5);
  if (found.h0) expect(relativeDistance(found.h0, right.h0)).toBeLessThan(2e-5);
  if (found.c0) expect(relativeDistance(found.c0, right.c0)).toBeLessThan(2e-5);
  for (const { start, reached, stayed, entries } of found.ledger) {
    const largest = Math.max(...entries.map(({ sums }) => sums.magnitude));
    for (const { sums } of entries) expect(Math.abs(sums.rest)).toBeLessThan(1e-5 * largest);
    const kept = Object.values(stayed).reduce((sum, part) => sum + part, 0);
    expect(Math.abs(start - reached - kept)).toBeLessThan(1e-5 * largest);
    // What a ReLU closed has no parts to share among.
    const isOpen = layer.activations.every(([name]) => name !== "Relu" && name !== "ThresholdedRelu");
    if (rule !== "gradient" && isOpen) expect(Math.abs(stayed.rule)).toBeLessThan(1e-6);
  }
}

const cases: readonly Case[] = (["LSTM", "GRU", "RNN"] as const).flatMap((op): Case[] => [
  { title: "forward", op },
  { title: "reverse", op, direction: "reverse" },
  { title: "bidirectional", op, direction: "bidirectional" },
  { title: "without bias", op, noBias: true },
  { title: "states as inputs", op, states: "inputs", direction: "bidirectional" },
  { title: "constant states", op, states: "constants" },
  { title: "only the last output", op, outputs: ["Y_h"], states: "inputs" },
  { title: "all outputs of steps", op, outputs: ["Y"] },
  { title: "lengths", op, lengths: [2, 4, 3], states: "inputs" },
  { title: "lengths, reverse", op, lengths: [1, 4, 3], states: "inputs", direction: "reverse" },
  { title: "lengths, both ways, no states", op, lengths: [3, 1, 4], direction: "bidirectional" },
  { title: "lengths, last output", op, lengths: [2, 4, 1], outputs: ["Y_h"], direction: "bidirectional" },
  { title: "open sizes", op, isOpen: true, direction: "bidirectional", states: "inputs" },
  { title: "open sizes and lengths", op, isOpen: true, direction: "bidirectional", lengths: [4, 1, 2] },
  { title: "samples first", op, isBatchFirst: true, states: "inputs", direction: "bidirectional" },
  { title: "samples first, only the last output", op, isBatchFirst: true, outputs: ["Y_h"] },
  { title: "clipped", op, clip: 0.4 },
  { title: "one step", op, sizes: { steps: 1 }, states: "inputs" },
  { title: "one sample, one unit", op, sizes: { samples: 1, hidden: 1 } },
]);

const more: readonly Case[] = [
  {
    title: "another function each way",
    op: "RNN",
    direction: "bidirectional",
    activations: [
      ["LeakyRelu", 0.1],
      ["ScaledTanh", 1.3, 0.7],
    ],
  },
  ...(
    [
      ["HardSigmoid", 0.2, 0.5],
      ["LeakyRelu", 0.01],
      ["Elu", 1],
    ] as const
  ).map((activation): Case => ({
    title: `${activation[0]} by default`,
    op: "RNN",
    activations: [activation],
    isUsual: true,
  })),
  { title: "only the memory", op: "LSTM", outputs: ["Y_c"] },
  {
    title: "memory and last output",
    op: "LSTM",
    outputs: ["Y_h", "Y_c"],
    lengths: [2, 3, 4],
    direction: "bidirectional",
  },
  { title: "peepholes", op: "LSTM", peepholes: true, states: "inputs" },
  {
    title: "peepholes, lengths, both ways",
    op: "LSTM",
    peepholes: true,
    direction: "bidirectional",
    lengths: [2, 4, 1],
    states: "inputs",
  },
  { title: "coupled gates", op: "LSTM", isCoupled: true, states: "inputs" },
  { title: "coupled gates, peepholes", op: "LSTM", isCoupled: true, peepholes: true },
  { title: "linear before reset", op: "GRU", isLinearFirst: true, states: "inputs" },
  {
    title: "linear before reset, both ways, lengths",
    op: "GRU",
    isLinearFirst: true,
    direction: "bidirectional",
    lengths: [3, 2, 4],
    isOpen: true,
  },
  { title: "linear before reset, without bias", op: "GRU", isLinearFirst: true, noBias: true },
  { title: "hard gates", op: "LSTM", activations: [["HardSigmoid", 0.3, 0.4], ["Relu"], ["Softsign"]] },
  { title: "hard gates", op: "GRU", activations: [["HardSigmoid", 0.3, 0.4], ["Softsign"]] },
  ...(
    [
      ["Relu"],
      ["LeakyRelu", 0.1],
      ["Affine", 0.7, 0.2],
      ["ThresholdedRelu", 0.3],
      ["ScaledTanh", 1.3, 0.7],
      ["HardSigmoid", 0.3, 0.4],
      ["Elu", 0.8],
      ["Softsign"],
      ["Softplus"],
      ["Sigmoid"],
    ] as const
  ).map((activation): Case => ({ title: activation[0], op: "RNN", activations: [activation] })),
];

/** Half and prop differ from all in products alone, which these cases hold. */
const ofProducts = [...more, ...cases.filter(({ title }) => /both ways|states as inputs/.test(title))];

describe.each(rules)("%s", (rule) => {
  const chosen = rule === "gradient" || rule === "lstm-all" ? [...cases, ...more] : ofProducts;
  it.each(chosen.map((each) => [`${each.op}, ${each.title}`, each] as const))("%s", async (_title, each) => {
    await check(each, rule, 0.01);
  });
});

describe("with the usual ε", () => {
  it.each(["LSTM", "GRU", "RNN"] as const)("%s", async (op) => {
    await check({ title: "", op }, "lstm-all", 1e-6);
  });
});
