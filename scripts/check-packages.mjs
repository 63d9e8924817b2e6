/**
 * Packs both packages, checks what npm would publish, installs the tarballs into an empty folder and runs the command
 * from there: what users get, not what lies in the workspace.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
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
  const library = tarballs.find((name) => !name.includes("cli"));
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
  await checkStudio();
  for (const file of ["tiny.lrp.onnx", "heatmaps/index.html"]) {
    if (statSync(join(folder, file)).size === 0) throw new Error(`${file} is empty`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
