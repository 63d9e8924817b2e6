/**
 * Operators of com.microsoft that ONNX Runtime has no kernel of on CPUs, or not in this form: what they are converted to,
 * against their documented formulas in float64, and against other forms of the same operator.
 */

import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  type Attributes,
  type Model,
  type Tensor,
  concatChunks,
  convertOpset,
  float,
  float32Tensor,
  int,
  int64Tensor,
  ints,
  string,
  writeModel,
} from "../../src/onnx/index.ts";
import { numbersOf, sizeOf } from "../../src/onnx/tensor.ts";
import { randomNumbers } from "../support/run.ts";

let seed = 100;
const random = (...dims: number[]): Tensor => float32Tensor(randomNumbers(sizeOf(dims), ++seed), dims);
const list = (tensor: Tensor): number[] => Array.from(numbersOf(tensor));

/** What a node is converted to, on constants. The first input is one of the graph. */
async function converted(
  op: string,
  inputs: readonly (Tensor | undefined)[],
  attributes: Attributes,
  ranks: readonly number[] = [inputs[0]?.dims.length ?? 0],
): Promise<number[][]> {
  const [x] = inputs;
  if (!x) throw new Error("no input");
  const names = inputs.map((input, i) => (input ? `x${i}` : ""));
  const outputs = ranks.map((rank, i) => ({
    name: `y${i}`,
    dataType: "float32" as const,
    shape: Array.from({ length: rank }, (_, axis) => `d${i}_${axis}`),
  }));
  const model: Model = {
    irVersion: 8,
    opsets: { "": 17, "com.microsoft": 1 },
    producer: "test",
    metadata: {},
    graph: {
      name: "g",
      inputs: [{ name: "x0", dataType: x.dataType, shape: x.dims }],
      outputs,
      initializers: new Map(
        inputs.flatMap((input, i) => (input && i > 0 ? [[`x${i}`, input] as const] : [])),
      ),
      nodes: [
        {
          name: "node",
          opType: op,
          domain: "com.microsoft",
          inputs: names,
          outputs: outputs.map(({ name }) => name),
          attributes,
        },
      ],
    },
  };
  const bytes = concatChunks(writeModel(convertOpset(model)).chunks);
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const feed =
    x.dataType === "int64"
      ? new ort.Tensor("int64", BigInt64Array.from(list(x), BigInt), x.dims)
      : new ort.Tensor("float32", Float32Array.from(list(x)), x.dims);
  const results = await session.run({ x0: feed });
  await session.release();
  return outputs.map(({ name }) => Array.from(results[name]?.data as Float32Array));
}

function expectNear(found: readonly number[] | undefined, expected: readonly number[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, value] of expected.entries())
    expect(Math.abs((found?.[i] ?? NaN) - value)).toBeLessThan(5e-6);
}

const total = (part: readonly number[]): number => part.reduce((a, v) => a + v, 0);
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));

describe("group normalisations", () => {
  const [N, H, W, C, groups, epsilon] = [2, 3, 2, 4, 2, 1e-3];
  /** Of [N, H, W, C]. */
  const normalized = (x: readonly number[], gamma: Tensor, beta: Tensor, isActive: boolean): number[] => {
    const y = x.slice();
    for (let n = 0; n < N; n++) {
      for (let g = 0; g < groups; g++) {
        const places = Array.from(
          { length: H * W * 2 },
          (_, i) => (n * H * W + Math.floor(i / 2)) * C + 2 * g + (i % 2),
        );
        const mean = places.reduce((sum, i) => sum + (x[i] ?? 0), 0) / places.length;
        const variance = places.reduce((sum, i) => sum + ((x[i] ?? 0) - mean) ** 2, 0) / places.length;
        for (const i of places) {
          const c = i % C;
          const z = (((x[i] ?? 0) - mean) / Math.sqrt(variance + epsilon)) * (list(gamma)[c] ?? 0);
          const sum = z + (list(beta)[c] ?? 0);
          y[i] = isActive ? sum * sigmoid(sum) : sum;
        }
      }
    }
    return y;
  };
  /** [N, C, H, W] -> [N, H, W, C]. */
  const channelsLast = (x: readonly number[]): number[] =>
    Array.from({ length: N * H * W * C }, (_, i) => {
      const [n, place, c] = [Math.floor(i / (H * W * C)), Math.floor(i / C) % (H * W), i % C];
      return x[(n * C + c) * H * W + place] ?? 0;
    });
  const [gamma, beta, bias] = [random(C), random(C), random(C)];
  const attributes = { groups: int(groups), epsilon: float(epsilon), activation: int(0) };

  it.each([0, 1])("GroupNorm, channels last, activation %i", async (activation) => {
    const x = random(N, H, W, C);
    const [y] = await converted("GroupNorm", [x, gamma, beta], {
      ...attributes,
      activation: int(activation),
    });
    expectNear(y, normalized(list(x), gamma, beta, activation === 1));
  });

  it("GroupNorm, channels first", async () => {
    const x = random(N, C, H, W);
    const [y] = await converted("GroupNorm", [x, gamma, beta], { ...attributes, channels_last: int(0) });
    expectNear(channelsLast(y ?? []), normalized(channelsLast(list(x)), gamma, beta, false));
  });

  it.each([[[N, H, W, C]], [[N, 1, 1, C]], [[N, C]]])("SkipGroupNorm, skip %j", async (dims) => {
    const [x, skip] = [random(N, H, W, C), random(...dims)];
    const [y, sum] = await converted("SkipGroupNorm", [x, gamma, beta, skip, bias], attributes, [4, 4]);
    const whole = dims.length === 4 && dims[1] === H;
    const expected = list(x).map((value, i) => {
      const [n, c] = [Math.floor(i / (H * W * C)), i % C];
      return value + (list(skip)[whole ? i : n * C + c] ?? 0) + (list(bias)[c] ?? 0);
    });
    expectNear(sum, expected);
    expectNear(y, normalized(expected, gamma, beta, false));
  });
});

