/** Operators of com.microsoft that ONNX Runtime's CPU has kernels of, in all their forms. */

import * as ort from "onnxruntime-node";
import {
  type Attributes,
  type Dim,
  type Model,
  type Tensor,
  float,
  float32Tensor,
  int,
  int64Tensor,
  ints,
} from "../../src/onnx/index.ts";
import { tensorFrom } from "../../src/onnx/tensor.ts";
import { numbersOf, sizeOf } from "../../src/onnx/tensor.ts";
import { randomNumbers } from "../support/run.ts";

export interface OperatorCase {
  readonly op: string;
  /** What is special about it. */
  readonly note: string;
  readonly attributes: Attributes;
  /** Weights and tables are constants, other tensors inputs of the graph; undefined is an absent input. */
  readonly inputs: readonly (Tensor | { readonly constant: Tensor } | undefined)[];
  /** Ranks of the outputs; undefined is an absent output. */
  readonly outputs: readonly (number | undefined)[];
  /** Outputs of int32. */
  readonly integers?: readonly number[];
  /** Outputs with numbers that the operator leaves open: a cache behind the end of a short sample. */
  readonly unspecified?: readonly number[];
}

let seed = 0;
const random = (...dims: number[]): Tensor => float32Tensor(randomNumbers(sizeOf(dims), ++seed), dims);
const weights = (...dims: number[]): { readonly constant: Tensor } => ({ constant: random(...dims) });
const int32 = (values: readonly number[], dims: readonly number[] = [values.length]): Tensor =>
  tensorFrom("int32", values, dims) as Tensor;

const tensorOf = (input: OperatorCase["inputs"][number]): Tensor | undefined =>
  input && "constant" in input ? input.constant : input;

export const titleOf = ({ op, note, attributes, inputs }: OperatorCase): string =>
  [
    op,
    note,
    inputs.map((input) => `[${tensorOf(input)?.dims.join(",") ?? ""}]`).join(" "),
    ...Object.entries(attributes).map(([name, { value }]) => `${name}=${String(value)}`),
  ].join(" ");

/** Sizes of the cases' tensors that exporters leave open. */
const openNames: ReadonlyMap<number, string> = new Map([
  [2, "N"],
  [3, "S"],
  [5, "P"],
  [8, "T"],
]);

export function modelOf(
  { op, attributes, inputs, outputs, integers = [] }: OperatorCase,
  isOpen: boolean,
): Model {
  // Batch and length are open, heads and sizes are not.
  const open = (shape: readonly number[]): readonly Dim[] =>
    shape.map((size, axis) => {
      const isPlace = shape.length === 4 ? axis !== 1 && axis !== 3 : axis < Math.max(1, shape.length - 1);
      const isMask = shape.length === 2;
      return (isOpen && (isPlace || isMask) && openNames.get(size)) || size;
    });
  const given = inputs.flatMap((input, i) =>
    input && !("constant" in input)
      ? [{ name: `x${i}`, dataType: input.dataType, shape: open(input.dims) }]
      : [],
  );
  const nodeInputs = inputs.map((input, i) => (input ? `x${i}` : ""));
  const nodeOutputs = outputs.map((rank, i) => (rank === undefined ? "" : `y${i}`));
  return {
    irVersion: 8,
    opsets: { "": 17, "com.microsoft": 1 },
    producer: "test",
    metadata: {},
    graph: {
      name: "g",
      inputs: given,
      outputs: outputs.flatMap((rank, i) => {
        if (rank === undefined) return [];
        const shape = Array.from({ length: rank }, (_, axis) => `d${i}_${axis}`);
        return [{ name: `y${i}`, dataType: integers.includes(i) ? "int32" : "float32", shape } as const];
      }),
      initializers: new Map(
        inputs.flatMap((input, i) =>
          input && "constant" in input ? [[`x${i}`, input.constant] as const] : [],
        ),
      ),
      nodes: [
        {
          name: "node",
          opType: op,
          domain: "com.microsoft",
          inputs: nodeInputs,
          outputs: nodeOutputs,
          attributes,
        },
      ],
    },
  };
}

export function feedsOf({ inputs }: OperatorCase): Record<string, ort.Tensor> {
  return Object.fromEntries(
    inputs.flatMap((input, i) => {
      if (!input || "constant" in input) return [];
      const numbers = Array.from(numbersOf(input));
      const data =
        input.dataType === "int64"
          ? BigInt64Array.from(numbers, BigInt)
          : input.dataType === "int32"
            ? Int32Array.from(numbers)
            : Float32Array.from(numbers);
      return [[`x${i}`, new ort.Tensor(input.dataType as "float32", data as Float32Array, input.dims)]];
    }),
  );
}

