/** The command as a user has it: from Enter to the first heatmap, and a folder of photos. */
import { execFileSync } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { median } from "./figures.mjs";
import { Subject } from "./subject.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * @returns for each model seconds to the first heatmap, the first time and once the model is cached; and for ResNet-50
 *   photos a second of a folder against those of the session alone.
 */
export async function measureCommand({ models, work, photos, rounds, threads }) {
  const folder = await mkdtemp(join(work, "command-"));
  try {
    const firstHeatmap = {};
    for (const model of models) firstHeatmap[model] = await heatmapOf(model, { work, folder, rounds });
    const throughput = models.includes("resnet50")
      ? await folderOf({ work, folder, photos, threads })
      : undefined;
    return { firstHeatmap, ...(throughput && { throughput }) };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Wall seconds of one call of the command. */
function explain(inputs, model, { work, folder }, more = []) {
  const file = join(work, `${model}-224.onnx`);
  const options = ["-m", file, "-o", join(folder, "out"), "--force", "--quiet", ...more];
  const started = performance.now();
  execFileSync(
    process.execPath,
    [join(root, "packages/cli/bin/relprop.js"), "explain", ...inputs, ...options],
    {
      env: { ...process.env, ORT_DISABLE_TELEMETRY: "1", RELPROP_CACHE: join(folder, "cache") },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  return (performance.now() - started) / 1000;
}

async function heatmapOf(model, places) {
  const photo = join(root, "examples/photos/coffee.png");
  const first = explain([photo], model, places);
  return { first, cached: Array.from({ length: places.rounds }, () => explain([photo], model, places)) };
}

/** What a folder is explained by: the command's own choice for a ReLU network, and the cheapest, which leaves no core idle. */
const folderRuns = [
  { composite: "fischer", topK: 0.1 },
  { composite: "epsilon-plus", topK: 0 },
];

/** Machines drift: folder and session take turns, a part of the photos each time. */
const turns = 5;

/** What starting costs is taken out: the time of n photos less that of one. */
async function folderOf({ work, folder, photos, threads }) {
  const model = "resnet50";
  const inputs = join(folder, "photos");
  const part = Math.ceil(photos / turns);
  await copies(inputs, part);
  const [one] = await readdir(inputs);
  const measured = [];
  for (const { composite, topK } of folderRuns) {
    const chosen = ["--composite", composite, "--top-k", `${topK}`];
    // Once for the cache.
    explain([join(inputs, one)], model, { work, folder }, chosen);
    const session = await sessionOf({ work, folder, threads, model, composite, topK });
    const found = { photosPerSecond: [], sessionPerSecond: [] };
    let before = await session.seconds();
    for (let turn = 0; turn < turns; turn++) {
      const start = explain([join(inputs, one)], model, { work, folder }, chosen);
      const all = explain([inputs], model, { work, folder }, chosen);
      const after = await session.seconds();
      found.photosPerSecond.push((part - 1) / (all - start));
      found.sessionPerSecond.push(2 / (before + after));
      before = after;
    }
    await session.stop();
    measured.push({ composite, topK, photos: part * turns, ...found });
  }
  return measured;
}

async function copies(folder, count) {
  const source = join(root, "examples/photos");
  const files = (await readdir(source)).filter((name) => [".png", ".jpg", ".jpeg"].includes(extname(name)));
  await mkdir(folder);
  for (let i = 0; i < count; i++) {
    const file = files[i % files.length];
    await cp(join(source, file), join(folder, `${String(i).padStart(4, "0")}${extname(file)}`));
  }
}

/** What the command runs, without reading, drawing and writing: one photo at a time. */
async function sessionOf({ work, folder, threads, model, composite, topK }) {
  const subject = new Subject({
    subject: "relprop",
    model,
    composite,
    topK,
    size: 224,
    batch: 1,
    threads,
    file: join(work, `${model}-224.onnx`),
    input: join(work, "input-224.bin"),
    relevance: join(folder, "relevance.bin"),
  });
  await subject.start();
  return {
    async seconds() {
      const runs = [];
      for (let i = 0; i < 21; i++) runs.push(await subject.run());
      return median(runs);
    },
    stop: () => subject.stop(),
  };
}
