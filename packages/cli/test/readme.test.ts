/**
 * The README in a fresh clone, from top to bottom: every command and snippet is run as it stands. ResNet-50 has a stand-in
 * in the cache; with README=real it is the real one, and what the README prints of it is compared, too. Python scripts are
 * compared with those in test/readme, and what those wrote lies beside them; with PYTHON=/path/to/python, which needs
 * torch, onnxruntime, scikit-learn and skl2onnx, they are run and recorded anew.
 */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { cp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from "vitest";
import { runCommand } from "../src/commands/run-command.ts";
import { freshClone, putStandIn, root } from "./support/fresh-clone.ts";
import { filmFile } from "./support/media-files.ts";

interface Block {
  readonly language: string;
  /** Its file, if it has one. */
  readonly name: string;
  readonly text: string;
}

const readme = readFileSync(join(root, "README.md"), "utf8");
const blocks: readonly Block[] = [...readme.matchAll(/^```(\w+) ?(\S*)\n(.*?)^```$/gms)].map(
  ([, language = "", name = "", text = ""]) => ({ language, name, text }),
);
const isReal = process.env["README"] === "real";
const python = process.env["PYTHON"];
const recorded = join(root, "packages/cli/test/readme");
const scripts: Readonly<Record<string, string>> = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
).scripts;

let folder: string;
let before: string;
let stdout: string;

beforeAll(async () => {
  before = process.cwd();
  folder = await freshClone();
  process.chdir(folder);
  const cache = join(folder, "cache");
  if (!isReal) await putStandIn(cache);
  // The film that the README speaks of; a minute of it would take long.
  await writeFile("clip.mp4", await filmFile("mp4", { times: [0, 9, 12, 15, 21] }));
});
afterAll(async () => {
  process.chdir(before);
  await rm(folder, { recursive: true });
});
beforeEach(() => {
  stdout = "";
  if (!isReal) vi.stubEnv("RELPROP_CACHE", join(folder, "cache"));
  vi.stubEnv("NO_COLOR", "1");
  vi.stubEnv("FORCE_COLOR", undefined);
  vi.spyOn(process.stdout, "write").mockImplementation((text) => (stdout += String(text)) !== "");
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** A line of a shell as its words, without its comment. */
const wordsOf = (line: string): string[] =>
  [...line.replace(/\s+#.*$/, "").matchAll(/"([^"]*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted ?? (plain as string),
  );

const versionOf = (file: string): string => {
  const { name, version } = JSON.parse(readFileSync(join(root, file, "package.json"), "utf8"));
  return `./${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
};

/** A command line of the README; those that install or open something are only looked at. */
async function runLine(line: string): Promise<void> {
  for (const part of line.split(" && ")) {
    const [program, ...args] = wordsOf(part);
    if (program === "npx") {
      const [name, ...rest] = args;
      expect(name).toBe("relprop");
      if (rest[0] === "studio") rest.push("--help");
      expect(await runCommand(rest), part).toBe(0);
    } else {
      expect(program).toBe("npm");
      if (args[0] === "run") expect(Object.keys(scripts)).toContain(args[1]);
      else if (args[0] === "pack")
        expect(args.filter((arg) => existsSync(join(arg, "package.json")))).toHaveLength(2);
      else if (args[0] === "install")
        expect(args.slice(2)).toEqual(["packages/relprop", "packages/cli"].map(versionOf));
      else expect([["ci"], ["test"]]).toContainEqual(args);
    }
  }
}

/** Commands and what they print, on stdout. */
async function runConsole(text: string): Promise<void> {
  for (const [, line = "", printed = ""] of text.matchAll(/^\$ (.*)\n((?:(?!\$ ).*\n)*)/gm)) {
    stdout = "";
    await runLine(line);
    if (isReal || /examples\/(?:texts|sounds)/.test(line)) expect(stdout).toBe(printed);
  }
}

/** torch notes where on its machine each node comes from. */
const withoutTraces = `
import onnx, sys
model = onnx.load(sys.argv[1])
for each in [*model.graph.node, *model.graph.value_info]:
    each.ClearField("metadata_props")
    each.ClearField("doc_string")
onnx.save(model, sys.argv[1])
`;

/** Checks a script against the one that was run, and puts what it wrote where it would have written it. */
async function runPython({ name, text }: Block): Promise<void> {
  const made = join(recorded, name.replace(".py", ""));
  if (python !== undefined) {
    await rm(made, { recursive: true, force: true });
    await writeFile(name, text);
    const start = Date.now();
    execFileSync(python, [name], { stdio: "ignore" });
    await cp(name, join(made, name));
    for (const file of await readdir("."))
      if (file.endsWith(".onnx") && (await stat(file)).mtimeMs >= start) {
        execFileSync(python, ["-c", withoutTraces, file]);
        await cp(file, join(made, file));
      }
  }
  expect(await readFile(join(made, name), "utf8"), "run with PYTHON=/path/to/python").toBe(text);
  await cp(made, ".", { recursive: true });
}

async function runJavaScript({ name, text }: Block): Promise<void> {
  await writeFile(name, text);
  await import(/* @vite-ignore */ join(folder, name));
}

it("has blocks of every language", () => {
  expect([...new Set(blocks.map(({ language }) => language))].sort()).toEqual(
    ["console", "js", "json", "python", "sh"].sort(),
  );
});

it.each(blocks.map((block, i) => [i + 1, block.language, block.name, block] as const))(
  "block %i, %s %s",
  async (_number, language, name, block) => {
    if (language === "sh") for (const line of block.text.trim().split("\n")) await runLine(line);
    else if (language === "console") await runConsole(block.text);
    else if (language === "json") await writeFile(name, block.text);
    else if (language === "js") await runJavaScript(block);
    else if (name === "") expect(block.text).toContain("tf2onnx");
    else await runPython(block);
  },
  isReal ? 600_000 : 120_000,
);

it("wrote what it says", async () => {
  const files = await readdir(".");
  expect(files).toEqual(
    expect.arrayContaining(["heatmaps", "concepts", "net.lrp.onnx", "iris.lrp.onnx", "digits.lrp.onnx"]),
  );
  expect(await readdir("heatmaps")).toEqual(expect.arrayContaining(["index.html", "texts.html"]));
});