/** 2 texts of 3 positions, 4 heads of 6 numbers each. */
const [N, S, P, heads, size] = [2, 3, 5, 4, 6];
const width = heads * size;
const four: Attributes = { num_heads: int(heads) };

const attention = (
  note: string,
  given: {
    readonly attributes?: Attributes;
    readonly mask?: Tensor;
    readonly past?: Tensor;
    readonly added?: Tensor;
    readonly value?: number;
  },
): OperatorCase => {
  const all = 2 * width + (given.value ?? width);
  return {
    op: "Attention",
    note,
    attributes: { ...four, ...given.attributes },
    inputs: [random(N, S, 10), weights(10, all), weights(all), given.mask, given.past, given.added],
    outputs: given.past ? [3, 5] : [3],
  };
};

const past = random(2, N, heads, P, size);
const unidirectional = { unidirectional: int(1) };
const rawMask = int32([1, 1, 0, 0, 1, 1], [N, S]);

const attentions: readonly OperatorCase[] = [
  attention("plain", {}),
  attention("scaled", { attributes: { scale: float(0.3) } }),
  attention("causal", { attributes: unidirectional }),
  attention("sizes of its parts", {
    value: 12,
    attributes: { qkv_hidden_sizes: ints([width, width, 12]) },
  }),
  attention("mask [N]", { mask: int32([2, 3]) }),
  attention("mask [2N]", { mask: int32([2, 3, 0, 1]) }),
  attention("mask [N, S]", { mask: rawMask }),
  attention("mask [N, S], its filter", { mask: rawMask, attributes: { mask_filter_value: float(-2) } }),
  attention("mask [N, S], the lowest filter", {
    mask: rawMask,
    attributes: { mask_filter_value: float(-3.4028234663852886e38) },
  }),
  attention("mask that shows nothing", { mask: int32([0, 0, 0, 1, 1, 1], [N, S]) }),
  attention("mask that shows nothing, causal", {
    mask: int32([0, 0, 0, 0, 1, 1], [N, S]),
    attributes: unidirectional,
  }),
  attention("mask [N, S, S]", {
    mask: int32([1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1], [N, S, S]),
  }),
  attention("past", { past }),
  attention("past, causal", { past, attributes: unidirectional }),
  attention("past, causal, mask", {
    past,
    attributes: unidirectional,
    mask: int32([0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0], [N, S + P]),
  }),
  attention("empty past", { past: random(2, N, heads, 0, size) }),
  attention("added [1, heads]", { added: random(1, heads, S, S) }),
  attention("added [N, 1], mask, causal", {
    added: random(N, 1, S, S),
    mask: rawMask,
    attributes: unidirectional,
  }),
];

const parts = (
  note: string,
  inputs: OperatorCase["inputs"],
  attributes: Attributes = {},
  outputs: OperatorCase["outputs"] = [3],
): OperatorCase => ({
  op: "MultiHeadAttention",
  note,
  attributes: { ...four, ...attributes },
  inputs,
  outputs,
});
const row = (length: number = S, all: number = width): Tensor => random(N, length, all);
const cache = (length: number, of: number = heads): Tensor => random(N, of, length, size);

const multiHead: readonly OperatorCase[] = [
  parts("three inputs", [row(), row(), row()]),
  parts("causal", [row(), row(), row()], unidirectional),
  parts("bias", [row(), row(), row(), weights(3 * width)]),
  parts("other sizes of values", [row(), row(), row(S, 32), weights(2 * width + 32)]),
  parts("cross", [row(), row(P), row(P), weights(3 * width)]),
  parts("cross, mask [N]", [row(), row(P), row(P), undefined, int32([4, 5])]),
  parts("cross, mask [N, P]", [
    row(),
    row(P),
    row(P),
    undefined,
    int32([1, 1, 0, 1, 0, 1, 1, 1, 1, 0], [N, P]),
  ]),
  parts("mask [N, S, T]", [
    row(),
    row(),
    row(),
    undefined,
    int32([1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1], [N, S, S]),
  ]),
  parts("cached keys and values", [row(), cache(P), cache(P), weights(3 * width)]),
  parts("added", [row(), row(), row(), undefined, undefined, random(1, heads, S, S)], { scale: float(0.7) }),
  parts(
    "past and scores",
    [row(), row(), row(), weights(3 * width), undefined, random(N, 1, S, S + P), cache(P), cache(P)],
    unidirectional,
    [3, 4, 4, 4],
  ),
  parts(
    "past and mask",
    [
      row(),
      row(),
      row(),
      undefined,
      int32(
        Array.from({ length: N * 8 }, (_, i) => Number(i !== 1 && i !== 15)),
        [N, 8],
      ),
      undefined,
      cache(P),
      cache(P),
    ],
    {},
    [3, 4, 4],
  ),
];

