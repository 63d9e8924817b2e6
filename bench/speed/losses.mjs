/** Everything that is slower than a peer, or than what is wanted, in sentences. */
import { isPlain, median, ofPeers, passes, sharesOf, wantedForwards, wantedOf } from "./figures.mjs";
import { wanted } from "./rows.mjs";

const nameOf = ({ model, composite, topK, batch, size }) =>
  `${model} ${composite}${topK ? `, k = ${topK}` : ""}, batch ${batch}, ${size} px`;

/** @returns sentences, none if nothing is lost. */
export function losses({ results, command }) {
  return [
    ...failures(results),
    ...slower(results),
    ...belowWanted(results),
    ...aboveForward(results),
    ...memory(results),
    ...compiling(results),
    ...(command ? commands(command) : []),
  ];
}

const failures = (results) =>
  results
    .filter(({ error }) => error)
    .map((each) => `${nameOf(each)}: ${each.subject} did not run (${each.error}).`);

const slower = (results) =>
  ofPeers(results)
    .filter(({ ratio }) => ratio < 1)
    .map(({ mine, peer, ratio }) => {
      const who = mine.subject === "relprop" ? "we take" : "ONNX Runtime takes";
      return `${nameOf(peer)}: ${peer.subject} is faster, ${who} ${(1 / ratio).toFixed(2)}× its time.`;
    });

const belowWanted = (results) =>
  ofPeers(results)
    .filter(({ peer, ratio }) => ratio < (wantedOf(peer) ?? 0))
    .map(
      ({ peer, ratio }) =>
        `${nameOf(peer)}: ${ratio.toFixed(2)}× as fast as ${peer.subject}, wanted ${wantedOf(peer)}×.`,
    );

const aboveForward = (results) =>
  passes(results)
    .filter(({ mine, ratio }) => ratio > (wantedForwards(mine) ?? Infinity))
    .map(
      ({ mine, ratio }) =>
        `${nameOf(mine)}: the pass takes ${ratio.toFixed(2)} forwards, wanted ${wantedForwards(mine)}.`,
    );

const gigabytes = (bytes) => (bytes / 1e9).toFixed(2);
const largest = (results) => Math.max(...results.map(({ peakBytes }) => peakBytes));

function memory(results) {
  const texts = [];
  for (const [model, limit] of Object.entries(wanted.peakBytes)) {
    const plain = results.filter((each) => !each.error && isPlain(each) && each.model === model);
    const ours = plain.filter(({ subject }) => subject === "relprop");
    if (largest(ours) > limit)
      texts.push(`${model}: up to ${gigabytes(largest(ours))} GB of memory, wanted ${gigabytes(limit)}.`);
    for (const seed of plain.filter(({ subject }) => subject === "seed")) {
      const mine = ours.filter(({ composite, topK }) => composite === seed.composite && topK === seed.topK);
      if (largest(mine) >= seed.peakBytes)
        texts.push(
          `${nameOf(seed)}: ${gigabytes(largest(mine))} GB of memory, the seed ${gigabytes(seed.peakBytes)}.`,
        );
    }
  }
  return texts;
}

const compiling = (results) =>
  Object.entries(wanted.compileSeconds).flatMap(([model, limit]) => {
    const found = results.filter((each) => each.model === model && each.compileSeconds !== undefined);
    if (found.length === 0) return [];
    const seconds = median(found.map((each) => each.compileSeconds));
    return seconds > limit ? [`${model}: compiling takes ${seconds.toFixed(2)} s, wanted ${limit}.`] : [];
  });

function commands({ firstHeatmap, throughput }) {
  const late = Object.entries(firstHeatmap).flatMap(([model, { cached }]) => {
    const [found, limit] = [median(cached), wanted.firstHeatmapSeconds[model]];
    return found > limit
      ? [`${model}: ${found.toFixed(1)} s from the command to the first heatmap, wanted ${limit}.`]
      : [];
  });
  const slow = (throughput ?? []).flatMap(({ composite, ...measured }) => {
    const share = median(sharesOf(measured));
    return share < wanted.throughputShare
      ? [
          `a folder of photos, ${composite}: ${share.toFixed(2)} of the session's throughput, wanted ${wanted.throughputShare}.`,
        ]
      : [];
  });
  return [...late, ...slow];
}
