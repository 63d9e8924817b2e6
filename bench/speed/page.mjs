/** Results as a page: tables, and what of them is not as it should be. */
import { losses } from "./losses.mjs";
import { wanted } from "./rows.mjs";
import { groupBy, isPlain, median, ofPeers, passes, wantedForwards, wantedOf, workOf } from "./figures.mjs";

const seconds = (list) =>
  `${median(list).toFixed(3)} (${Math.min(...list).toFixed(3)}–${Math.max(...list).toFixed(3)})`;
const gigabytes = (bytes) => `${(bytes / 1e9).toFixed(2)} GB`;
const times = (ratio) => `${ratio.toFixed(2)}×`;
const table = (head, rows) =>
  [head, head.map((_, i) => (i === 0 ? "---" : "--:")), ...rows]
    .map((row) => `| ${row.join(" | ")} |`)
    .join("\n");

/** @returns the text of docs/performance.md */
export function performancePage(measured, counted) {
  const { machine, settings, results, command } = measured;
  const parts = [
    "# Performance",
    "<!-- Written by bench/write-performance.mjs from bench/results; do not edit. -->",
    setup(machine, settings, results),
    "## Against peers",
    "Seconds for one call, median and (smallest–largest); *faster* is the peer's median by ours. *Same* is the correlation of both heatmaps: 1 where both mean the same by the composite's name.",
    peerTable(results),
    "## The whole pass in forwards",
    "Heatmap and forward against the model alone in ONNX Runtime.",
    passTable(results, counted),
    "## Memory, compiling, loading",
    "The largest memory of a process, from its start; compiling in a fresh process; the compiled graph's size without weights, which stay the model's own.",
    costTable(results),
    ...(command ? ["## The command", commandText(command)] : []),
    "## Counted work",
    "Of one picture at 224 × 224, from shapes (packages/relprop/test/work): multiply-accumulates of the whole pass, in forwards; numbers that all other nodes read and write, in forwards; nodes that run.",
    countTable(counted),
    "## Where we lose",
    losses(measured)
      .map((text) => `- ${text}`)
      .join("\n") || "Nowhere among the figures above.",
  ];
  return `${parts.join("\n\n")}\n`;
}

function setup(machine, settings, results) {
  const versions = new Map(
    results.filter(({ error }) => !error).map(({ subject, version }) => [subject, version]),
  );
  const torch = results.find((result) => result.torch)?.torch;
  const names = [...versions].map(([subject, version]) => `${subject} ${version}`);
  const busy =
    settings.loadBefore > 0.5
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

function peerTable(results) {
  const rows = ofPeers(results).map(({ mine, peer, ratio }) => {
    const goal = wantedOf(peer);
    return [
      nameOf(peer),
      peer.subject,
      seconds(mine.runs),
      seconds(peer.runs),
      times(ratio),
      goal ? `≥ ${goal}×` : "",
      peer.correlation === undefined ? "" : peer.correlation.toFixed(4),
    ];
  });
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
    const spread = (name) => (all(name).length ? `${median(all(name)).toFixed(2)} s` : "");
    const { model, subject, batch, size } = JSON.parse(key);
    const goal =
      subject === "relprop" && isPlain({ batch, size }) ? wanted : { compileSeconds: {}, peakBytes: {} };
    return [
      nameOf({ model, composite: "", batch, size }).trim(),
      subject,
      `${gigabytes(Math.max(...all("peakBytes")))}${limit(goal.peakBytes[model], gigabytes)}`,
      `${spread("compileSeconds")}${limit(goal.compileSeconds[model], (n) => `${n} s`)}`,
      spread("loadSeconds"),
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
    const { photos, photosPerSecond, sessionPerSecond } = throughput;
    const share = (photosPerSecond / sessionPerSecond).toFixed(2);
    parts.push(
      `A folder of ${photos} photos with ResNet-50, read, explained, drawn and written: ${photosPerSecond.toFixed(2)} photos a second, ${share} of the session's ${sessionPerSecond.toFixed(2)} (wanted: ${wanted.throughputShare}).`,
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