/** 4 heads of queries, 2 of keys; heads of 16 numbers, which ONNX Runtime's kernel turns in sixteens. */
const grouped = (
  note: string,
  given: {
    readonly attributes?: Attributes;
    readonly length?: number;
    readonly samples?: number;
    readonly packed?: true;
    /** Places in the cache, and keys of each sample in all; room for what comes if it is the longest or more. */
    readonly room?: number;
    readonly totals?: readonly number[];
    readonly longest?: number;
    readonly rotary?: number;
    readonly size?: number;
    readonly positions?: Tensor;
    readonly added?: Tensor;
    readonly sink?: Tensor;
  },
): OperatorCase => {
  const { length = S, samples = N, room = 0, rotary, size = 16 } = given;
  const totals = given.totals ?? Array.from({ length: samples }, () => length + room);
  const longest = given.longest ?? Math.max(...totals);
  const x = (of: number): Tensor => random(samples, length, of * size);
  const kv = (): Tensor => random(samples, 2, room, size);
  const table = rotary === undefined ? undefined : weights(16, rotary / 2);
  const inputs: OperatorCase["inputs"] = [
    ...(given.packed ? [x(8), undefined, undefined] : [x(4), x(2), x(2)]),
    kv(),
    kv(),
    int32(totals.map((total) => total - 1)),
    { constant: int32([longest], [1]) },
    table,
    table && weights(16, (rotary ?? 0) / 2),
    given.positions,
    given.added,
    given.sink && { constant: given.sink },
  ];
  return {
    op: "GroupQueryAttention",
    note,
    attributes: {
      num_heads: int(4),
      kv_num_heads: int(2),
      ...(table && { do_rotary: int(1) }),
      ...given.attributes,
    },
    inputs,
    outputs: [3, 4, 4],
    ...(totals.some((total) => total < longest) && { unspecified: [1, 2] }),
  };
};

const groups: readonly OperatorCase[] = [
  grouped("prompt", {}),
  grouped("prompt, packed", { packed: true }),
  grouped("prompt, one sample, scaled", { samples: 1, attributes: { scale: float(0.2) } }),
  grouped("prompt, rotary", { rotary: 16 }),
  grouped("prompt, rotary of a part", { size: 32, rotary: 16 }),
  grouped("prompt, rotary, interleaved, packed", {
    rotary: 16,
    packed: true,
    attributes: { rotary_interleaved: int(1) },
  }),
  grouped("prompt, rotary, positions", {
    rotary: 16,
    positions: int64Tensor([2, 3, 4, 2, 3, 4], [N, S]),
  }),
  grouped("prompt, window", { length: 7, attributes: { local_window_size: int(2) } }),
  grouped("prompt, cap", { attributes: { softcap: float(0.5) } }),
  grouped("prompt, cap and window", {
    length: 7,
    attributes: { softcap: float(0.5), local_window_size: int(3) },
  }),
  grouped("prompt, smooth", { attributes: { smooth_softmax: int(1) } }),
  grouped("prompt, sink", { sink: random(4) }),
  grouped("prompt, sink and window", {
    length: 7,
    sink: random(4),
    attributes: { local_window_size: int(2) },
  }),
  grouped("prompt, added", { added: random(1, 4, S, S) }),
  grouped("prompt, added to each sample", { added: random(N, 1, S, S) }),
  grouped("one more", { length: 1, room: 5 }),
  grouped("one more, rotary", { length: 1, room: 5, rotary: 16 }),
  grouped("one more, samples of their own length", { length: 1, room: 5, totals: [4, 6], rotary: 16 }),
  grouped("one more, positions", {
    length: 1,
    room: 5,
    rotary: 16,
    positions: int64Tensor([4, 5], [N, 1]),
  }),
  grouped("several more", { length: 3, room: 5, samples: 1, rotary: 16 }),
  grouped("several more, window", {
    length: 3,
    room: 5,
    samples: 1,
    rotary: 16,
    attributes: { local_window_size: int(3) },
  }),
  grouped("several more, added", { length: 3, room: 5, samples: 1, added: random(1, 4, 3, 8) }),
];

