/**
 * Several maps of one picture against one map: ResNet-50 (of `relprop models pull resnet50`) and VGG-16 (random weights) at 224 × 224.
 *
 *     node bench/several-maps.mjs [--only "resnet50 epsilon top5"]
 *
 * After `npm run build`. Each comparison runs in a process of its own, and its subjects take turns. Medians go to
 * bench/results/several-maps.json, from which write-performance.mjs writes.
 */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { randomVgg16 } from "./random-vgg16.mjs";

process.env.ORT_DISABLE_TELEMETRY = "1";
const rounds = 7;
const maps = { top5: 5, concepts: 8, top1: 1 };
/** At most so many times as long as one map of a named class. */
const wanted = {
  "epsilon top5": 2.4,
  "zplus top5": 2.2,
  "epsilon-plus concepts": 3,
  "epsilon-plus top1": 1.02,
};
const layers = { resnet50: "res4f_branch2c", vgg16: "features.21" };
const file = fileURLToPath(new URL("results/several-maps.json", import.meta.url));
const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];

const { values: options, positionals: job } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string" } },
});

async function modelOf(name) {
  if (name === "vgg16") return randomVgg16();
  const { readModel } = await import("@relprop/core/onnx");
  const cache = process.env.RELPROP_CACHE ?? join(homedir(), ".cache", "relprop");
  return readModel(new Uint8Array(readFileSync(join(cache, "models", `${name}.onnx`))));
}

async function measure(name, composite, kind) {
  const ort = await import("onnxruntime-node");
  const { AnswerSession, Explainer } = await import("@relprop/core");
  const model = await modelOf(name);
  const dims = [1, 3, 224, 224];
  const input = { data: Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => 100 * Math.sin(i)), dims };
  const common = { ort, model, composite, seed: "logit", reduce: "channels" };
  const several = new Explainer({
    ...common,
    ...(kind === "concepts"
      ? { concepts: { layer: layers[name], channels: "strongest" }, maps: maps[kind] }
      : { target: "top1", maps: maps[kind] }),
  });
  const target = kind === "concepts" ? { target: 285 } : {};
  const one = new Explainer(common);
  const forward = new AnswerSession({ ...common, composite: "gradient" });
  const subjects = {
    forward: () => forward.answer(input),
    one: () => one.explain(input, { target: 285 }),
    several: () => several.explain(input, target),
  };
  const seconds = { forward: [], one: [], several: [] };
  for (let round = -2; round < rounds; round++)
    for (const [subject, run] of Object.entries(subjects)) {
      const start = performance.now();
      await run();
      if (round >= 0) seconds[subject].push((performance.now() - start) / 1000);
    }
  console.log(
    JSON.stringify(Object.fromEntries(Object.entries(seconds).map(([key, all]) => [key, median(all)]))),
  );
}

if (job.length === 3) await measure(...job);
else {
  const results = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).results : [];
  for (const model of ["resnet50", "vgg16"])
    for (const [work, goal] of Object.entries(wanted)) {
      const key = `${model} ${work}`;
      if (options.only && options.only !== key) continue;
      const self = fileURLToPath(import.meta.url);
      const { forward, one, several } = JSON.parse(
        execFileSync("node", [self, model, ...work.split(" ")], { encoding: "utf8" }),
      );
      const [composite, kind] = work.split(" ");
      // What no map does again is the forward pass with all denominators.
      const share = (one - forward) / one;
      const ratio = several / one;
      console.log(`${key}: ${ratio.toFixed(2)} (wanted ${goal})`);
      const at = results.findIndex((each) => each.key === key);
      const result = {
        key,
        model,
        composite,
        kind,
        maps: maps[kind],
        forward,
        one,
        several,
        ratio,
        share,
        wanted: goal,
      };
      results.splice(at === -1 ? results.length : at, at === -1 ? 0 : 1, result);
      writeFileSync(file, `${JSON.stringify({ results }, undefined, 2)}\n`);
    }
}
