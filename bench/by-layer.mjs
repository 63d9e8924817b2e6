/**
 * Where the time of an explanation goes: each layer's forward pass and its relevance, as ONNX Runtime's profiler times the
 * nodes of the compiled graph. Every node of it is the model's own or says which of the model's nodes it was made for.
 */
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Optimisation joins nodes and renames them. Up to "basic" every node that runs can be told by its name, so the table is of
 * that; at "all", the level of sessions, a convolution goes by its ReLU's name, and reorderings of memory by none.
 */
const [told, usual] = ["basic", "all"];
const runs = 3;

/** Prints the table for a model and options of `compile`, and which share of the time the names account for. */
export async function printByLayer(model, dims, options) {
  const { compile } = await import("@relprop/core");
  const compiled = compile(model, options);
  const layers = layersOf(compiled.model.graph);
  const measured = async (level) => {
    const { events, seconds } = await profile(compiled, dims, level);
    const found = byLayer(events, layers);
    const share = `${((100 * found.known) / found.total).toFixed(1)} %`;
    return { ...found, said: `${seconds.toFixed(3)} s a run, ${share} of its nodes' time by layer` };
  };
  const all = await measured(usual);
  const { rows, total, said } = await measured(told);
  printTable(rows, total);
  console.log(`\noptimisation "${told}", the table: ${said}; layers below 0.1 % are left out`);
  console.log(`optimisation "${usual}", what sessions use: ${all.said}`);
}

/** Runs a compiled model under the profiler, and gives the times of its nodes. */
async function profile({ model, packsWeights, added }, dims, level) {
  const ort = await import("onnxruntime-node");
  const { externalView } = await import("@relprop/core/onnx");
  const folder = await mkdtemp(join(tmpdir(), "relprop-profile-"));
  const { bytes, data } = externalView(model);
  const session = await ort.InferenceSession.create(bytes, {
    externalData: data,
    graphOptimizationLevel: level,
    enableProfiling: true,
    profileFilePrefix: join(folder, "profile"),
    extra: { session: { disable_prepacking: packsWeights ? "0" : "1" } },
  });
  const feeds = Object.fromEntries(
    [{ name: model.graph.inputs[0].name, shape: dims }, ...added].map(({ name, shape }) => {
      const sizes = shape.map((size) => (typeof size === "number" ? size : dims[0]));
      const numbers = Float32Array.from({ length: sizes.reduce((a, n) => a * n, 1) }, (_, i) => Math.sin(i));
      return [name, new ort.Tensor("float32", numbers, sizes)];
    }),
  );
  await session.run(feeds);
  const start = performance.now();
  for (let i = 0; i < runs; i++) await session.run(feeds);
  const seconds = (performance.now() - start) / 1000 / runs;
  session.endProfiling();
  await session.release();
  const [file] = await readdir(folder);
  const all = JSON.parse(await readFile(join(folder, file), "utf8"));
  await rm(folder, { recursive: true });
  const suffix = "_kernel_time";
  const events = all
    .filter(({ cat, name }) => cat === "Node" && name.endsWith(suffix))
    .map(({ name, dur, args }) => ({
      node: name.slice(0, -suffix.length),
      operator: args.op_name,
      ms: dur / 1000 / (runs + 1),
    }));
  return { events, seconds };
}

/** The layer that each node belongs to, and whether it is part of the explanation, by the node's name. */
function layersOf(graph) {
  const layers = new Map();
  const enter = ({ name, owner, body }, whole) => {
    const layer = whole ?? owner?.node ?? name;
    if (body) for (const part of body) enter(part, layer);
    else layers.set(name, { layer, isExplanation: name.startsWith("lrp/") });
  };
  for (const node of graph.nodes) enter(node);
  return layers;
}

/** Sums of the events by layer. Optimisers keep the name of a node that they change as the beginning of another. */
function byLayer(events, layers) {
  const rows = new Map(
    [...layers.values()].map(({ layer }) => [layer, { layer, forward: 0, relevance: 0, other: 0 }]),
  );
  const unknown = new Map();
  let [known, total] = [0, 0];
  for (const { node, operator, ms } of events) {
    total += ms;
    const found = layerOf(node, layers);
    if (!found) {
      unknown.set(operator, (unknown.get(operator) ?? 0) + ms);
      continue;
    }
    known += ms;
    rows.get(found.layer)[found.isExplanation ? "relevance" : "forward"] += ms;
  }
  for (const [operator, ms] of unknown)
    rows.set(`(${operator})`, { layer: `(${operator})`, forward: 0, relevance: 0, other: ms });
  return { rows: [...rows.values()], known, total };
}

function layerOf(node, layers) {
  for (let name = node; name !== ""; name = name.slice(0, -1)) if (layers.has(name)) return layers.get(name);
  return undefined;
}

function printTable(rows, total) {
  const shown = rows.filter((row) => row.forward + row.relevance + row.other > total / 1000);
  const width = Math.max(...shown.map(({ layer }) => layer.length), 5);
  const line = (layer, ...cells) =>
    console.log(layer.padEnd(width), ...cells.map((cell) => cell.padStart(12)));
  line("layer", "forward", "relevance", "not known");
  for (const { layer, ...times } of shown)
    line(
      layer,
      ...["forward", "relevance", "other"].map((key) =>
        times[key] === 0 ? "" : `${times[key].toFixed(1)} ms`,
      ),
    );
  const sum = (key) => `${rows.reduce((a, row) => a + row[key], 0).toFixed(1)} ms`;
  line("all", sum("forward"), sum("relevance"), sum("other"));
}
