/** Results as a page: tables, and what of them is not as it should be. */
import { losses } from "./losses.mjs";
import { wanted } from "./rows.mjs";
import {
  groupBy,
  isPlain,
  median,
  ofPeers,
  passes,
  sharesOf,
  wantedForwards,
  wantedOf,
  wasmRows,
  workOf,
} from "./figures.mjs";

const spread = (list, digits) =>
  `${median(list).toFixed(digits)} (${Math.min(...list).toFixed(digits)}–${Math.max(...list).toFixed(digits)})`;
const seconds = (list) => spread(list, 3);
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;
const times = (ratio) => `${ratio.toFixed(2)}×`;
const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "--:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");

/**
 * @param more results of `--size … --batch …` (growth), of `--wasm`, and of another machine, if there are any
 * @returns the text of docs/performance.md
 */
export function performancePage(measured, counted, { growth, wasm, elsewhere, maps } = {}) {
  const { machine, settings, results, command } = measured;
  const parts = [
    "# Performance",
    "<!-- Written by bench/write-performance.mjs from bench/results; do not edit. -->",
    setup(machine, settings, results),
    "## Against peers",
    "Seconds for one call, median and (smallest–largest); *faster* is the peer's median by ours. *Same* is the correlation of both heatmaps: 1 where both mean the same by the composite's name.",
    peerTable(results),
    notTheSame,
    "## The whole pass in forwards",
    "Heatmap and forward against the model alone in ONNX Runtime.",
    passTable(results, counted),
    ...(maps ? ["## Several maps of one pass", mapsText(maps)] : []),
    "## Memory, compiling, loading",
    "The largest memory of a process, from its start; compiling in a fresh process; the compiled graph's size without weights, which stay the model's own.",
    costTable(results),
    ...(command ? ["## The command", commandText(command)] : []),
    ...(elsewhere ? ["## On another processor", elsewhereText(elsewhere, results)] : []),
    ...(growth ? ["## How cost grows", growthText] : []),
    ...(wasm ? ["## In WebAssembly", wasmText(wasm)] : []),
    "## Counted work",
    "Of one picture at 224 × 224, from shapes (packages/relprop/test/work): multiply-accumulates of the whole pass, in forwards; numbers that all other nodes read and write, in forwards; nodes that run.",
    countTable(counted),
    "## Where we lose",
    losses(measured)
      .map((text) => `- ${text}`)
      .join("\n") || "Nowhere among the figures above.",
    limits,
  ];
  return `${parts.join("\n\n")}\n`;
}

/** Found by giving the same rules to our nodes: both heatmaps are then the same to 1.00000. */
const notTheSame =
  "*Same* is below 1 where zennit has no rule and lets the gradient through: it has none for functional sums (MobileNetV2, EfficientNet-B0 have no canonizer), for the functional average before MobileNetV2's classifier, and for the products of EfficientNet-B0's squeeze-and-excitation, so relevance is not conserved there. With `Add=pass`, `GlobalAveragePool=gradient`, `Mul=gradient` in our composite the correlation is 1.00000 on both.";

const growthText = [
  "ResNet-50 by image size and by batch, and ResNets by depth, all with epsilon-plus-flat, against zennit and the bare forward.",
  ...["size", "batch", "depth"].map((axis) => `![Seconds by ${axis}](performance/${axis}.svg)`),
].join("\n\n");

const kinds = {
  top5: "the best five classes",
  concepts: "eight channels of an inner layer",
  top1: "the best class, found in the graph",
};

/** What no map does again is done once: (f + K·r) / (f + r), with r the part of one map's time that the forward pass f is not. */
function mapsText({ results }) {
  const rows = results.map(({ model, composite, kind, maps, forward, one, several, ratio, wanted }) => [
    `${model} ${composite}, ${kinds[kind]}`,
    ...[forward, one, several].map((time) => time.toFixed(3)),
    times(ratio),
    times((forward + maps * (one - forward)) / one),
    `${wanted}×`,
  ]);
  return [
    "One picture at 224 × 224: seconds of the forward pass, of one map of a named class, and of all maps; *ratio* is the last two's. *Forward once* is what the ratio would be if only the forward pass were shared and each map's way back took as long as alone. Ratios below it come from denominators that are computed once, and from weights that are read once for all maps. VGG-16 under epsilon has neither: its pass is nearly all convolutions, which keep both cores busy with one map already. Written by `node bench/several-maps.mjs`.",
    table(["work", "forward", "one map", "all maps", "ratio", "forward once", "wanted"], rows),
  ].join("\n\n");
}

