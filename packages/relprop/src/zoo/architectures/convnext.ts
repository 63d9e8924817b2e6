/** ConvNeXt (Liu et al. 2022, arXiv 2201.03545), under torchvision's and timm's names. */

import { type Model, type Tensor } from "../../onnx/graph.ts";
import { add, conv, pooledVector } from "./blocks.ts";
import { type Family, countOf, imageNetCard, memberWith } from "./family.ts";
import { type BuildOptions, type Flow, NetBuilder, type StateDict } from "./net-builder.ts";
import { channelsFirst, channelsLast, layerNorm, tokenMlp } from "./token-blocks.ts";

/** Blocks of each stage, channels of the first stage, and the shorter side of torchvision's preprocessing. */
const members = [
  { name: "convnext_tiny", blocks: [3, 3, 9, 3], width: 96, shortSide: 236 },
  { name: "convnext_small", blocks: [3, 3, 27, 3], width: 96, shortSide: 230 },
  { name: "convnext_base", blocks: [3, 3, 27, 3], width: 128, shortSide: 232 },
  { name: "convnext_large", blocks: [3, 3, 27, 3], width: 192, shortSide: 232 },
];

/** Names of the parts in the state dict; stages count from 0. */
interface Names {
  readonly stem: readonly [conv: string, norm: string];
  readonly block: (stage: number, block: number) => string;
  /** Between a stage and the one before it. */
  readonly downsample: (stage: number) => readonly [norm: string, conv: string];
  readonly depthwise: string;
  readonly norm: string;
  readonly mlp: readonly [first: string, second: string];
  readonly scale: string;
  readonly head: readonly [norm: string, linear: string];
}

const torchvision: Names = {
  stem: ["features.0.0", "features.0.1"],
  block: (stage, block) => `features.${2 * stage + 1}.${block}`,
  downsample: (stage) => [`features.${2 * stage}.0`, `features.${2 * stage}.1`],
  depthwise: "block.0",
  norm: "block.2",
  mlp: ["block.3", "block.5"],
  scale: "layer_scale",
  head: ["classifier.0", "classifier.2"],
};
const timm: Names = {
  stem: ["stem.0", "stem.1"],
  block: (stage, block) => `stages.${stage}.blocks.${block}`,
  downsample: (stage) => [`stages.${stage}.downsample.0`, `stages.${stage}.downsample.1`],
  depthwise: "conv_dw",
  norm: "norm",
  mlp: ["mlp.fc1", "mlp.fc2"],
  scale: "gamma",
  head: ["head.norm", "head.fc"],
};
const stages = [0, 1, 2, 3];
const epsilon = 1e-6;

export const convnext: Family = {
  name: "convnext",
  summary: "ConvNeXt tiny to large (Liu et al. 2022), torchvision or timm weights",
  recognize: (state) => {
    const names = [torchvision, timm].find(({ block, scale }) => state.has(`${block(0, 0)}.${scale}`));
    if (!names) return undefined;
    const width = state.get(`${names.stem[0]}.weight`)?.dims[0];
    const blocks = stages.map((stage) => blocksOf(state, names, stage));
    const member = memberWith(members, blocks, (row) => row.width === width);
    const name = member?.name ?? "convnext";
    const buildIt = (options?: BuildOptions): Model => build(state, name, names, options);
    if (names === torchvision) {
      const { shortSide = 256 } = member ?? {};
      return { card: imageNetCard(name, { shortSide }, member !== undefined), guesses: [], build: buildIt };
    }
    const card = imageNetCard(name, { interpolation: "bicubic" }, false);
    return {
      card,
      guesses: ["shorter side to 256, bicubic, as timm has it without a config.json"],
      build: buildIt,
    };
  },
};

const blocksOf = (state: StateDict, names: Names, stage: number): number =>
  countOf(state, (block) => `${names.block(stage, block)}.${names.depthwise}.weight`);

function build(state: StateDict, architecture: string, names: Names, options?: BuildOptions): Model {
  const net = new NetBuilder(state, architecture, options);
  const [stem, stemNorm] = names.stem;
  let x = net.input(`${stem}.weight`);
  x = imageNorm(net, conv(net, x, stem, { kernel: 4, stride: 4, pad: 0, bias: true }), stemNorm);
  for (const stage of stages) {
    if (stage > 0) {
      const [norm, reduce] = names.downsample(stage);
      x = conv(net, imageNorm(net, x, norm), reduce, { kernel: 2, stride: 2, pad: 0, bias: true });
    }
    const count = Math.max(1, blocksOf(state, names, stage));
    for (let block = 0; block < count; block++) x = convnextBlock(net, x, names, names.block(stage, block));
  }
  const [norm, linear] = names.head;
  return net.finishLinear(layerNorm(net, pooledVector(net, x), norm, epsilon), linear);
}

/** A layer norm over the channels of each pixel. */
const imageNorm = (net: NetBuilder, x: Flow, name: string): Flow =>
  channelsFirst(
    net,
    layerNorm(net, channelsLast(net, x, `${name}.channels_last`), name, epsilon),
    `${name}.channels_first`,
  );

function convnextBlock(net: NetBuilder, x: Flow, names: Names, name: string): Flow {
  const [first, second] = names.mlp;
  const deep = conv(net, x, `${name}.${names.depthwise}`, { kernel: 7, groups: "depthwise", bias: true });
  const pixels = channelsLast(net, deep, `${name}.channels_last`);
  const normed = layerNorm(net, pixels, `${name}.${names.norm}`, epsilon);
  const mixed = tokenMlp(net, normed, `${name}.${first}`, `${name}.${second}`);
  const y = channelsFirst(net, mixed, `${name}.channels_first`);
  const gamma = `${name}.${names.scale}`;
  const scale = net.weight(gamma, names === torchvision ? [x.width, 1, 1] : [x.width], overPixels);
  return add(net, { value: net.op("Mul", [y.value, scale], {}, `${name}.scaled`), width: y.width }, x, name);
}

/** [C] as [C, 1, 1]. */
const overPixels = (tensor: Tensor): Tensor => ({ ...tensor, dims: [tensor.dims[0] ?? 0, 1, 1] });
