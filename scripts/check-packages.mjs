/**
 * Packs both packages, checks what npm would publish, installs the tarballs into an empty folder and runs the command
 * from there: what users get, not what lies in the workspace.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

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

try {
  const packages = ["packages/relprop", "packages/cli"];
  for (const name of packages) {
    npx("publint", "--strict", name);
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
  for (const file of ["tiny.lrp.onnx", "heatmaps/index.html"]) {
    if (statSync(join(folder, file)).size === 0) throw new Error(`${file} is empty`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
