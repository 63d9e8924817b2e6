/**
 * Small random transformers by both exporters of PyTorch, in the precisions that are deployed, and fused by ONNX Runtime's
 * optimiser: each compiles strictly, keeps its outputs, accounts for its relevance, and has the relevance of the float32
 * network, whose gradient is torch's. Made by bench/peers/precisions.py.
 *
 * Four bits and fused operators hold the float32 network's numbers exactly, so relevance is the same, but for float32's own
 * rounding. Half precision has 11 bits. How far rounding to 8 bits may take relevance is measured: noise as large as that
 * rounding, in all that the float32 network's products read, takes it as far, give or take.
 */

import { writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { relativeDistance } from "../support/run.ts";
import {
  cases,
  explain,
  measuredFile,
  modelOf,
  outputsOf,
  steps,
  withNoise,
  type Case,
  type Explained,
  type File,
  type Measured,
} from "./cases.ts";

const precisionOf = {
  float32: "exact",
  int4: "exact",
  fused: "exact",
  float16: "half",
  mixed16: "half",
  fused16: "half",
  int8: "bytes",
  fused8: "bytes",
  qdq: "bytes",
} as const;

/** Draws of noise, and how many times as far as the farthest of them rounding may take relevance. */
const [draws, farther] = [4, 3];

/** Σ|a − b| / Σ|b| */
function distance(a: Float32Array, b: Float32Array): number {
  const difference = b.reduce((sum, wanted, i) => sum + Math.abs((a[i] as number) - wanted), 0);
  return difference / b.reduce((sum, wanted) => sum + Math.abs(wanted), 0);
}

const composites = ["gradient", "attnlrp", "epsilon-plus"] as const;
type Composite = (typeof composites)[number];

/** On texts epsilon-plus and attnlrp are the same, and Llama's gates have a rule in attnlrp alone. */
const applies = ({ kind }: Case, composite: Composite): boolean =>
  kind === "image" || composite !== "epsilon-plus";

/** The float32 network, as one of the exporters wrote it, with the stabilizer 0 or the usual one. */
const float32 = new Map<string, Promise<Explained>>();
function plain(each: Case, composite: Composite, epsilon?: 0): Promise<Explained> {
  const key = `${each.name} ${composite} ${epsilon}`;
  const model = (): ReturnType<typeof modelOf> => modelOf(each, { exporter: "script", form: "float32" });
  const found = float32.get(key) ?? explain(model(), each, composite, epsilon);
  float32.set(key, found);
  return found;
}

/** How far noise takes outputs and relevance at most. */
const noise = new Map<string, Promise<{ outputs: number; relevance: number }>>();
async function measureNoise(
  each: Case,
  composite: Composite,
): Promise<{ outputs: number; relevance: number }> {
  const exact = await plain(each, composite);
  const model = modelOf(each, { exporter: "script", form: "float32" });
  let [outputs, relevance] = [0, 0];
  for (let seed = 1; seed <= draws; seed++) {
    const found = await explain(await withNoise(model, each, seed), each, composite);
    outputs = Math.max(outputs, distance(found.outputs, exact.outputs));
    relevance = Math.max(relevance, distance(found.relevance, exact.relevance));
  }
  return { outputs, relevance };
}
function farthest(each: Case, composite: Composite): ReturnType<typeof measureNoise> {
  const key = `${each.name} ${composite}`;
  const found = noise.get(key) ?? measureNoise(each, composite);
  noise.set(key, found);
  return found;
}

const isWhole = process.env["UPDATE"] === "1" || process.env["ARCHITECTURES"] === "all";

const measured: Measured[] = [];
afterAll(() => {
  if (process.env["UPDATE"] === "1")
    writeFileSync(measuredFile, `[\n${measured.map((each) => JSON.stringify(each)).join(",\n")}\n]\n`);
});

/** By default each form as one of the exporters wrote it, in turn; `npm run test:architectures` and UPDATE=1 take all. */
const isChosen = (each: Case, { form, exporter }: File): boolean => {
  const forms = [...new Set(each.files.map((file) => file.form))];
  const turn = cases.indexOf(each) + forms.indexOf(form);
  return isWhole || (turn % 2 === 0) === (exporter === "script");
};

const runs = cases.flatMap((each) =>
  each.files
    .filter((file) => isChosen(each, file))
    .flatMap((file) =>
      composites
        .filter((composite) => applies(each, composite))
        .map(
          (composite) =>
            [`${each.name}, ${file.exporter}, ${file.form}, ${composite}`, each, file, composite] as const,
        ),
    ),
);

describe("transformers in the precisions that are deployed", () => {
  it.each(runs)("%s", async (_name, each, file, composite) => {
    const precision = precisionOf[file.form];
    // The stabilizer keeps a share of its own at each sum, and fused operators sum in another order.
    const epsilon = precision === "exact" ? 0 : undefined;
    const model = modelOf(each, file);
    const found = await explain(model, each, composite, epsilon);
    const wanted = await plain(each, composite, epsilon);
    const own = relativeDistance(found.outputs, await outputsOf(model, each, precision === "half"));
    const outputs = distance(found.outputs, wanted.outputs);
    const relevance = distance(found.relevance, wanted.relevance);
    measured.push({
      name: each.name,
      exporter: file.exporter,
      form: file.form,
      composite,
      outputs: Number(outputs.toPrecision(1)),
      relevance: Number(relevance.toPrecision(1)),
    });
    // Half precision is computed in float32, and rounded where the network's own outputs are.
    expect(own).toBeLessThan(precision === "half" ? 2 ** -9 : 2e-5);
    expect(found.relevance.some((n) => n !== 0)).toBe(true);
    // Layers that were spelled out are found in QDQ form, too, and what is rounded inside of them is no part of a rule.
    expect(found.unaccounted).toBeLessThan(file.form === "qdq" ? 1 / steps : 1e-6);
    // torch.export computes the angles of rotary embeddings once, in float32.
    if (precision === "exact" && composite === "gradient")
      expect(relativeDistance(found.relevance, Float32Array.from(each.gradient))).toBeLessThan(
        each.name === "llama" ? 1e-3 : 1e-5,
      );
    const isRotated = each.name === "llama" && file.exporter === "dynamo";
    if (precision === "exact") expect(relevance).toBeLessThan(isRotated ? 1e-3 : 1e-5);
    else if (precision === "half") expect(relevance).toBeLessThan(isRotated ? 2e-3 : 2 ** -11);
    else {
      const most = await farthest(each, composite);
      const more = Math.max(1, outputs / most.outputs);
      expect(relevance).toBeLessThan(Math.min(1, farther * more * most.relevance));
    }
  });
});
