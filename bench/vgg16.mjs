/**
 * VGG-16 at 224×224, random weights, one image: the forward pass alone, and the whole `fischer` pass with k = 0 and
 * k = 0.02. Each variant runs in its own process, so that the peak memory printed is its own; the timings take turns
 * over several rounds, so that a machine that drifts drifts for all.
 *
 *     npm run bench
 *     npm run bench -- --by-layer     where the time of the whole pass goes instead, layer by layer
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { printByLayer } from "./by-layer.mjs";
import { randomVgg16 } from "./random-vgg16.mjs";

process.env.ORT_DISABLE_TELEMETRY = "1";
const rounds = 3;
const variants = ["forward", "fischer, k = 0", "fischer, k = 0.02"];
const targets = { ratio: 3.1, memoryGB: 2.6 };

async function measure(variant) {
  const ort = await import("onnxruntime-node");
  const { Explainer } = await import("@relprop/core");
  const { externalView } = await import("@relprop/core/onnx");
  const model = await randomVgg16();
  const input = {
    data: Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i)),
    dims: [1, 3, 224, 224],
  };
  let run;
  if (variant === "forward") {
    const { bytes, data } = externalView(model);
    const session = await ort.InferenceSession.create(bytes, { externalData: data });
    run = () => session.run({ input: new ort.Tensor("float32", input.data, input.dims) });
  } else {
    const topK = Number(variant.split("= ")[1]);
    const explainer = new Explainer({ ort, model, composite: "fischer", reduce: "channels", topK });
    await explainer.ready();
    run = () => explainer.explain(input);
  }
  for (let i = 0; i < 2; i++) await run();
  const seconds = [];
  for (let i = 0; i < 7; i++) {
    const start = performance.now();
    await run();
    seconds.push((performance.now() - start) / 1000);
  }
  const peak = process.resourceUsage().maxRSS / 1024 ** 2;
  console.log(JSON.stringify({ seconds: seconds.sort((a, b) => a - b)[3], peak }));
}

function median(numbers) {
  return numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

if (process.argv[2] === "--by-layer") {
  await printByLayer(await randomVgg16(), [1, 3, 224, 224], {
    composite: "fischer",
    topK: 0.02,
    reduce: "channels",
  });
} else if (process.argv[2]) {
  await measure(process.argv[2]);
} else {
  const results = Object.fromEntries(variants.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    for (const variant of variants) {
      const output = execFileSync(process.execPath, [fileURLToPath(import.meta.url), variant], {
        encoding: "utf8",
      });
      results[variant].push(JSON.parse(output.trim().split("\n").at(-1)));
    }
  }
  const forward = median(results["forward"].map((r) => r.seconds));
  console.log(`VGG-16 224×224, one image, median of ${rounds} processes of 7 runs each`);
  for (const variant of variants) {
    const seconds = median(results[variant].map((r) => r.seconds));
    const peak = Math.max(...results[variant].map((r) => r.peak));
    const ratio = (seconds / forward).toFixed(2);
    console.log(
      `${variant.padEnd(18)} ${seconds.toFixed(3)} s   ${ratio} × forward   peak ${peak.toFixed(2)} GB`,
    );
  }
  console.log(`targets: ratio ≤ ${targets.ratio}, peak ≤ ${targets.memoryGB} GB`);
}
