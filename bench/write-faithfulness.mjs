/**
 * How faithful composites are: collects what `relprop evaluate` measured, and writes docs/faithfulness.md and its curves.
 *
 *     relprop evaluate PHOTOS --model NET.onnx --methods … --steps 12 --metrics srg,deletion,insertion,grid -o DIR
 *     node bench/write-faithfulness.mjs "ResNet-50=DIR" "EfficientNet-Lite0=DIR2"    # keeps their numbers in bench/results
 *     node bench/write-faithfulness.mjs                                               # writes the page from these
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";

const stored = new URL("results/faithfulness.json", import.meta.url);
const page = new URL("../docs/faithfulness.md", import.meta.url);
const metrics = ["srg", "deletion", "insertion", "grid"];
const references = ["epsilon-plus-ones", "epsilon-gamma-box"];

/** The measured maps of a folder: method -> picture -> numbers, and mean curves. */
function collect(folder) {
  const lines = readFileSync(`${folder}/.relprop-manifest.jsonl`, "utf8").split("\n");
  const results = new Map();
  for (const line of lines.filter((each) => each.trim() !== "")) {
    const { result } = JSON.parse(line);
    if (result?.method) results.set(result.key, result);
  }
  const network = {};
  for (const { method, input, numbers, curves } of results.values()) {
    network[method] ??= { pictures: {} };
    const picture = input.replace(/^.*[\\/]/, "");
    const rounded = metrics.map((metric) => Number(numbers[metric].toPrecision(5)));
    network[method].pictures[picture] = { numbers: rounded, curves: compact(curves) };
  }
  return network;
}

const compact = (curves) =>
  Object.fromEntries(
    Object.entries(curves).map(([name, curve]) => [name, curve.numbers.map((n) => Number(n.toFixed(3)))]),
  );

/** A generator of the same numbers in each run (mulberry32). */
function uniform(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const mean = (list) => list.reduce((sum, n) => sum + n, 0) / list.length;

/** The 95 % interval of the mean by the percentile bootstrap, 10,000 draws. */
function interval(list) {
  const random = uniform(1);
  const means = Array.from({ length: 10_000 }, () =>
    mean(list.map(() => list[Math.floor(random() * list.length)])),
  ).toSorted((a, b) => a - b);
  return [means[249], means[9749]];
}

const signed = (n) => `${n < 0 ? "−" : "+"}${Math.abs(n).toFixed(3)}`;
const plain = (n) => `${n < 0 ? "−" : ""}${Math.abs(n).toFixed(3)}`;
const between = (list, of) => interval(list).map(of).join(" … ");

function differences(pictures, others, metric) {
  const both = Object.keys(pictures).filter((name) => others?.[name]);
  return both.map((name) => pictures[name].numbers[metric] - others[name].numbers[metric]);
}

/** The mean of a metric over a method's pictures. */
const value = ({ pictures }, i) => mean(Object.values(pictures).map(({ numbers }) => numbers[i]));

function tableOf(network) {
  const order = Object.keys(network).toSorted((a, b) => value(network[b], 0) - value(network[a], 0));
  const rows = order.map((method) => {
    const { pictures } = network[method];
    const cells = metrics.map((_, i) => {
      const list = Object.values(pictures).map(({ numbers }) => numbers[i]);
      return i === 3 ? plain(mean(list)) : `${plain(mean(list))} (${between(list, plain)})`;
    });
    return `| \`${method}\` | ${Object.keys(pictures).length} | ${cells.join(" | ")} |`;
  });
  return [
    "| method | pictures | SRG ↑ | deletion ↓ | insertion ↑ | grid ↓ |",
    "| --- | --: | --: | --: | --: | --: |",
    ...rows,
  ].join("\n");
}

function pairsOf(network) {
  const own = network["epsilon-gamma-plus"];
  const rows = references.flatMap((other) => {
    const lists = [0, 1, 2].map((i) => differences(own.pictures, network[other]?.pictures, i));
    if (lists[0].length === 0) return [];
    const cells = lists.map((list) => `${signed(mean(list))} (${between(list, signed)})`);
    return [`| \`${other}\` | ${lists[0].length} | ${cells.join(" | ")} |`];
  });
  return [
    "| `epsilon-gamma-plus` minus … | pictures | SRG | deletion | insertion |",
    "| --- | --: | --: | --: | --: |",
    ...rows,
  ].join("\n");
}

const inks = ["#c0392b", "#2457c5", "#1e8449", "#8e44ad", "#b9770e", "#117a8b", "#555", "#d35477", "#7f8c1f"];

/** Mean deletion and insertion curves of all methods over the pictures that all of them share with the first, as SVG. */
function curvesOf(title, network) {
  const methods = Object.keys(network);
  const kinds = ["deletion", "insertion"];
  const drawn = methods.flatMap((method, at) =>
    kinds.flatMap((kind, panel) => {
      const lists = Object.values(network[method].pictures).flatMap(({ curves }) => {
        const curve = curves[panel === 0 ? "most" : "least"];
        return curve ? [curve] : [];
      });
      if (lists.length === 0) return [];
      const points = lists[0].map((_, i) => {
        const x = 40 + 320 * panel + (260 * i) / (lists[0].length - 1);
        return `${x.toFixed(1)},${(250 - 200 * Math.min(1.1, mean(lists.map((list) => list[i] ?? 0)))).toFixed(1)}`;
      });
      return [
        `<polyline fill="none" stroke="${inks[at % inks.length]}" stroke-width="2" points="${points.join(" ")}"/>`,
      ];
    }),
  );
  const names = methods.map(
    (method, at) => `<text x="670" y="${50 + 20 * at}" fill="${inks[at % inks.length]}">${method}</text>`,
  );
  const axes = kinds.map((kind, panel) => {
    const x = 40 + 320 * panel;
    const what = panel === 0 ? "most relevant removed first" : "least relevant removed first";
    return `<path d="M${x} 50V250H${x + 260}" fill="none" stroke="#888"/><text x="${x}" y="38">${kind}: ${what}</text><text x="${x}" y="270">0</text><text x="${x + 225}" y="270">100 %</text><text x="${x - 12}" y="54">1</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 300" font-family="sans-serif" font-size="13"><rect width="860" height="300" fill="#fff"/><text x="40" y="18" font-weight="bold">${title}: what is left of the probability, mean over pictures</text>${axes.join("")}${drawn.join("")}${names.join("")}</svg>\n`;
}

const networks = existsSync(stored) ? JSON.parse(readFileSync(stored, "utf8")) : {};
for (const given of process.argv.slice(2)) {
  const [name, folder] = given.split("=");
  networks[name] = collect(folder);
}
writeFileSync(stored, `${JSON.stringify(networks)}\n`);

const fileOf = (name) =>
  `faithfulness/${name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replace(/-$/, "")}.svg`;
const sections = Object.entries(networks).map(([name, network]) => {
  writeFileSync(new URL(`../docs/${fileOf(name)}`, import.meta.url), curvesOf(name, network));
  return `## ${name}\n\n${tableOf(network)}\n\nPaired, picture by picture:\n\n${pairsOf(network)}\n\n![Curves](${fileOf(name)})`;
});
const text = readFileSync(page, "utf8");
const [before, after] = ["<!-- tables -->", "<!-- end of tables -->"];
const start = text.indexOf(before) + before.length;
writeFileSync(
  page,
  `${text.slice(0, start)}\n\n${sections.join("\n\n")}\n\n${text.slice(text.indexOf(after))}`,
);
