/**
 * Packs both packages, checks what npm would publish, installs the tarballs into an empty folder and runs the command
 * from there: what users get, not what lies in the workspace.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { WebSocket } from "ws";

const root = resolve(import.meta.dirname, "..");
const folder = mkdtempSync(join(tmpdir(), "relprop-pack-"));
const npx = (...args) => execFileSync("npx", ["--no-install", ...args], { cwd: root, stdio: "inherit" });

/** Runs the installed command; anything on stderr that was not expected is a failure. */
function run(args, { status = 0, stderr = /^$/ } = {}) {
  const result = spawnSync("npx", ["--no-install", "relprop", ...args], { cwd: folder, encoding: "utf8" });
  if (result.status !== status || !stderr.test(result.stderr)) {
    throw new Error(
      `relprop ${args.join(" ")}: exit ${result.status}, stderr: ${result.stderr}\n${result.stdout}`,
    );
  }
  console.log(`ok  relprop ${args.join(" ")}`);
  return result.stdout;
}

/** What publint finds; the app's files are for browsers, and ONNX Runtime's are not its to judge. */
async function lintPackage(name) {
  const { messages, pkg } = await publint({ pkgDir: join(root, name), strict: true, pack: "npm" });
  const found = messages.filter(({ args }) => !args.actualFilePath?.startsWith("/studio/"));
  if (found.length > 0) {
    throw new Error(`${name}: ${found.map((message) => formatMessage(message, pkg)).join("\n")}`);
  }
  console.log(`ok  publint ${name}`);
}

/** Runs a program that uses the installed library; it throws where something is not as it should be. */
function runProgram(name, source) {
  writeFileSync(join(folder, name), source);
  execFileSync(process.execPath, [name], { cwd: folder, stdio: "inherit" });
  console.log(`ok  node ${name}`);
}

/** A rule of somebody else's, which changes the heatmap of the first layer's input. */
const ownRule = `
import { readFileSync } from "node:fs";
import { Explainer } from "@relprop/core";
import { readModel } from "@relprop/core/onnx";
import ort from "onnxruntime-node";

const squares = (layer, R, m) => {
  const W = m.square(layer.weights);
  const s = layer.shareOfPositive(R, [[m.onesLike(layer.x), W]], undefined, { epsilon: 1e-6, kind: "add" });
  return layer.pullBack(m.scale(2, s), W);
};
const model = readModel(readFileSync("tiny.onnx"));
const input = { data: Float32Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.sin(i)), dims: [1, 3, 64, 64] };
const heatmap = async (composite) => {
  const { relevance } = await new Explainer({ ort, model, composite }).explain(input, { target: 0 });
  return relevance.data;
};
const before = await heatmap("epsilon-plus");
const after = await heatmap({ extends: "epsilon-plus", rules: { first: squares } });
if (before.length !== after.length || before.every((R, i) => R === after[i])) throw new Error("the rule changed nothing");
if (!after.every(Number.isFinite)) throw new Error("the rule gave no numbers");
`;

/** An operator of another domain, which the model has as a function: explained, and run. */
const ownOperator = `
import { readFileSync } from "node:fs";
import { compile, UnexplainableError } from "@relprop/core";
import { concatChunks, readModel, writeModel } from "@relprop/core/onnx";
import { activation, likeFirstInput, slope } from "@relprop/core/rules";
import ort from "onnxruntime-node";

const row = activation(slope((c, x, y) => c.where(c.above(x, 0), c.add(c.sigmoid(x), y), 0)));
const operators = { "my.lab/SwiReLU": { shape: likeFirstInput, row } };
const model = readModel(readFileSync("swirelu.onnx"), { operators });
let refusal;
try { compile(model); } catch (error) { refusal = error; }
if (!(refusal instanceof UnexplainableError) || !refusal.message.includes('"my.lab/SwiReLU"')) throw new Error("no hint");
const bytes = concatChunks(writeModel(compile(model, { operators, composite: "epsilon" }).model).chunks);
const session = await ort.InferenceSession.create(bytes);
const x = new ort.Tensor("float32", [1, -2, 0.5], [1, 3]);
const { relevance } = await session.run({ x, target: new ort.Tensor("float32", [1, 0], [1, 2]) });
if (!relevance.data.some((R) => R !== 0)) throw new Error("nothing is explained");
`;

