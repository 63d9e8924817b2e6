/** SqueezeNet 1.0 and 1.1 (Iandola et al. 2016, arXiv 1602.07360). */

import { int, type Model } from "../../onnx/graph.ts";
import { activate, conv, maxPool } from "./blocks.ts";
import { type Family, imageNetCard } from "./family.ts";
import { type BuildOptions, type Flow, NetBuilder, type StateDict } from "./net-builder.ts";

/** Side of the first kernel, and indices of poolings and fire modules in `features`. */
const versions = [
  { name: "squeezenet1_0", kernel: 7, pools: [2, 6, 11], fires: [3, 4, 5, 7, 8, 9, 10, 12] },
  { name: "squeezenet1_1", kernel: 3, pools: [2, 5, 8], fires: [3, 4, 6, 7, 9, 10, 11, 12] },
];
type Version = (typeof versions)[number];

export const squeezenet: Family = {
  name: "squeezenet",
  summary: "SqueezeNet 1.0 and 1.1 (Iandola et al. 2016), torchvision weights",
  recognize: (state) => {
    if (!state.has("features.3.squeeze.weight")) return undefined;
    const kernel = state.get("features.0.weight")?.dims[2];
    const version = versions.find((each) => each.kernel === kernel) ?? versions[0];
    return (
      version && { card: imageNetCard(version.name), guesses: [], build: (o) => build(state, version, o) }
    );
  },
};

function build(state: StateDict, version: Version, options?: BuildOptions): Model {
  const { name: architecture, kernel, pools, fires } = version;
  const net = new NetBuilder(state, architecture, options);
  let x = conv(net, net.input("features.0.weight"), "features.0", { kernel, stride: 2, pad: 0, bias: true });
  x = activate(net, x, "relu", "features.1");
  for (let index = 2; index <= 12; index++) {
    const name = `features.${index}`;
    if (pools.includes(index)) x = maxPool(net, x, { kernel: 3, stride: 2, ceil: true }, name);
    if (fires.includes(index)) x = fire(net, x, name);
  }
  const scores = conv(net, x, "classifier.1", { kernel: 1, bias: true });
  const positive = activate(net, scores, "relu", "classifier.2");
  const means = net.op("GlobalAveragePool", [positive.value], {}, "classifier.3");
  return net.finish("Flatten", [means], { axis: int(1) }, "flatten");
}

/** A fire module: few channels by 1×1, then more by 1×1 and 3×3 in parallel. */
function fire(net: NetBuilder, x: Flow, name: string): Flow {
  const layer = (from: Flow, part: string, kernel: number): Flow =>
    activate(
      net,
      conv(net, from, `${name}.${part}`, { kernel, bias: true }),
      "relu",
      `${name}.${part}_activation`,
    );
  const few = layer(x, "squeeze", 1);
  const [ones, threes] = [layer(few, "expand1x1", 1), layer(few, "expand3x3", 3)];
  const value = net.op("Concat", [ones.value, threes.value], { axis: int(1) }, name);
  const known = ones.width !== undefined && threes.width !== undefined;
  return { value, width: known ? ones.width + threes.width : undefined };
}
