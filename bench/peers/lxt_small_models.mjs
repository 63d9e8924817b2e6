/**
 * relprop beside lxt's two forms on the small random transformers that lxt_small_models.py wrote: a Markdown table, each
 * number the largest difference of single values of relevance, of the largest, over all widths, seeds and composites.
 *
 *     node bench/peers/lxt_small_models.mjs FOLDER
 */
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { runnerImport } from "vite";

process.env.ORT_DISABLE_TELEMETRY = "1";
const ort = await import("onnxruntime-node");
const source = (path) => resolve(import.meta.dirname, "../../packages/relprop/src", path);
const load = async (path) => (await runnerImport(source(path), { configFile: false })).module;
const { readModel, writeModel, concatChunks } = await load("onnx/index.ts");
const { compile } = await load("index.ts");

const [folder] = process.argv.slice(2);
const { cases, versions } = JSON.parse(readFileSync(join(folder, "cases.json"), "utf8"));
const numbers = new Float32Array(Uint8Array.from(readFileSync(join(folder, "relevance.bin"))).buffer);

const peerOf = ({ runs }, run) => {
  const found = runs[run];
  return found && numbers.subarray(found.offset, found.offset + found.count);
};

/** max │a − b│ / max │b│; undefined if there is nothing to compare. */
function distance(a, b) {
  if (!a || !b) return undefined;
  const differences = b.map((value, i) => Math.abs(a[i] - value));
  return Math.max(...differences) / Math.max(...b.map(Math.abs));
}

/** Relevance of the token embeddings. */
async function ours(each, options) {
  const source = readModel(gunzipSync(readFileSync(join(folder, `${each.name}.onnx.gz`))));
  const { model } = compile(source, { ...options, input: "input_ids", layer: each.embedding });
  const session = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), {
    logSeverityLevel: 3,
  });
  const integers = (list) => new ort.Tensor("int64", BigInt64Array.from(list.map(BigInt)), [1, list.length]);
  const target = new Float32Array(each.output.reduce((a, n) => a * n, 1)).fill(1, each.start, each.start + 1);
  const feeds = {
    input_ids: integers(each.ids),
    attention_mask: integers(each.mask),
    target: new ort.Tensor("float32", target, each.output),
  };
  const wanted = new Set(session.inputNames);
  const results = await session.run(
    Object.fromEntries(Object.entries(feeds).filter(([name]) => wanted.has(name))),
  );
  await session.release();
  return results.relevance.data;
}

/** lxt.efficient has AttnLRP alone here; cp-lrp is compared where lxt.explicit has it. */
const compositesOf = ({ runs }) => (runs["cp-lrp"] ? ["attnlrp", "cp-lrp"] : ["attnlrp"]);

/** One column: its head, and the distance for one model and composite. */
const columns = [
  [
    "lxt.explicit, its ε and none",
    async (each, composite) => distance(peerOf(each, composite), peerOf(each, `${composite}, no epsilon`)),
  ],
  [
    "lxt.efficient and lxt.explicit without ε",
    async (each, composite) =>
      composite === "attnlrp"
        ? distance(peerOf(each, "lxt.efficient"), peerOf(each, "attnlrp, no epsilon"))
        : undefined,
  ],
  ["lxt.explicit in float32 and float64", async ({ runs }, composite) => runs[composite]?.rounding],
  [
    "ours, `--dialect lxt`, and lxt.explicit",
    async (each, composite) => {
      const peer = peerOf(each, composite);
      return peer && distance(await ours(each, { composite, dialect: "lxt" }), peer);
    },
  ],
  [
    "ours, `--epsilon 0`, and lxt without ε",
    async (each, composite) => {
      const efficient = composite === "attnlrp" ? peerOf(each, "lxt.efficient") : undefined;
      const peer = peerOf(each, `${composite}, no epsilon`) ?? efficient;
      return peer && distance(await ours(each, { composite, epsilon: 0 }), peer);
    },
  ],
  [
    "ours as it is, and ours with `--epsilon 0`",
    async (each, composite) =>
      distance(await ours(each, { composite }), await ours(each, { composite, epsilon: 0 })),
  ],
];

const groupOf = ({ name }) => {
  const [kind, , spread] = name.split("-");
  return `${kind}, ${spread}`;
};

const groups = new Map();
for (const each of cases) {
  const group = groups.get(groupOf(each)) ?? { models: 0, worst: columns.map(() => undefined) };
  groups.set(groupOf(each), group);
  group.models += 1;
  for (const composite of compositesOf(each)) {
    for (const [i, [, measure]] of columns.entries()) {
      const found = await measure(each, composite);
      if (found !== undefined) group.worst[i] = Math.max(group.worst[i] ?? 0, found);
    }
  }
}

const row = (cells) => `| ${cells.join(" | ")} |`;
console.log(
  Object.entries(versions)
    .map((pair) => pair.join(" "))
    .join(", "),
);
console.log(row(["model, spread of weights", "models", ...columns.map(([head]) => head)]));
console.log(row(["---", "--:", ...columns.map(() => "--:")]));
for (const [name, { models, worst }] of groups)
  console.log(row([name, models, ...worst.map((value) => value?.toExponential(0) ?? "–")]));