/** The declarations of all entries, and the snippets of the documents, under the strictest settings that users have. */
function checkTypes() {
  const types = join(folder, "types");
  mkdirSync(types);
  for (const document of ["README.md", "docs/extending.md"]) {
    const text = readFileSync(join(root, document), "utf8");
    for (const [i, [, snippet]] of [...text.matchAll(/```js(?: .*)?\n([\s\S]*?)```/g)].entries())
      writeFileSync(join(types, `${basename(document, ".md")}-${i}.js`), snippet);
  }
  const { exports } = JSON.parse(readFileSync(join(root, "packages/relprop/package.json"), "utf8"));
  const entries = Object.keys(exports).filter((entry) => !entry.endsWith(".json"));
  const lines = entries.map((entry, i) => `export * as entry${i} from "@relprop/core${entry.slice(1)}";\n`);
  writeFileSync(join(types, "entries.ts"), lines.join(""));
  writeFileSync(join(types, "package.json"), JSON.stringify({ type: "module" }));
  const compilerOptions = {
    target: "es2023",
    module: "nodenext",
    strict: true,
    skipLibCheck: false,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules/@types")],
  };
  writeFileSync(join(types, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  npx("tsc", "--project", types);
  console.log(`ok  types of ${entries.length} entries, and the snippets`);
}

/** The app and its engine, as `relprop studio` of the installed package serves them. */
async function checkStudio() {
  const command = join(folder, "node_modules/relprop/bin/relprop.js");
  const server = spawn(process.execPath, [command, "studio", "--port", "0", "--no-open"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(server, "exit");
  try {
    const first = await Promise.race([once(server.stdout, "data"), ended.then(() => [""])]);
    const url = new URL(String(first[0]).trim());
    const page = await fetch(url);
    const html = await page.text();
    const asset = /src="\.\/(assets\/[^"]+\.js)"/.exec(html)?.[1];
    if (!page.ok || asset === undefined) throw new Error(`relprop studio serves no app: ${html}`);
    for (const each of [
      page,
      await fetch(new URL(asset, url)),
      await fetch(new URL("models/digits.onnx", url)),
    ]) {
      const opener = each.headers.get("cross-origin-opener-policy");
      const embedder = each.headers.get("cross-origin-embedder-policy");
      if (!each.ok || opener !== "same-origin" || embedder !== "require-corp") {
        throw new Error(`relprop studio, ${each.url}: ${each.status}, ${opener}, ${embedder}`);
      }
    }
    await checkEngine(url);
    server.kill();
    const [status] = await ended;
    if (status !== 0) throw new Error(`relprop studio: exit ${status}`);
    console.log("ok  relprop studio");
  } finally {
    server.kill("SIGKILL");
  }
}

/** The shipped model is loaded by the engine's thread, which is a file of its own in the package. */
async function checkEngine(url) {
  const socket = new WebSocket(`ws://${url.host}/engine${url.search}`, { origin: url.origin });
  await once(socket, "open");
  const source = { kind: "shipped", name: "digits" };
  const header = JSON.stringify({ message: { id: 1, ask: "load", source }, buffers: [] });
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const answered = new Promise((resolve, reject) => {
    socket.on("close", () => reject(new Error("relprop studio has closed the connection")));
    socket.on("message", (frame) => {
      const { message } = JSON.parse(frame.subarray(4, 4 + frame.readUInt32LE()).toString());
      if (message.say === "error") reject(new Error(`relprop studio: ${message.message}`));
      if (message.say === "answer") resolve();
    });
  });
  socket.send(Buffer.concat([length, Buffer.from(header)]));
  await answered;
  socket.close();
}

try {
  const packages = ["packages/relprop", "packages/cli"];
  for (const name of packages) {
    await lintPackage(name);
    execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
      cwd: join(root, name),
      stdio: "inherit",
    });
  }
  const tarballs = readdirSync(folder).filter((name) => name.endsWith(".tgz"));
  const library = tarballs.find((name) => name.includes("core"));
  npx("attw", "--profile", "esm-only", join(folder, library));

  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "empty", private: true }));
  execFileSync(
    "npm",
    [
      "install",
      "--ignore-scripts",
      "--no-audit",
      "--no-fund",
      "--silent",
      ...tarballs.map((name) => `./${name}`),
    ],
    {
      cwd: folder,
      stdio: "inherit",
    },
  );
  copyFileSync(join(root, "packages/relprop/test/golden/vgg-tiny/model.onnx"), join(folder, "tiny.onnx"));
  copyFileSync(join(root, "examples/photos/chelsea.png"), join(folder, "chelsea.png"));
  run(["compile", "tiny.onnx", "-o", "tiny.lrp.onnx", "--composite", "fischer", "--quiet"]);
  run(["explain", "chelsea.png", "--model", "tiny.onnx", "-o", "heatmaps", "--quiet"]);
  run(["explain", "missing.png", "--model", "tiny.onnx", "-o", "heatmaps", "--quiet"], {
    status: 1,
    stderr: /missing\.png/,
  });
  copyFileSync(join(root, "packages/relprop/test/extending/swirelu.onnx"), join(folder, "swirelu.onnx"));
  runProgram("own-rule.mjs", ownRule);
  runProgram("own-operator.mjs", ownOperator);
  checkTypes();
  await checkStudio();
  for (const file of ["tiny.lrp.onnx", "heatmaps/index.html"]) {
    if (statSync(join(folder, file)).size === 0) throw new Error(`${file} is empty`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
