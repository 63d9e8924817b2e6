/**
 * An LSTM explained as one layer, against the same network unrolled: nodes of the compiled graph, time to compile, to open a session
 * and to run. `node bench/recurrent.mjs`, after `npm run build`.
 */
import { compile } from "@relprop/core";
import { concatChunks, float32Tensor, GraphBuilder, int, writeModel } from "@relprop/core/onnx";
import * as ort from "onnxruntime-node";

const [features, hidden, classes] = [64, 256, 10];
const rounds = 5;

/** Small numbers that repeat in each run. */
function numbers(dims, seed) {
  let state = seed;
  return Float32Array.from({ length: dims.reduce((a, n) => a * n, 1) }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state / 2 ** 31 - 1) * 0.1;
  });
}

const constant = (b, dims, seed) => b.constant(float32Tensor(numbers(dims, seed), dims), `w${seed}`);

function finish(b, last) {
  b.output(b.op("Gemm", [last, constant(b, [hidden, classes], 9)]), "output");
  return { irVersion: 8, opsets: { "": 17 }, producer: "bench", metadata: {}, graph: b.graph("net") };
}

function asLayer(steps) {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", [steps, 1, features]);
  const rows = 4 * hidden;
  const weights = [
    [1, rows, features],
    [1, rows, hidden],
    [1, 2 * rows],
  ].map((dims, i) => constant(b, dims, i + 1));
  const [, last] = b.ops("LSTM", [x, ...weights], { hidden_size: int(hidden) }, 2);
  return finish(b, b.op("Squeeze", [last, b.integers([0])]));
}

function unrolled(steps) {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", [steps, 1, features]);
  const rows = 4 * hidden;
  const weights = constant(b, [rows, features + hidden], 1);
  const bias = constant(b, [rows], 2);
  let h = b.constant(float32Tensor(new Float32Array(hidden), [1, hidden]), "zeros");
  let c = h;
  for (let t = 0; t < steps; t++) {
    const now = b.op("Gather", [x, b.integer(t)], { axis: int(0) });
    const z = b.op("Gemm", [b.op("Concat", [now, h], { axis: int(1) }), weights, bias], { transB: int(1) });
    const [i, o, f, g] = b.ops("Split", [z], { axis: int(1) }, 4);
    const gated = (signal, gate) => b.op("Mul", [b.op("Sigmoid", [gate]), signal]);
    c = b.op("Add", [gated(c, f), gated(b.op("Tanh", [g]), i)]);
    h = gated(b.op("Tanh", [c]), o);
  }
  return finish(b, h);
}

const seconds = async (work) => {
  const start = performance.now();
  const result = await work();
  return [(performance.now() - start) / 1000, result];
};

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

async function measure(name, model, steps) {
  for (const options of [{ composite: "epsilon" }, { composite: "gradient" }]) {
    const [compiling, compiled] = await seconds(() => compile(model, { ...options, target: 1 }));
    const bytes = concatChunks(writeModel(compiled.model).chunks);
    const [opening, session] = await seconds(() => ort.InferenceSession.create(bytes));
    const plain = await ort.InferenceSession.create(concatChunks(writeModel(model).chunks));
    const feeds = { x: new ort.Tensor("float32", numbers([steps, 1, features], 5), [steps, 1, features]) };
    const times = { explained: [], forward: [] };
    for (let round = 0; round <= rounds; round++) {
      const [explained] = await seconds(() => session.run(feeds));
      const [forward] = await seconds(() => plain.run(feeds));
      if (round === 0) continue;
      times.explained.push(explained);
      times.forward.push(forward);
    }
    console.log(
      `${name}, T = ${steps}, ${options.composite}: ${compiled.model.graph.nodes.length} nodes, compiled in ${compiling.toFixed(2)} s, ` +
        `opened in ${opening.toFixed(2)} s, run in ${(1000 * median(times.explained)).toFixed(1)} ms (forward ${(1000 * median(times.forward)).toFixed(1)} ms)`,
    );
    await session.release();
    await plain.release();
  }
}

for (const steps of [16, 64, 512]) await measure("layer", asLayer(steps), steps);
for (const steps of [16, 64]) await measure("unrolled", unrolled(steps), steps);