describe("biases", () => {
  it("BiasDropout drops nothing", async () => {
    const [x, bias, skip] = [random(2, 3), random(3), random(2, 3)];
    const [y] = await converted("BiasDropout", [x, bias, skip], {});
    expectNear(
      y,
      list(x).map((value, i) => value + (list(bias)[i % 3] ?? 0) + (list(skip)[i] ?? 0)),
    );
  });

  it.each([2, 1])("BiasSoftmax over the axes from %i on", async (axis) => {
    const [x, bias] = [random(2, 3, 4), random(2, 1, 4)];
    const given = { axis: int(axis), is_inner_broadcast: int(1) };
    const [y] = await converted("BiasSoftmax", [x, bias], given);
    const sums = list(x).map((v, i) => v + (list(bias)[Math.floor(i / 12) * 4 + (i % 4)] ?? 0));
    const length = axis === 2 ? 4 : 12;
    const powers = sums.map(Math.exp);
    expectNear(
      y,
      powers.map((power, i) => {
        const start = i - (i % length);
        return power / powers.slice(start, start + length).reduce((a, n) => a + n, 0);
      }),
    );
  });

  it("GatedRelativePositionBias", async () => {
    const [N, S, heads, size, D] = [2, 3, 2, 4, 6];
    const [query, queryBias, position] = [random(N, S, 8), random(8), random(1, heads, S, S)];
    const [weights, bias, eco] = [random(size, D), random(D), random(1, heads, 1, 1)];
    const inputs = [query, queryBias, position, weights, bias, eco];
    const [y] = await converted("GatedRelativePositionBias", inputs, { num_heads: int(heads) }, [4]);
    const expected: number[] = [];
    for (let n = 0; n < N; n++)
      for (let h = 0; h < heads; h++)
        for (let s = 0; s < S; s++) {
          const gates = Array.from({ length: D }, (_, d) => {
            let sum = list(bias)[d] ?? 0;
            for (let i = 0; i < size; i++) {
              const place = h * size + i;
              const q = (list(query)[(n * S + s) * 8 + place] ?? 0) + (list(queryBias)[place] ?? 0);
              sum += q * (list(weights)[i * D + d] ?? 0);
            }
            return sum;
          });
          const [u, r] = [sigmoid(total(gates.slice(0, 3))), sigmoid(total(gates.slice(3)))];
          const gate = u * (r * (list(eco)[h] ?? 0) - 1) + 2;
          for (let k = 0; k < S; k++) expected.push(gate * (list(position)[(h * S + s) * S + k] ?? 0));
        }
    expectNear(y, expected);
  });

  it.each([0, 1])("RelativePositionBias, as in T5, in both directions: %i", async (isBoth) => {
    const [count, most, S] = [16, 20, 24];
    const table = random(count, 2);
    const length = int64Tensor([S], []);
    const given = { max_distance: int(most), is_bidirectional: int(isBoth) };
    const [y] = await converted("RelativePositionBias", [table, length, length], given, [4]);
    // Half of the buckets are distances, the others grow with their logarithm; keys behind the query have their own.
    const all = isBoth ? count / 2 : count;
    const bucketOf = (ahead: number): number => {
      const distance = isBoth ? Math.abs(ahead) : Math.max(0, -ahead);
      const half = all / 2;
      const far = half + Math.floor((Math.log(distance / half) / Math.log(most / half)) * half);
      return (isBoth && ahead > 0 ? all : 0) + (distance < half ? distance : Math.min(all - 1, far));
    };
    const expected = Array.from({ length: 2 * S * S }, (_, i) => {
      const [head, q, k] = [Math.floor(i / (S * S)), Math.floor(i / S) % S, i % S];
      return list(table)[head * count + bucketOf(k - q)] ?? NaN;
    });
    expectNear(y, expected);
  });
});