/** The rows that both machines have run: how many times as fast as its peer each found us. */
function elsewhereText({ machine, results }, here) {
  const ratios = new Map(ofPeers(here).map(({ peer, ratio }) => [`${nameOf(peer)} ${peer.subject}`, ratio]));
  const rows = ofPeers(results).map(({ mine, peer, ratio }) => {
    const found = ratios.get(`${nameOf(peer)} ${peer.subject}`);
    return peerCells({ mine, peer, ratio }).concat(found ? times(found) : "", goalOf(peer));
  });
  return [
    `What a peer gains by its own kernels differs from processor to processor. ${machine.cpu}, ${machine.cores} cores, an earlier version of relprop:`,
    table(["work", "peer", "ours", "peer's", "faster", "faster above", "wanted"], rows),
  ].join("\n\n");
}

function wasmText({ results }) {
  const rows = wasmRows(results).map(({ native, wasm }) => {
    const cells = wasm.map(({ runs }) => `${seconds(runs)}, ${times(median(runs) / median(native.runs))}`);
    return [nameOf(native), seconds(native.runs)].concat(cells, wasm[0].correlation.toFixed(4));
  });
  return [
    "onnxruntime-web in Node, as in browsers without WebGPU: seconds, and how many times those of onnxruntime-node with two threads.",
    table(["work", "native", "one thread", "two threads", "same"], rows),
  ].join("\n\n");
}