const rotary = (
  note: string,
  x: Tensor,
  positions: Tensor,
  tables: readonly number[],
  attributes: Attributes = {},
): OperatorCase => ({
  op: "RotaryEmbedding",
  note,
  attributes,
  inputs: [x, positions, weights(...tables), weights(...tables)],
  outputs: [x.dims.length],
});
const ownPositions = int64Tensor([0, 1, 2, 5, 6, 7], [N, S]);

const embed = (
  note: string,
  given: { readonly segments?: true; readonly mask?: true; readonly positions?: Tensor },
): OperatorCase => ({
  op: "EmbedLayerNormalization",
  note,
  attributes: { epsilon: float(1e-4) },
  inputs: [
    int32([1, 4, 2, 0, 3, 3], [N, S]),
    given.segments && int32([0, 0, 1, 0, 1, 1], [N, S]),
    weights(6, 10),
    weights(9, 10),
    given.segments && weights(2, 10),
    weights(10),
    weights(10),
    given.mask && int32([1, 1, 0, 1, 1, 1], [N, S]),
    given.positions,
  ],
  outputs: [3, 1, 3],
  integers: [1],
});

const skip = (op: string, inputs: OperatorCase["inputs"], note = ""): OperatorCase => ({
  op,
  note,
  attributes: { epsilon: float(1e-3) },
  inputs,
  outputs: [3, undefined, undefined, 3],
});
const x = (): Tensor => random(N, S, 10);
const vector = (): { readonly constant: Tensor } => weights(10);

const others: readonly OperatorCase[] = [
  rotary("in a row", random(N, S, width), ownPositions, [9, 3], {}),
  rotary("in a row, one position", random(N, S, width), int64Tensor([2]), [9, 3], {}),
  rotary("interleaved", random(N, S, width), ownPositions, [9, 3], { interleaved: int(1) }),
  rotary("per head", random(N, heads, S, size), ownPositions, [9, 3], {}),
  rotary("per head, one position", random(N, heads, S, size), int64Tensor([0]), [9, 3], {}),
  rotary("of a part", random(N, S, 32), ownPositions, [9, 2], {
    num_heads: int(4),
    rotary_embedding_dim: int(4),
  }),
  embed("words and positions", {}),
  embed("segments and mask", { segments: true, mask: true }),
  embed("positions", { segments: true, positions: int32([2, 3, 4, 0, 1, 8], [N, S]) }),
  embed("positions of all", { positions: int32([2, 3, 4], [1, S]) }),
  skip("SkipLayerNormalization", [x(), x(), vector(), vector(), vector()]),
  skip("SkipLayerNormalization", [x(), x(), vector()], "without bias"),
  skip("SkipLayerNormalization", [x(), random(1, S, 10), vector(), vector()], "one skip for all"),
  skip("SkipLayerNormalization", [x(), random(S, 10), vector(), vector()], "a skip without samples"),
  skip("SkipSimplifiedLayerNormalization", [x(), x(), vector()]),
  skip("SkipSimplifiedLayerNormalization", [x(), x(), vector(), vector()], "with bias"),
  {
    op: "FusedMatMul",
    note: "batch moved",
    attributes: { transBatchA: int(1), alpha: float(0.5) },
    inputs: [random(4, 2, 5), random(2, 5, 3)],
    outputs: [3],
  },
  {
    op: "FusedMatMul",
    note: "batch moved and turned",
    attributes: { transBatchA: int(1), transA: int(1), transBatchB: int(1), transB: int(1) },
    inputs: [random(4, 2, 3, 5), random(6, 2, 3, 4)],
    outputs: [4],
  },
  {
    op: "ConvTransposeWithDynamicPads",
    note: "",
    attributes: { strides: ints([2, 2]) },
    inputs: [random(1, 3, 4, 4), weights(3, 2, 3, 3), { constant: int64Tensor([1, 1, 1, 1]) }, weights(2)],
    outputs: [4],
  },
];

export const operatorCases: readonly OperatorCase[] = [...attentions, ...multiHead, ...groups, ...others];
