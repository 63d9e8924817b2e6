/** AlexNet as in torchvision: one column, no local response normalisation (Krizhevsky 2014, arXiv 1404.5997). */

import { int } from "../../onnx/graph.ts";
import { adaptiveAveragePool } from "../adaptive-average-pool.ts";
import { activate, conv, linear, maxPool } from "./blocks.ts";
import { type Family, imageNetCard } from "./family.ts";
import { type Flow, NetBuilder } from "./net-builder.ts";

/** Convolutions by their index in `features`; after the `pooled` ones comes a max pooling of 3, stride 2. */
const convolutions = [
  { index: 0, kernel: 11, stride: 4, pad: 2, pooled: true },
  { index: 3, kernel: 5, pooled: true },
  { index: 6, kernel: 3 },
  { index: 8, kernel: 3 },
  { index: 10, kernel: 3, pooled: true },
];

export const alexnet: Family = {
  name: "alexnet",
  summary: "AlexNet (Krizhevsky 2014), torchvision weights",
  recognize: (state) => {
    if (state.get("features.0.weight")?.dims[2] !== 11) return undefined;
    return {
      card: imageNetCard("alexnet"),
      guesses: [],
      build(options) {
        const net = new NetBuilder(state, "alexnet", options, 63);
        let x = net.input("features.0.weight");
        for (const { index, pooled, ...options } of convolutions) {
          x = conv(net, x, `features.${index}`, { ...options, bias: true });
          x = activate(net, x, "relu", `features.${index + 1}`);
          if (pooled) x = maxPool(net, x, { kernel: 3, stride: 2 }, `features.${index + 2}`);
        }
        const grid = x.value && adaptiveAveragePool(net.builder, x.value, [6, 6]);
        x = {
          value: net.op("Flatten", [grid], { axis: int(1) }, "flatten"),
          width: x.width === undefined ? undefined : x.width * 36,
        };
        for (const name of ["classifier.1", "classifier.4"]) x = hidden(net, x, name);
        return net.finishLinear(x, "classifier.6");
      },
    };
  },
};

const hidden = (net: NetBuilder, x: Flow, name: string): Flow =>
  activate(net, linear(net, x, name), "relu", `${name}.activation`);
