/**
 * DenseNet (Huang et al. 2017, arXiv 1608.06993). torchvision's published files name the parts of a layer `norm.1`, `conv.1`,
 * as it did until 2018; today it saves `norm1`, `conv1`. Both are read.
 */

import { int, type Model } from "../../onnx/graph.ts";
import { activate, averagePool, batchNorm, conv, convNorm, maxPool, pooledVector } from "./blocks.ts";
import { type Family, countOf, imageNetCard, memberWith } from "./family.ts";
import { type BuildOptions, type Flow, NetBuilder, type StateDict } from "./net-builder.ts";

/** Layers of each block, and channels of the first convolution. */
const members = [
  { name: "densenet121", blocks: [6, 12, 24, 16], width: 64 },
  { name: "densenet161", blocks: [6, 12, 36, 24], width: 96 },
  { name: "densenet169", blocks: [6, 12, 32, 32], width: 64 },
  { name: "densenet201", blocks: [6, 12, 48, 32], width: 64 },
];
const stages = [1, 2, 3, 4];

const layerName = (stage: number, layer: number): string => `features.denseblock${stage}.denselayer${layer}`;

export const densenet: Family = {
  name: "densenet",
  summary: "DenseNet-121, 161, 169, 201 (Huang et al. 2017), torchvision weights",
  recognize: (state) => {
    const parts = ["conv1", "conv.1"];
    const part = parts.find((each) => state.has(`${layerName(1, 1)}.${each}.weight`));
    if (part === undefined) return undefined;
    const blocks = stages.map((stage) => layersOf(state, stage, part));
    const width = state.get("features.conv0.weight")?.dims[0];
    const member = memberWith(members, blocks, (row) => row.width === width);
    const name = member?.name ?? "densenet";
    return {
      card: imageNetCard(name, {}, member !== undefined),
      guesses: [],
      build: (options) => build(state, name, part.slice(4, -1), options),
    };
  },
};

const layersOf = (state: StateDict, stage: number, part: string): number =>
  countOf(state, (layer) => `${layerName(stage, layer)}.${part}.weight`, 1);

/** @param dot the text between `conv` and its number */
function build(state: StateDict, architecture: string, dot: string, options?: BuildOptions): Model {
  const net = new NetBuilder(state, architecture, options);
  let x = net.input("features.conv0.weight");
  x = convNorm(net, x, "features.conv0", "features.norm0", { kernel: 7, stride: 2, activation: "relu" });
  x = maxPool(net, x, { kernel: 3, stride: 2, pad: 1 }, "features.pool0");
  for (const stage of stages) {
    const layers = Math.max(1, layersOf(state, stage, `conv${dot}1`));
    for (let layer = 1; layer <= layers; layer++) x = denseLayer(net, x, layerName(stage, layer), dot);
    if (stage < 4) x = transition(net, x, `features.transition${stage}`);
  }
  x = activate(net, batchNorm(net, x, "features.norm5"), "relu", "features.activation");
  return net.finishLinear(pooledVector(net, x), "classifier");
}

/** Appends the channels that a bottleneck computes of all previous ones. */
function denseLayer(net: NetBuilder, x: Flow, name: string, dot: string): Flow {
  const few = preActivated(net, x, `${name}.norm${dot}1`, `${name}.conv${dot}1`, 1);
  const more = preActivated(net, few, `${name}.norm${dot}2`, `${name}.conv${dot}2`, 3);
  const value = net.op("Concat", [x.value, more.value], { axis: int(1) }, name);
  const known = x.width !== undefined && more.width !== undefined;
  return { value, width: known ? x.width + more.width : undefined };
}

const transition = (net: NetBuilder, x: Flow, name: string): Flow =>
  averagePool(
    net,
    preActivated(net, x, `${name}.norm`, `${name}.conv`, 1),
    { kernel: 2, stride: 2 },
    `${name}.pool`,
  );

const preActivated = (net: NetBuilder, x: Flow, norm: string, name: string, kernel: number): Flow =>
  conv(net, activate(net, batchNorm(net, x, norm), "relu", `${norm}.activation`), name, { kernel });