it("GemmFastGelu is the tanh form of GELU", async () => {
  const [x, w, bias] = [random(2, 3), random(3, 4), random(4)];
  const [y] = await converted("GemmFastGelu", [x, w, bias], {}, [2]);
  const expected = Array.from({ length: 8 }, (_, i) => {
    const [row, column] = [Math.floor(i / 4), i % 4];
    let z = list(bias)[column] ?? 0;
    for (let k = 0; k < 3; k++) z += (list(x)[row * 3 + k] ?? 0) * (list(w)[k * 4 + column] ?? 0);
    return 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3)));
  });
  expectNear(y, expected);
});

it("NhwcConv, with and without what is fused into it", async () => {
  const [x, w, bias, added] = [random(1, 3, 3, 2), random(2, 2, 1, 1), random(2), random(1, 3, 3, 2)];
  const plain = Array.from({ length: 18 }, (_, i) => {
    const [place, m] = [Math.floor(i / 2), i % 2];
    const part = (c: number): number => (list(x)[place * 2 + c] ?? 0) * (list(w)[m * 2 + c] ?? 0);
    return part(0) + part(1) + (list(bias)[m] ?? 0);
  });
  const kernel = { kernel_shape: ints([1, 1]) };
  const [y] = await converted("NhwcConv", [x, w, bias], kernel);
  expectNear(y, plain);
  const [fused] = await converted("NhwcFusedConv", [x, w, bias, added], {
    ...kernel,
    activation: string("Relu"),
  });
  expectNear(
    fused,
    plain.map((value, i) => Math.max(0, value + (list(added)[i] ?? 0))),
  );
});

describe("attention in forms without a kernel is that of the forms with one", () => {
  const [N, S, heads, size] = [2, 3, 2, 4];
  const [q, k, v] = [random(N, S, 8), random(N, S, 8), random(N, S, 8)];
  const bias = random(24);
  const four = { num_heads: int(heads) };
  /** [N, S, heads, parts, size]. */
  const packed = (...parts: readonly Tensor[]): Tensor => {
    const count = parts.length;
    const data = Array.from({ length: N * S * heads * count * size }, (_, i) => {
      const [place, part] = [Math.floor(i / (heads * count * size)), Math.floor(i / size) % count];
      const head = Math.floor(i / (count * size)) % heads;
      return list(parts[part] as Tensor)[(place * heads + head) * size + (i % size)] ?? 0;
    });
    return float32Tensor(data, [N, S, heads, count, size]);
  };

  it.each([undefined, bias])("packed", async (given) => {
    const [apart] = await converted("MultiHeadAttention", [q, k, v, given], four);
    const [pair] = await converted("MultiHeadAttention", [q, packed(k, v), undefined, given], four);
    const [all] = await converted(
      "MultiHeadAttention",
      [packed(q, k, v), undefined, undefined, given],
      four,
      [3],
    );
    expectNear(pair, apart ?? []);
    expectNear(all, apart ?? []);
  });

  it("a step of a decoder, whose cache may have room for more", async () => {
    const [now, pastKeys, pastValues] = [
      random(N, 1, 8),
      random(N, heads, 5, size),
      random(N, heads, 5, size),
    ];
    const tail = [pastKeys, pastValues];
    const inputs = [now, now, now, bias, undefined, undefined, ...tail];
    const [expected] = await converted("MultiHeadAttention", inputs, four);
    const step = [now, now, now, undefined, undefined, ...tail, undefined, undefined, undefined, bias];
    const [found] = await converted("DecoderMaskedMultiHeadAttention", step, four);
    expectNear(found, expected ?? []);
    const roomy = tail.map((tensor) => {
      const data = Array.from({ length: N * heads * 9 * size }, (_, i) => {
        const [row, place] = [Math.floor(i / (9 * size)), Math.floor(i / size) % 9];
        return place < 5 ? (list(tensor)[(row * 5 + place) * size + (i % size)] ?? 0) : 99;
      });
      return float32Tensor(data, [N, heads, 9, size]);
    });
    const shared = step
      .with(5, roomy[0])
      .with(6, roomy[1])
      .with(7, int64Tensor([5]));
    const options = { ...four, past_present_share_buffer: int(1) };
    const [inRoom] = await converted("DecoderMaskedMultiHeadAttention", shared, options);
    expectNear(inRoom, expected ?? []);
  });

  it("without a bias, and with a mask of Megatron's", async () => {
    const [x, weights] = [random(N, S, 6), random(6, 24)];
    const zero = float32Tensor(new Float32Array(24), [24]);
    const [expected] = await converted("Attention", [x, weights, zero], four);
    expectNear((await converted("Attention", [x, weights], four))[0], expected ?? []);
    const rows = Array.from({ length: N * 25 }, (_, i) => Number(i % 5 <= Math.floor(i / 5) % 5));
    const mask = float32Tensor(rows, [N, 1, 5, 5]);
    const causal = { ...four, unidirectional: int(1) };
    const [whole] = await converted("Attention", [x, weights, zero], causal);
    expectNear((await converted("Attention", [x, weights, zero, mask], four))[0], whole ?? []);
  });
});
