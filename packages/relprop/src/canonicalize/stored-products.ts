/**
 * Layers whose weights com.microsoft packs: MatMulNBits (2, 4 or 8 bits in blocks), MatMulBnb4 (FP4 and NF4) and
 * GatherBlockQuantized, as Linear and Gather of the real weights that they stand for. The body is the model's own node.
 *
 * Sources: https://github.com/microsoft/onnxruntime/blob/main/docs/ContribOperators.md and Dettmers et al. 2023 (QLoRA)
 */

import { type Node, type Tensor, int, numberAttribute } from "../onnx/graph.ts";
import { wrapped } from "../onnx/axis.ts";
import { packedOf, unpackedTensor } from "../onnx/packed-integers.ts";
import { type StoredWeights, storedWeights } from "../onnx/stored-weights.ts";
import { float32Tensor, isFloat, numbersOf, sizeOf } from "../onnx/tensor.ts";
import { denseNode } from "./integer-products.ts";
import { linearNode } from "./matmul-add-to-linear.ts";
import type { RealValues } from "./real-values.ts";

/** A tensor of whole numbers that were packed into bytes. */
const unpack = (bytes: Tensor, bits: number, dims: readonly number[], highFirst = false): Tensor =>
  unpackedTensor({ bytes, bits, highFirst }, dims);

/** Zero points of blocks [N, blocks]: packed like the weights, whole numbers, or real ones; the middle by default. */
function zeroPoints(given: Tensor | undefined, bits: number, rows: number, blocks: number): Tensor {
  const dims = [rows, blocks];
  if (!given) return float32Tensor(new Float32Array(rows * blocks).fill(2 ** (bits - 1)), dims);
  if (isFloat(given.dataType)) return { ...given, dims };
  const perRow = Math.ceil((blocks * bits) / 8);
  const all = numbersOf(unpack(given, bits, [rows, (perRow * 8) / bits]));
  const width = (perRow * 8) / bits;
  const zeros = Uint8Array.from(
    { length: rows * blocks },
    (_, i) => all[Math.floor(i / blocks) * width + (i % blocks)] ?? 0,
  );
  return { dataType: "uint8", dims, bytes: zeros };
}

/** The weights [K, N] of a MatMulNBits; undefined if its inputs are no constants that fit. */
function blockWeights(node: Node, real: RealValues): Tensor | undefined {
  const [, B, scales, zeros, groups] = node.inputs.map((name) => real.constant(name));
  const [K, N, bits, block] = ["K", "N", "bits", "block_size"].map((name) =>
    numberAttribute(node, name, name === "bits" ? 4 : 0),
  ) as [number, number, number, number];
  const hasZeros = (node.inputs[3] ?? "") !== "";
  if (
    B?.dataType !== "uint8" ||
    scales?.dataType !== "float32" ||
    (hasZeros && !zeros) ||
    block <= 0 ||
    ![2, 4, 8].includes(bits)
  )
    return undefined;
  const blocks = Math.ceil(K / block);
  if (sizeOf(B.dims) !== (N * blocks * block * bits) / 8 || sizeOf(scales.dims) !== N * blocks)
    return undefined;
  const weights: StoredWeights = {
    q: unpack(B, bits, [N, blocks * block]),
    scale: { ...scales, dims: [N, blocks] },
    zero: zeroPoints(zeros, bits, N, blocks),
    axis: 1,
    block,
    columns: K,
    turned: true,
  };
  return groups && !isInOrder(groups, block) ? sortedWeights(weights, groups) : storedWeights(weights);
}

/** The weights [K, N] whose inputs name the block that their scale is of, as float32. */
function sortedWeights({ q, scale, zero, columns: K = 0 }: StoredWeights, groups: Tensor): Tensor {
  const [numbers, scales, zeros, blockOf] = [q, scale, zero ?? scale, groups].map(numbersOf) as [
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
    ArrayLike<number>,
  ];
  const [[N = 1, width = 1], [, blocks = 1]] = [q.dims, scale.dims];
  const data = Float32Array.from({ length: K * N }, (_, i) => {
    const [k, n] = [Math.floor(i / N), i % N];
    const at = n * blocks + (blockOf[k] ?? 0);
    return Math.fround((numbers[n * width + k] ?? 0) - (zeros[at] ?? 0)) * (scales[at] ?? 0);
  });
  return float32Tensor(data, [K, N]);
}

/** Whether the group of each input is the block that it lies in. */
const isInOrder = (groups: Tensor, block: number): boolean =>
  Array.from(numbersOf(groups)).every((group, k) => group === Math.floor(k / block));

/** The numbers that four bits stand for. Dettmers et al. 2023, appendix E; FP4 has a sign, two bits of exponent and one of mantissa. */
const tables: Readonly<Record<number, readonly number[]>> = {
  0: [0, 0.005208333333, 0.66666667, 1, 0.33333333, 0.5, 0.16666667, 0.25],
  1: [
    -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
    -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
    0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
  ],
};

const tableOf = (type: number): readonly number[] | undefined => {
  const half = tables[type];
  return half?.length === 8 ? [...half, ...half.map((number) => -number)] : half;
};