/** Why what is not reached cannot be; from profiles of ONNX Runtime 1.30 on the machine above, unless it says Xeon. */
const limits = [
  "## Limits",
  "**Convolutions are most of it.** A 3×3 convolution of VGG-16 (56², 256 channels, 1.85 GMAC) takes ONNX Runtime 16.2 ms, 228 GFLOP/s on the two cores; torch takes 16.7 ms, and its product of two 2048² matrices reaches 188 GFLOP/s. Neither has anything left to gain there, and every pass needs two, three or four convolutions for one. Milliseconds of a profiled pass in convolutions, in the classifier's products (494 MB of weights, read once each time) and in all else: epsilon 281 + 26 + 32, fischer 414 + 46 + 26, zplus 416 + 41 + 35, gamma 414 + 41 + 28, epsilon-alpha2-beta1-flat 547 + 24 + 66, alpha-beta 564 + 54 + 75. With nothing else at all, fischer would be 1.7 times as fast as the seed, epsilon 2.1 times as fast as captum, epsilon-alpha2-beta1-flat 3.0 times as fast as zennit, and epsilon, zplus, gamma and alpha-beta would take 2.1, 3.1, 3.1 and 4.2 forwards of 147 ms: the last transpose runs from 64 channels to 3, where kernels for 16 channels at a time do work for nothing. fischer with k = 0.02 adds 75 ms of TopK and what puts its choice back in place.",
  "**Peak memory of VGG-16**: weights are mapped from the model's file (0.55 GB); a session adds what it makes of them. fischer needs W⁺: 1.8 GB; gamma W + γW⁺ as well: 2.1 GB; alpha-beta W⁺ and W⁻: 2.6 GB. W⁻ᵀs as Wᵀs − W⁺ᵀs would spare one of them, and lose all digits where s is large because little speaks against an output.",
  "**Winograd was tried and left** (Xeon). Written as graph nodes for 3×3 layers of 256 channels and more, two convolutions at 28², 56² and 14² pixels took, instead of 23.0, 22.8 and 5.8 ms: F(2×2, 3×3) 18.6, 27.3 and 5.9 ms; F(4×4, 3×3) 14.9, 18.9 and 6.6 ms; F(4, 3) along the height, with grouped 1×3 convolutions, 14.7, 16.8 and 4.6 ms. The last would save a tenth of the whole pass, and is as exact as the direct convolution (3·10⁻⁷ of the largest value); but it doubles these weights, and where all inputs of an output are 0 it gives 4·10⁻⁷ of its neighbours instead of 0, which a denominator of 10⁻⁶ makes relevance of.",
  "**ViT-B/16 under attnlrp** spends 347 of 425 profiled milliseconds in matrix products (2.07 forwards counted, 2.16 measured); sums, products and divisions of 700 nodes take 42, moving heads 8, sizes without signs 5. It was 2,414 nodes and 1.16 times as fast as lxt on the Xeon, before relevance was divided by what it is a multiple of.",
  "**The filter's TopK runs in one thread on CPUs**, 65 ms of VGG-16's pass at k = 0.02 and 120 ms of ResNet-50's at k = 0.1 (Xeon). Rows searched in parts by several threads, and what they gave once more, took as long; bisection with reductions, which GPUs get, takes 1.2 to 1.4 times as long with two threads. A folder hides it: one session sorts while the other multiplies.",
  "**A folder is faster than the session alone** because two sessions with half of the cores each wait less: at the end of an operator no core waits for another. One session on both cores reached 0.87 of itself (0.79–0.97) under epsilon-plus.",
  "**alpha-beta's fifth convolution** is spared only from 256 inputs an output on: W⁻x as z − b − W⁺x has the rounding of both, and of few inputs nothing else may be left. On a trained ResNet-50 and a photo, relevance is the same with and without it to 6·10⁻⁷ of the largest value (alpha-beta), and so it is with everything that is spared because relevance is known to be 0 (2·10⁻⁷, gamma).",
  "**Recurrent layers cost a graph that does not grow with the sequence.** An LSTM of 256 units on 64 features is 59 nodes under epsilon and 56 under gradient, opened in 0.1 to 0.2 s, for 16, 64 and 512 steps alike. Unrolled, the same network is 558 nodes for 16 steps and 2,190 for 64 (gradient 672 and 2,688), compiled in 0.8 and 1.6 s and opened in 0.5 and 1.3 s (gradient 0.6 and 3.2 s): for 512 steps it would be 17,500. A run of the layer is slower than that of the unrolled network, as Scan starts each of its steps anew. `node bench/recurrent.mjs` measures it.",
].join("\n\n");

function setup(machine, settings, results) {
  const versions = new Map(
    results.filter(({ error }) => !error).map(({ subject, version }) => [subject, version]),
  );
  const torch = results.find((result) => result.torch)?.torch;
  const names = [...versions].map(([subject, version]) => `${subject} ${version}`);
  const busy =
    settings.loadBefore > 0.75
      ? ` **Other processes were busy when it started (load ${settings.loadBefore}): take these figures for nothing.**`
      : "";
  return [
    `${machine.cpu}, ${machine.cores} cores, ${gigabytes(machine.memoryBytes)}, ${machine.platform}, Node ${machine.node}; ${settings.threads} threads for everyone.`,
    `${names.join(", ")}; torch ${torch}. torchvision's networks with random weights, the same for all, batch-norms folded.`,
    `Each subject in a process of its own, three warm-ups, then ${settings.rounds} rounds in which they take turns.${busy}`,
    "Written anew by `node bench/run-peers.mjs` and `node bench/write-performance.mjs`.",
  ].join("\n");
}

const nameOf = ({ model, composite, topK, batch, size }) =>
  `${model} ${composite}${topK ? `, k = ${topK}` : ""}${batch > 1 ? `, batch ${batch}` : ""}${size === 224 ? "" : `, ${size} px`}`;

const peerCells = ({ mine, peer, ratio }) => [
  nameOf(peer),
  peer.subject,
  seconds(mine.runs),
  seconds(peer.runs),
  times(ratio),
];

