/**
 * Concepts of the zoo's ResNet-50 on a real photo, in two layers: the maps of the five strongest channels differ (no two
 * correlate by 0.9 or more), each map's sum and what the layers below kept add up to the channel's relevance, to 1e-4 of
 * the largest channel's, and signs agree. Not among the tests, since it needs the network's weights.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readNpy } from "../packages/relprop/dist/heatmap/index.js";

const photo = "examples/photos/chelsea.png";
const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

const product = (a, c) => sum(a.map((value, i) => value * c[i]));
const centred = (map) => {
  const mean = sum(map) / map.length;
  return map.map((value) => value - mean);
};
/** Pearson's, of two maps of one size. */
const correlation = (a, c) => {
  const [x, y] = [centred(a), centred(c)];
  return product(x, y) / Math.sqrt(product(x, x) * product(y, y));
};

const folder = mkdtempSync(join(tmpdir(), "relprop-concepts-"));
let failed = 0;
const check = (holds, text) => {
  if (!holds) failed++;
  console.log(`${holds ? "ok  " : "FAIL"} ${text}`);
};
try {
  for (const layer of ["res5c_branch2c", "res4f_branch2c"]) {
    const args = [
      "--layer",
      layer,
      "--count",
      "5",
      "--save",
      "npy",
      "--json",
      "--quiet",
      "-o",
      join(folder, layer),
    ];
    const output = execFileSync("npx", ["--no-install", "relprop", "concepts", photo, ...args], {
      encoding: "utf8",
    });
    const { start, passed, around, above, concepts } = JSON.parse(output.split("\n", 1)[0]);
    const share = (part) => `${((100 * part) / start).toFixed(1)} %`;
    const gap = Math.abs(start - passed - around - above) / Math.abs(start);
    check(
      gap <= 1e-4,
      `${layer}: ${share(passed)} through, ${share(around)} around, ${share(above)} above, gap ${gap.toExponential(1)}`,
    );
    const largest = Math.max(...concepts.map(({ relevance }) => Math.abs(relevance)));
    const maps = concepts.map(({ npy }) => Array.from(readNpy(readFileSync(join(folder, layer, npy))).data));
    for (const [i, { channel, relevance, share: part, kept }] of concepts.entries()) {
      const reached = sum(maps[i]);
      const missing = Math.abs(relevance - reached - sum(Object.values(kept))) / largest;
      const agrees = Math.sign(relevance) === Math.sign(part) && Math.sign(reached) === Math.sign(part);
      check(
        missing <= 1e-4 && Math.abs(kept.rest) / largest <= 1e-4 && agrees,
        `${layer}, channel ${channel}: ${(100 * part).toFixed(1)} %, ΣR ${relevance.toFixed(4)}, of its map ${reached.toFixed(4)}, of biases ${kept.bias.toFixed(4)}, gap ${missing.toExponential(1)}`,
      );
    }
    const pairs = maps.flatMap((map, i) => maps.slice(i + 1).map((other) => correlation(map, other)));
    const highest = Math.max(...pairs);
    check(
      maps.length === 5 && highest < 0.9,
      `${layer}: ${pairs.length} correlations, ${pairs.map((each) => each.toFixed(2)).join(" ")}; the highest ${highest.toFixed(3)}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed > 0 ? 1 : 0);