/** The weights [K, N] of a MatMulBnb4, or [N, K] if it does not transpose them. */
function tableWeights(node: Node, real: RealValues): Tensor | undefined {
  const [, B, absmax] = node.inputs.map((name) => real.constant(name));
  const [K, N, block, type] = ["K", "N", "block_size", "quant_type"].map((name) =>
    numberAttribute(node, name, 0),
  ) as [number, number, number, number];
  const table = tableOf(type);
  const blocks = Math.ceil((N * K) / block);
  if (B?.dataType !== "uint8" || absmax?.dataType !== "float32" || !table || sizeOf(absmax.dims) !== blocks)
    return undefined;
  const turned = numberAttribute(node, "transB", 1) === 1;
  // Blocks run through rows.
  const flat = unpack(B, 4, [N * K], true);
  if (K % block !== 0) {
    const [numbers, scales] = [numbersOf(flat), numbersOf(absmax)];
    const at = (row: number, column: number): number =>
      (table[numbers[row * K + column] ?? 0] ?? 0) * (scales[Math.floor((row * K + column) / block)] ?? 0);
    const data = Float32Array.from({ length: N * K }, (_, i) =>
      turned ? at(i % N, Math.floor(i / N)) : at(Math.floor(i / K), i % K),
    );
    return float32Tensor(data, turned ? [K, N] : [N, K]);
  }
  const q = unpack(B, 4, [N, K], true);
  return storedWeights({ q, scale: { ...absmax, dims: [N, K / block] }, table, axis: 1, block, turned });
}

const packed: Readonly<Record<string, (node: Node, real: RealValues) => Tensor | undefined>> = {
  MatMulNBits: blockWeights,
  MatMulBnb4: tableWeights,
};

/** Replaces a product by packed weights. */
export function realPackedProduct(node: Node, real: RealValues): void {
  const weights = packed[node.opType]?.(node, real);
  if (!weights) return real.refuse(node, "its packed weights are no constants that fit each other");
  const [x = "", B = ""] = node.inputs;
  const bias = node.inputs[5] ?? "";
  const inputs = [x, real.add(`${B}_float`, weights), bias] as const;
  if (numberAttribute(node, "accuracy_level", 0) !== roundsInputs) {
    real.replace.set(node, [denseNode(node, inputs)]);
    return;
  }
  // The kernel rounds its input on the way: what it gives is the product only up to that.
  const [z, product] = [real.name(`${node.name}_real`), real.name(`${node.name}_product`)];
  const rounded: Node = {
    name: real.name(`${node.name}_rounded`),
    opType: "DynamicFakeQuantize",
    domain: "relprop",
    inputs: [z],
    outputs: node.outputs,
    attributes: {},
    body: [real.whole(node)],
  };
  real.replace.set(node, [linearNode(node.name, inputs, z, product), rounded]);
}

/** The accuracy level that allows a kernel to compute with int8. */
const roundsInputs = 4;

/** Replaces a lookup in a packed table. */
export function realPackedLookup(node: Node, real: RealValues): void {
  const [data, indices, scales, zeros] = node.inputs;
  const [stored, scale, zero] = [data, scales, zeros].map((name) => real.constant(name ?? ""));
  const table = stored && scale && tableOfBlocks(node, stored, scale, zero);
  if (!table || data === undefined || indices === undefined)
    return real.refuse(node, "its table is no constant of whole numbers that its scales fit");
  const gather: Node = {
    name: node.name,
    opType: "Gather",
    domain: "",
    inputs: [real.add(`${data}_float`, table), indices],
    outputs: node.outputs,
    attributes: { axis: int(numberAttribute(node, "gather_axis", 0)) },
  };
  // Files of opset 17 have no numbers of four bits, so the lookup is in real ones.
  real.replace.set(node, [packedOf(stored) ? gather : { ...gather, body: [node] }]);
}

function tableOfBlocks(
  node: Node,
  stored: Tensor,
  scale: Tensor,
  zero: Tensor | undefined,
): Tensor | undefined {
  if (scale.dataType !== "float32") return undefined;
  const bits = numberAttribute(node, "bits", 4);
  const block = numberAttribute(node, "block_size", 128);
  const isPacked = stored.dataType === "uint8" && !packedOf(stored);
  const last = stored.dims.at(-1) ?? 1;
  const dims = isPacked ? [...stored.dims.slice(0, -1), (last * 8) / bits] : stored.dims;
  const axis = wrapped(numberAttribute(node, "quantize_axis", 1), dims.length);
  const q = isPacked ? unpack(stored, bits, dims) : stored;
  const count = sizeOf(scale.dims);
  const middle = float32Tensor(new Float32Array(count).fill(2 ** (bits - 1)), scale.dims);
  const unpackedZero = zero && isPacked && bits < 8 ? unpackRows(zero, bits, scale.dims) : zero;
  return storedWeights({ q, scale, zero: unpackedZero ?? (isPacked ? middle : undefined), axis, block });
}

/** Zero points that are packed along their last axis, whose rows end with a byte. */
function unpackRows(tensor: Tensor, bits: number, dims: readonly number[]): Tensor {
  const last = dims.at(-1) ?? 1;
  const width = ((tensor.dims.at(-1) ?? 1) * 8) / bits;
  const all = numbersOf(unpack(tensor, bits, [(sizeOf(tensor.dims) * 8) / bits]));
  const bytes = Uint8Array.from(
    { length: sizeOf(dims) },
    (_, i) => all[Math.floor(i / last) * width + (i % last)] ?? 0,
  );
  return { dataType: "uint8", dims, bytes };
}
