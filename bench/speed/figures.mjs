/** What follows from the measured runs: ratios of medians within a row, and what is wanted of them. */
import { inWasm, ours, wantedOfForward, wantedOfPeers } from "./rows.mjs";

export const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

const mean = (list) => list.reduce((sum, n) => sum + n, 0) / list.length;

/** Pearson's r: the same relevance, whatever its scale. */
export function correlation(a, b) {
  const [ma, mb] = [mean(a), mean(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) ** 2;
    bb += (b[i] - mb) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Node 20 has no Map.groupBy. */
export function groupBy(list, keyOf) {
  const groups = new Map();
  for (const each of list) {
    const key = keyOf(each);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return groups;
}

const rowOf = ({ model, composite, topK, batch, size }) =>
  JSON.stringify({ model, composite, topK, batch, size });

/** Results by row, of subjects that ran. */
function byRow(results) {
  const groups = groupBy(
    results.filter(({ error, runs }) => !error && runs.length > 0),
    rowOf,
  );
  return [...groups.values()].map((list) => new Map(list.map((each) => [each.subject, each])));
}

/** How many times as fast as each peer we are; of the bare forward, as ONNX Runtime is. */
export const ofPeers = (results) =>
  byRow(results).flatMap((row) => {
    const mine = row.get("relprop") ?? row.get("onnxruntime");
    return [...row.values()]
      .filter(({ subject }) => !ours.includes(subject) && !inWasm.includes(subject))
      .map((peer) => ({ mine, peer, ratio: median(peer.runs) / median(mine.runs) }));
  });

/** The pass in units of the bare forward. */
export const passes = (results) =>
  byRow(results).flatMap((row) => {
    const [mine, bare] = [row.get("relprop"), row.get("onnxruntime")];
    return mine && bare ? [{ mine, bare, ratio: median(mine.runs) / median(bare.runs) }] : [];
  });

/** Rows that ran in onnxruntime-web, too. */
export const wasmRows = (results) =>
  byRow(results).flatMap((row) => {
    const native = row.get("relprop");
    const wasm = inWasm.map((subject) => row.get(subject));
    return native && wasm.every(Boolean) ? [{ native, wasm }] : [];
  });

/** The command's throughput by the session's, turn by turn. */
export const sharesOf = ({ photosPerSecond, sessionPerSecond }) =>
  photosPerSecond.map((photos, turn) => photos / sessionPerSecond[turn]);

/** Medians of subjects along an axis: [{ name, points: [[x, seconds]] }]. */
export function along(results, subjects, xOf) {
  return Object.entries(subjects).map(([subject, name]) => ({
    name,
    points: results
      .filter((each) => each.subject === subject && !each.error)
      .map((each) => [xOf(each), median(each.runs)])
      .toSorted(([a], [b]) => a - b),
  }));
}

/** Counted work of a measured row, if it was counted. */
export function workOf(counted, { model, composite, topK, size }) {
  const work = size === 224 && counted[model]?.[topK ? `${composite}, k = ${topK}` : composite];
  return work ? { ...work, forward: counted[model].forward } : undefined;
}

/** What was wanted was wanted of one picture at 224 × 224. */
export const isPlain = ({ batch, size }) => batch === 1 && size === 224;

/** How many times as fast as this peer we are to be, if anything is wanted of it. */
export const wantedOf = (peer) =>
  isPlain(peer)
    ? wantedOfPeers.find(
        ({ model, composite, topK = 0, peer: name }) =>
          model === peer.model && composite === peer.composite && topK === peer.topK && name === peer.subject,
      )?.atLeast
    : undefined;

/** How many forwards the pass may take, if anything is wanted of it. */
export const wantedForwards = (mine) =>
  isPlain(mine)
    ? wantedOfForward.find(({ model, composite }) => model === mine.model && composite === mine.composite)
        ?.atMost
    : undefined;
