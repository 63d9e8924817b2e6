/**
 * Small random transformers as ONNX Runtime's optimiser and onnxruntime-genai write them, with operators of com.microsoft:
 * their outputs are those of ONNX Runtime's own kernels, and relevance is that of the plain file of the same network, token
 * by token. Made by bench/peers/fused_transformers.py.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { promptModel } from "../../src/compile/caches.ts";
import { compile } from "../../src/index.ts";
import { concatChunks, readModel, writeModel, type Model } from "../../src/onnx/index.ts";
import { randomNumbers, relativeDistance } from "../support/run.ts";

const ids = [5, 9, 12, 3, 30, 8, 21];
const pixels = [1, 3, 16, 16];

interface Fused {
  readonly name: string;
  readonly producer: "optimised" | "genai";
  /** Its gated product has no rule in cp-lrp, in either file. */
  readonly isGated?: true;
}

const files: readonly Fused[] = [
  { name: "bert", producer: "optimised" },
  { name: "distilbert", producer: "optimised" },
  { name: "vit", producer: "optimised" },
  { name: "gpt2", producer: "optimised" },
  { name: "llama", producer: "optimised", isGated: true },
  { name: "llama", producer: "genai", isGated: true },
  { name: "qwen3", producer: "genai", isGated: true },
  { name: "gemma2", producer: "genai", isGated: true },
];

const bytesOf = (name: string, producer: string): Uint8Array =>
  gunzipSync(readFileSync(new URL(`${name}.${producer}.onnx.gz`, import.meta.url)));

/** A text of 7 tokens, whole; or a picture. A cache of 4 places holds nothing yet. */
function feedsOf({ graph }: Model): Record<string, ort.Tensor> {
  return Object.fromEntries(
    graph.inputs.map(({ name, dataType, shape }) => {
      if (name === "pixel_values") return [name, new ort.Tensor("float32", randomNumbers(768, 5), pixels)];
      if (name.startsWith("past")) {
        const dims = [1, Number(shape[1]), 4, 16];
        return [name, new ort.Tensor("float32", new Float32Array(64 * Number(shape[1])), dims)];
      }
      const kinds = { position_ids: ids.map((_, i) => i), token_type_ids: ids.map((_, i) => Number(i > 3)) };
      const numbers = name === "input_ids" ? ids : (kinds[name as keyof typeof kinds] ?? ids.map(() => 1));
      expect(dataType).toBe("int64");
      return [name, new ort.Tensor("int64", BigInt64Array.from(numbers, BigInt), [1, ids.length])];
    }),
  );
}

async function run(
  bytes: Uint8Array,
  feeds: Record<string, ort.Tensor>,
): Promise<Record<string, ort.Tensor>> {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 4 });
  const wanted = new Set(session.inputNames);
  const given = Object.entries(feeds).filter(([name]) => wanted.has(name));
  const results = await session.run(Object.fromEntries(given));
  await session.release();
  return results;
}

const numbersOf = (tensor: ort.Tensor | undefined): Float32Array => tensor?.data as Float32Array;

interface Explained {
  readonly logits: Float32Array;
  readonly relevance: Float32Array;
}

/** Relevance of the fourth number of the last place. */
async function explain(bytes: Uint8Array, composite: string): Promise<Explained> {
  const { model } = promptModel(readModel(bytes));
  const isText = model.graph.inputs.some(({ name }) => name === "input_ids");
  const options = { composite, ...(isText && { input: "input_ids" }), start: "output", epsilon: 0 } as const;
  const compiled = compile(model, { ...options, output: "logits" });
  expect(compiled.model.graph.inputs.filter(({ name }) => name.startsWith("past"))).toEqual([]);
  const { shape } = compiled.model.graph.inputs.find(({ name }) => name === "target")!;
  const dims = shape.map((size, i) => (typeof size === "number" ? size : i === 0 ? 1 : ids.length));
  const data = new Float32Array(dims.reduce((a, n) => a * n, 1));
  data[data.length - (dims.at(-1) ?? 0) + 3] = 1;
  const feeds = { ...feedsOf(model), target: new ort.Tensor("float32", data, dims) };
  const { logits, relevance } = await run(concatChunks(writeModel(compiled.model).chunks), feeds);
  return { logits: numbersOf(logits), relevance: numbersOf(relevance) };
}

describe.each(files)("$name, $producer", ({ name, producer, isGated }) => {
  const bytes = bytesOf(name, producer);

  it("has the outputs of ONNX Runtime's kernels", async () => {
    const { logits } = await run(bytes, feedsOf(readModel(bytes)));
    const explained = await explain(bytes, "attnlrp");
    expect(relativeDistance(explained.logits, numbersOf(logits))).toBeLessThan(5e-6);
  });

  it.each(["attnlrp", "gradient", ...(isGated ? [] : ["cp-lrp"])])(
    "has the relevance of the plain file, %s",
    async (composite) => {
      const [fused, plain] = [
        await explain(bytes, composite),
        await explain(bytesOf(name, "plain"), composite),
      ];
      expect(plain.relevance.some((n) => n !== 0)).toBe(true);
      expect(relativeDistance(fused.logits, plain.logits)).toBeLessThan(5e-5);
      expect(relativeDistance(fused.relevance, plain.relevance)).toBeLessThan(1e-4);
    },
  );
});
