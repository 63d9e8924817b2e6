/** What is measured, and what is wanted of it. A row is one composite on one network; its subjects take turns. */

/** @typedef {{ model: string, composite: string, topK?: number, peers: string[], quick?: boolean }} Row */

const onEach = (models, rows) => models.flatMap((model) => rows.map((row) => ({ model, ...row })));

/** The bare session, ours, then peers: in this order they take turns. */
export const ours = ["onnxruntime", "relprop"];
/** Ours in onnxruntime-web, by threads. */
export const inWasm = ["wasm.1", "wasm.2"];

/** @type {Row[]} */
export const rows = [
  { model: "vgg16", composite: "fischer", topK: 0, peers: ["seed"], quick: true },
  { model: "vgg16", composite: "fischer", topK: 0.02, peers: ["seed"], quick: true },
  { model: "vgg16", composite: "epsilon-plus-flat", peers: ["zennit"], quick: true },
  { model: "vgg16", composite: "epsilon-gamma-box", peers: ["zennit"], quick: true },
  { model: "vgg16", composite: "epsilon-alpha2-beta1-flat", peers: ["zennit"], quick: true },
  { model: "vgg16", composite: "epsilon", peers: ["captum"], quick: true },
  { model: "vgg16", composite: "zplus", peers: [], quick: true },
  { model: "vgg16", composite: "gamma", peers: [], quick: true },
  { model: "vgg16", composite: "alpha-beta", peers: [], quick: true },
  { model: "resnet50", composite: "epsilon-plus-flat", peers: ["zennit"], quick: true },
  { model: "mobilenet_v2", composite: "epsilon-plus", peers: ["zennit"], quick: true },
  { model: "efficientnet_b0", composite: "epsilon-plus", peers: ["zennit"], quick: true },
  { model: "vit_b_16", composite: "attnlrp", peers: ["lxt", "lxt.explicit"], quick: true },
  ...onEach(
    ["resnet50", "mobilenet_v2", "efficientnet_b0"],
    [
      { composite: "epsilon-gamma-box", peers: ["zennit"] },
      { composite: "epsilon-alpha2-beta1-flat", peers: ["zennit"] },
      { composite: "fischer", topK: 0, peers: [] },
      { composite: "fischer", topK: 0.02, peers: [] },
    ],
  ),
  // What depth costs.
  ...onEach(["resnet18", "resnet101", "resnet152"], [{ composite: "epsilon-plus-flat", peers: ["zennit"] }]),
  ...onEach(["mobilenet_v2", "efficientnet_b0"], [{ composite: "epsilon-plus-flat", peers: ["zennit"] }]),
  { model: "vit_b_16", composite: "cp-lrp", peers: ["lxt", "lxt.explicit"] },
  ...onEach(
    ["vgg16", "resnet50", "mobilenet_v2", "efficientnet_b0", "vit_b_16"],
    [
      { composite: "gradient", peers: ["torch"] },
      { composite: "forward", peers: ["torch"] },
    ],
  ),
];

/** How many times as fast as a peer. */
export const wantedOfPeers = [
  { model: "vgg16", composite: "fischer", topK: 0, peer: "seed", atLeast: 2.0 },
  { model: "vgg16", composite: "fischer", topK: 0.02, peer: "seed", atLeast: 2.1 },
  { model: "vgg16", composite: "epsilon-plus-flat", peer: "zennit", atLeast: 2.3 },
  { model: "vgg16", composite: "epsilon-gamma-box", peer: "zennit", atLeast: 4 },
  { model: "vgg16", composite: "epsilon-alpha2-beta1-flat", peer: "zennit", atLeast: 3.2 },
  { model: "vgg16", composite: "epsilon", peer: "captum", atLeast: 2.2 },
  { model: "resnet50", composite: "epsilon-plus-flat", peer: "zennit", atLeast: 3 },
  { model: "mobilenet_v2", composite: "epsilon-plus", peer: "zennit", atLeast: 2.5 },
  { model: "efficientnet_b0", composite: "epsilon-plus", peer: "zennit", atLeast: 2.5 },
  { model: "vit_b_16", composite: "attnlrp", peer: "lxt", atLeast: 1.3 },
];

/** The whole pass in units of the bare session's forward. */
export const wantedOfForward = [
  { model: "vgg16", composite: "epsilon", atMost: 2.1 },
  { model: "vgg16", composite: "zplus", atMost: 3.05 },
  { model: "vgg16", composite: "gamma", atMost: 3.1 },
  { model: "vgg16", composite: "alpha-beta", atMost: 4.1 },
];

/** Seconds, bytes and shares. */
export const wanted = {
  compileSeconds: { resnet50: 0.3, vgg16: 0.3 },
  firstHeatmapSeconds: { resnet50: 2.5, vgg16: 6 },
  peakBytes: { vgg16: 2.4e9 },
  throughputShare: 0.9,
};