function goalOf(peer) {
  const goal = wantedOf(peer);
  return goal ? `≥ ${goal}×` : "";
}

const sameness = ({ correlation }) => (correlation === undefined ? "" : correlation.toFixed(4));

function peerTable(results) {
  const rows = ofPeers(results).map((each) => peerCells(each).concat(goalOf(each.peer), sameness(each.peer)));
  return table(["work", "peer", "ours", "peer's", "faster", "wanted", "same"], rows);
}

function passTable(results, counted) {
  const rows = passes(results).map(({ mine, bare, ratio }) => {
    const goal = wantedForwards(mine);
    const work = workOf(counted, mine);
    return [
      nameOf(mine),
      seconds(bare.runs),
      seconds(mine.runs),
      times(ratio),
      goal ? `≤ ${goal}×` : "",
      work ? times(work.macs / work.forward.macs) : "",
    ];
  });
  return table(["work", "forward", "pass", "ratio", "wanted", "counted"], rows);
}

const limit = (value, show) => (value === undefined ? "" : ` (≤ ${show(value)})`);

function costTable(results) {
  const groups = groupBy(
    results.filter(({ error, composite }) => !error && composite !== "forward"),
    ({ model, subject, batch, size }) => JSON.stringify({ model, subject, batch, size }),
  );
  const rows = [...groups].map(([key, list]) => {
    const all = (name) => list.map((each) => each[name]).filter((value) => value !== undefined);
    const typical = (name) => (all(name).length ? `${median(all(name)).toFixed(2)} s` : "");
    const { model, subject, batch, size } = JSON.parse(key);
    const goal =
      subject === "relprop" && isPlain({ batch, size }) ? wanted : { compileSeconds: {}, peakBytes: {} };
    return [
      nameOf({ model, composite: "", batch, size }).trim(),
      subject,
      `${gigabytes(Math.max(...all("peakBytes")))}${limit(goal.peakBytes[model], gigabytes)}`,
      `${typical("compileSeconds")}${limit(goal.compileSeconds[model], (n) => `${n} s`)}`,
      typical("loadSeconds"),
      all("graphBytes").length ? `${(Math.max(...all("graphBytes")) / 1e3).toFixed(0)} kB` : "",
    ];
  });
  return table(["network", "subject", "peak memory", "compile", "load", "graph"], rows);
}

function commandText({ firstHeatmap, throughput }) {
  const rows = Object.entries(firstHeatmap).map(([model, { first, cached }]) => [
    model,
    `${first.toFixed(2)} s`,
    `${median(cached).toFixed(2)} s`,
    `≤ ${wanted.firstHeatmapSeconds[model]} s`,
  ]);
  const parts = [table(["`relprop explain PHOTO`", "the first time", "model cached", "wanted"], rows)];
  if (throughput) {
    const folders = throughput.map(({ composite, topK, photosPerSecond, sessionPerSecond }) => [
      `${composite}${topK ? `, k = ${topK}` : ""}`,
      spread(photosPerSecond, 2),
      spread(sessionPerSecond, 2),
      spread(sharesOf({ photosPerSecond, sessionPerSecond }), 2),
      `≥ ${wanted.throughputShare}`,
    ]);
    parts.push(
      `${throughput[0].photos} photos with ResNet-50, read, explained, drawn and written, in ${throughput[0].photosPerSecond.length} turns with the session alone. Two sessions explain, on a core each; the session alone has both.`,
      table(["composite", "photos a second", "the session alone", "share", "wanted"], folders),
    );
  }
  return parts.join("\n\n");
}

function countTable(counted) {
  const networks = Object.keys(counted);
  const composites = Object.keys(counted[networks[0]]).filter((name) => name !== "forward");
  const cell = (network, name) => {
    const [work, forward] = [counted[network][name], counted[network].forward];
    return `${(work.macs / forward.macs).toFixed(2)} · ${(work.elements / forward.elements).toFixed(1)} · ${work.nodes}`;
  };
  return table(
    ["composite", ...networks],
    composites.map((name) => [name].concat(networks.map((network) => cell(network, name)))),
  );
}
