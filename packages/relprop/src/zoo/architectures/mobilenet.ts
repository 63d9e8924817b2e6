/** MobileNetV2 (Sandler et al. 2018, arXiv 1801.04381) and MobileNetV3 (Howard et al. 2019, arXiv 1905.02244). */

import type { Model } from "../../onnx/graph.ts";
import { activate, type Activation, convNorm, linear, pooledVector } from "./blocks.ts";
import { type Family, countOf, imageNetCard } from "./family.ts";
import { invertedResidual, residual } from "./inverted-residual.ts";
import { type BuildOptions, type Flow, NetBuilder, type StateDict } from "./net-builder.ts";

/** Strides of the 17 blocks of MobileNetV2 (its table 2). */
const stridesV2 = [1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1];

const [relu, swish] = ["relu", "hard-swish"] as const;
/** The parts of a block of MobileNetV3 (its tables 1 and 2) that do not follow from shapes. */
type Block = readonly [stride: number, activation: Activation];
const times = (count: number, block: Block): Block[] => Array.from({ length: count }, () => block);
const versionsV3: readonly { readonly name: string; readonly blocks: readonly Block[] }[] = [
  {
    name: "mobilenet_v3_large",
    blocks: [
      [1, relu],
      [2, relu],
      [1, relu],
      [2, relu],
      ...times(2, [1, relu]),
      [2, swish],
      ...times(5, [1, swish]),
      [2, swish],
      ...times(2, [1, swish]),
    ],
  },
  {
    name: "mobilenet_v3_small",
    blocks: [
      [2, relu],
      [2, relu],
      [1, relu],
      [2, swish],
      ...times(4, [1, swish]),
      [2, swish],
      ...times(2, [1, swish]),
    ],
  },
];

export const mobilenetV2: Family = {
  name: "mobilenet_v2",
  summary: "MobileNetV2 (Sandler et al. 2018), torchvision weights",
  recognize: (state) => {
    if (!state.has("features.1.conv.0.0.weight")) return undefined;
    const card = imageNetCard("mobilenet_v2");
    return { card, guesses: [], build: (options) => buildV2(state, options) };
  },
};

function buildV2(state: StateDict, options?: BuildOptions): Model {
  const net = new NetBuilder(state, "mobilenet_v2", options);
  const activation = "relu6";
  let x = net.input("features.0.0.weight");
  x = convNorm(net, x, "features.0.0", "features.0.1", { kernel: 3, stride: 2, activation });
  for (const [i, stride] of stridesV2.entries()) {
    const name = `features.${i + 1}`;
    let part = 0;
    let y = x;
    // A block has three convolutions if it widens, else two.
    if (net.has(`${name}.conv.3.weight`))
      y = convNorm(net, y, `${name}.conv.0.0`, `${name}.conv.${part++}.1`, { kernel: 1, activation });
    const deep = `${name}.conv.${part++}`;
    y = convNorm(net, y, `${deep}.0`, `${deep}.1`, { kernel: 3, stride, groups: "depthwise", activation });
    y = convNorm(net, y, `${name}.conv.${part}`, `${name}.conv.${part + 1}`, { kernel: 1 });
    x = residual(net, x, y, stride, name);
  }
  x = convNorm(net, x, "features.18.0", "features.18.1", { kernel: 1, activation });
  return net.finishLinear(pooledVector(net, x), "classifier.1");
}

export const mobilenetV3: Family = {
  name: "mobilenet_v3",
  summary: "MobileNetV3 small and large (Howard et al. 2019), torchvision weights",
  recognize: (state) => {
    if (!state.has("features.1.block.0.0.weight")) return undefined;
    const count = countOf(state, (index) => `features.${index}.block.0.0.weight`, 1);
    const version = versionsV3.find(({ blocks }) => blocks.length === count) ?? versionsV3[0];
    return (
      version && {
        card: imageNetCard(version.name),
        guesses: [],
        build: (options) => buildV3(state, version, options),
      }
    );
  },
};

function buildV3(
  state: StateDict,
  { name: architecture, blocks }: (typeof versionsV3)[number],
  options?: BuildOptions,
): Model {
  const net = new NetBuilder(state, architecture, options);
  const epsilon = 1e-3;
  const gates = { inner: relu, outer: "hard-sigmoid" } as const;
  const first = { kernel: 3, stride: 2, activation: swish, epsilon };
  let x: Flow = convNorm(net, net.input("features.0.0.weight"), "features.0.0", "features.0.1", first);
  for (const [i, [stride, activation]] of blocks.entries()) {
    x = invertedResidual(net, x, `features.${i + 1}`, { stride, activation, gates, epsilon });
  }
  const last = `features.${blocks.length + 1}`;
  x = convNorm(net, x, `${last}.0`, `${last}.1`, { kernel: 1, activation: swish, epsilon });
  x = activate(net, linear(net, pooledVector(net, x), "classifier.0"), swish, "classifier.1");
  return net.finishLinear(x, "classifier.3");
}
