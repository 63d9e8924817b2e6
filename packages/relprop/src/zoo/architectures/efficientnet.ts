/** EfficientNet B0 to B7 (Tan and Le 2019, arXiv 1905.11946) and V2 S, M, L (Tan and Le 2021, arXiv 2104.00298). */

import type { Model } from "../../onnx/graph.ts";
import { convNorm, pooledVector } from "./blocks.ts";
import { type CardParts, type Family, countOf, imageNetCard, memberWith } from "./family.ts";
import { invertedResidual, residual } from "./inverted-residual.ts";
import { type BuildOptions, type Flow, NetBuilder, type StateDict } from "./net-builder.ts";

/** A member of the family. */
interface Member {
  readonly name: string;
  /** Blocks of each stage. */
  readonly blocks: readonly number[];
  /** Channels of the classifier's input. */
  readonly width: number;
  /** ε of the batch normalisations, which is TensorFlow's in torchvision's B5 to B7 and V2. */
  readonly epsilon: number;
  readonly card: CardParts;
}

/** Blocks of B0's stages (its table 1). */
const baseBlocks = [1, 2, 2, 3, 3, 4, 1];
/** Strides of the stages, the same in all members; V2 S has no seventh stage. */
const strides = [1, 2, 2, 2, 1, 2, 1];

const version1 = (
  name: string,
  depth: number,
  width: number,
  size: number,
  shortSide: number,
  epsilon: number,
): Member => ({
  name: `efficientnet_${name}`,
  blocks: baseBlocks.map((count) => Math.ceil(count * depth)),
  width,
  epsilon,
  card: { size, shortSide, interpolation: "bicubic" },
});

const version2 = (name: string, blocks: readonly number[], card: CardParts): Member => ({
  name: `efficientnet_v2_${name}`,
  blocks,
  width: 1280,
  epsilon: 1e-3,
  card,
});

const half = [0.5, 0.5, 0.5];
const members: readonly Member[] = [
  version1("b0", 1, 1280, 224, 256, 1e-5),
  version1("b1", 1.1, 1280, 240, 256, 1e-5),
  version1("b2", 1.2, 1408, 288, 288, 1e-5),
  version1("b3", 1.4, 1536, 300, 320, 1e-5),
  version1("b4", 1.8, 1792, 380, 384, 1e-5),
  version1("b5", 2.2, 2048, 456, 456, 1e-3),
  version1("b6", 2.6, 2304, 528, 528, 1e-3),
  version1("b7", 3.1, 2560, 600, 600, 1e-3),
  version2("s", [2, 4, 4, 6, 9, 15], { size: 384, shortSide: 384 }),
  version2("m", [3, 5, 5, 7, 14, 18, 5], { size: 480, shortSide: 480 }),
  version2("l", [4, 7, 7, 10, 19, 25, 7], {
    size: 480,
    shortSide: 480,
    interpolation: "bicubic",
    mean: half,
    std: half,
  }),
];

const blockName = (stage: number, block: number): string => `features.${stage}.${block}`;

export const efficientnet: Family = {
  name: "efficientnet",
  summary: "EfficientNet B0 to B7, V2 S, M, L (Tan and Le 2019, 2021), torchvision weights",
  recognize: (state) => {
    if (!state.has("features.1.0.block.0.0.weight")) return undefined;
    const blocks: number[] = [];
    for (let stage = 1, count = 1; count > 0; stage++) {
      count = countOf(state, (block) => `${blockName(stage, block)}.block.0.0.weight`);
      if (count > 0) blocks.push(count);
    }
    const width = state.get("classifier.1.weight")?.dims[1];
    const member = memberWith(members, blocks, (row) => row.width === width);
    const { name, card } = member ?? { name: "efficientnet", card: {} };
    return {
      card: imageNetCard(name, card, member !== undefined),
      guesses: [],
      build: (options) =>
        build(state, member ?? unknown(blocks), member ? [] : [misfit(blocks, width)], options),
    };
  },
};

const unknown = (blocks: readonly number[]): Member => ({
  ...version1("b0", 1, 0, 224, 256, 1e-5),
  name: "efficientnet",
  blocks,
});

const misfit = (blocks: readonly number[], width: number | undefined): string =>
  `${blocks.join(", ")} blocks and a classifier of ${width ?? "no"} channels are none of ` +
  members.map((each) => each.name.slice("efficientnet_".length)).join(", ");

function build(
  state: StateDict,
  member: Member,
  problems: readonly string[],
  options: BuildOptions = {},
): Model {
  const { name: architecture, blocks, epsilon, card } = member;
  const side = card.size ?? 224;
  const net = new NetBuilder(state, architecture, { ...options, size: options.size ?? [side, side] });
  for (const problem of problems) net.addProblem(problem);
  const activation = "silu";
  const gates = { inner: activation, outer: "sigmoid" } as const;
  const first = { kernel: 3, stride: 2, activation, epsilon } as const;
  let x: Flow = convNorm(net, net.input("features.0.0.weight"), "features.0.0", "features.0.1", first);
  for (const [i, count] of blocks.entries()) {
    for (let block = 0; block < count; block++) {
      const name = blockName(i + 1, block);
      const stride = block === 0 ? (strides[i] ?? 1) : 1;
      x = isFused(net, name)
        ? fused(net, x, name, stride, epsilon)
        : invertedResidual(net, x, name, { stride, activation, gates, epsilon });
    }
  }
  const last = `features.${blocks.length + 1}`;
  x = convNorm(net, x, `${last}.0`, `${last}.1`, { kernel: 1, activation, epsilon });
  return net.finishLinear(pooledVector(net, x), "classifier.1");
}

/** Whether a block widens and convolves in one convolution, as in the first stages of V2. */
const isFused = (net: NetBuilder, name: string): boolean =>
  (net.sizeOf(`${name}.block.0.0.weight`, 1) ?? 0) > 1 &&
  (net.sizeOf(`${name}.block.0.0.weight`, 2) ?? 0) > 1;

function fused(net: NetBuilder, x: Flow, name: string, stride: number, epsilon: number): Flow {
  const part = (index: number): [string, string] => [`${name}.block.${index}.0`, `${name}.block.${index}.1`];
  let y = convNorm(net, x, ...part(0), { stride, activation: "silu", epsilon });
  if (net.has(`${name}.block.1.0.weight`)) y = convNorm(net, y, ...part(1), { kernel: 1, epsilon });
  return residual(net, x, y, stride, name);
}
