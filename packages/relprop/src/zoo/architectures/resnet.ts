/**
 * ResNet (He et al. 2015, arXiv 1512.03385), Wide ResNet (Zagoruyko and Komodakis 2016) and ResNeXt (Xie et al. 2017),
 * with the names of torchvision and timm. Depth, widths and groups follow from names and shapes; the 3×3 convolution of a
 * bottleneck has the stride 2, as in all of torchvision's weights.
 */

import type { Model } from "../../onnx/graph.ts";
import { activate, add, convNorm, type ConvNormOptions, maxPool, pooledVector } from "./blocks.ts";
import { type Family, countOf, imageNetCard, memberWith } from "./family.ts";
import { type BuildOptions, type Flow, NetBuilder, type StateDict } from "./net-builder.ts";

const stages = [1, 2, 3, 4];

/** Blocks of each stage, whether they are bottlenecks, and width and groups of the first 3×3 convolution. */
interface Member {
  readonly name: string;
  readonly blocks: readonly number[];
  readonly bottleneck: boolean;
  readonly width: number;
  readonly groups: number;
  readonly shortSide?: number;
}

const basic = { bottleneck: false, width: 64, groups: 1 };
const bottleneck = { bottleneck: true, width: 64, groups: 1 };
const [depth50, depth101] = [
  [3, 4, 6, 3],
  [3, 4, 23, 3],
];
const members: readonly Member[] = [
  { name: "resnet18", blocks: [2, 2, 2, 2], ...basic },
  { name: "resnet34", blocks: depth50, ...basic },
  { name: "resnet50", blocks: depth50, ...bottleneck },
  { name: "resnet101", blocks: depth101, ...bottleneck },
  { name: "resnet152", blocks: [3, 8, 36, 3], ...bottleneck },
  { name: "wide_resnet50_2", blocks: depth50, ...bottleneck, width: 128 },
  { name: "wide_resnet101_2", blocks: depth101, ...bottleneck, width: 128 },
  { name: "resnext50_32x4d", blocks: depth50, bottleneck: true, width: 128, groups: 32 },
  { name: "resnext101_32x8d", blocks: depth101, bottleneck: true, width: 256, groups: 32 },
  { name: "resnext101_64x4d", blocks: depth101, bottleneck: true, width: 256, groups: 64, shortSide: 232 },
];

export const resnet: Family = {
  name: "resnet",
  summary: "ResNet-18 to 152, Wide ResNet, ResNeXt (He et al. 2015), torchvision or timm weights",
  recognize: (state) => {
    if (!state.has("layer1.0.conv1.weight")) return undefined;
    const member = memberOf(state);
    const { name, shortSide = 256 } = member ?? { name: "resnet" };
    const card = imageNetCard(name, { shortSide }, member !== undefined);
    return { card, guesses: [], build: (options) => build(state, name, options) };
  },
};

function memberOf(state: StateDict): Member | undefined {
  const blocks = stages.map((stage) => countOf(state, (block) => `layer${stage}.${block}.conv1.weight`));
  const [width = 0, inner = 0] = state.get("layer1.0.conv2.weight")?.dims ?? [];
  const groups = width / inner;
  const isBottleneck = state.has("layer1.0.conv3.weight");
  return memberWith(
    members,
    blocks,
    (row) => row.bottleneck === isBottleneck && row.width === width && row.groups === groups,
  );
}

function build(state: StateDict, architecture: string, options?: BuildOptions): Model {
  const net = new NetBuilder(state, architecture, options);
  let x = net.input("conv1.weight");
  x = convNorm(net, x, "conv1", "bn1", { kernel: 7, stride: 2, activation: "relu" });
  x = maxPool(net, x, { kernel: 3, stride: 2, pad: 1 }, "maxpool");
  const isBottleneck = state.has("layer1.0.conv3.weight");
  for (const stage of stages) {
    // At least one block, so the weights of a missing stage are a problem.
    const count = Math.max(
      1,
      countOf(state, (block) => `layer${stage}.${block}.conv1.weight`),
    );
    for (let block = 0; block < count; block++) {
      const stride = stage > 1 && block === 0 ? 2 : 1;
      x = residualBlock(net, x, `layer${stage}.${block}`, stride, isBottleneck);
    }
  }
  return net.finishLinear(pooledVector(net, x), "fc");
}

function residualBlock(net: NetBuilder, x: Flow, name: string, stride: number, isBottleneck: boolean): Flow {
  const layer = (from: Flow, number: number, options: ConvNormOptions): Flow =>
    convNorm(net, from, `${name}.conv${number}`, `${name}.bn${number}`, options);
  const first = isBottleneck ? { kernel: 1 } : { kernel: 3, stride };
  const inner = layer(x, 1, { ...first, activation: "relu" });
  const y = isBottleneck
    ? layer(layer(inner, 2, { kernel: 3, stride, groups: "by-shape", activation: "relu" }), 3, { kernel: 1 })
    : layer(inner, 2, { kernel: 3 });
  const shortcut = `${name}.downsample`;
  const isProjected = stride > 1 || y.width !== x.width || net.has(`${shortcut}.0.weight`);
  const skip = isProjected
    ? convNorm(net, x, `${shortcut}.0`, `${shortcut}.1`, { kernel: 1, stride, width: y.width })
    : x;
  return activate(net, add(net, y, skip, `${name}.sum`), "relu", name);
}
