/** Files that are read by themselves: checkpoints, cards, composites, arrays, tables. */

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { zipSync } from "fflate";
import { parseArrayCard, parseModelCard, readCheckpoint, bytesSource } from "@relprop/core/zoo";
import { npyFile } from "@relprop/core/heatmap";
import { parseComposite, RelpropError } from "@relprop/core";
import { openFile } from "../../packages/cli/src/arrays/open-file.ts";
import { damageBytes } from "../damage-bytes.ts";
import { damageJson } from "../damage-json.ts";
import { Finding, kind, type Kind } from "../kind.ts";
import type { Random } from "../random.ts";
import { withoutControls } from "../../packages/relprop/src/plain-text.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An answer or an error of relprop's own, in one line without control characters. */
async function answerOf(work: () => unknown): Promise<string> {
  try {
    await work();
    return "read";
  } catch (error) {
    if (!(error instanceof RelpropError)) throw error;
    if (withoutControls(error.message) !== error.message || /TypeError|RangeError/.test(error.message))
      throw new Finding(`not one plain line: ${JSON.stringify(error.message.slice(0, 500))}`);
    if (error.message.length > 5000) throw new Finding(`a message of ${error.message.length} characters`);
    return error.constructor.name;
  }
}

const jsonKind = (name: string, wholes: readonly unknown[], read: (value: unknown) => unknown): Kind =>
  kind<unknown>({
    name,
    make: (random) => damageJson(random.of(wholes), random),
    use: (value) => answerOf(() => read(value)),
    bytes: (value) => encode(inspect(value, { depth: 50 })),
  });

const cards = jsonKind(
  "cards",
  [
    {
      input: { size: [8, 8], mean: [0.5, 0.5, 0.5], std: [0.2, 0.2, 0.2], channels: "RGB", resize: "cover" },
      classes: ["a", "b"],
    },
    { features: ["a", "b"], rate: 100, classes: ["x"] },
  ],
  (value) => [parseModelCard, parseArrayCard].map((parse) => parse(value, "fuzz.json")),
);

const composites = jsonKind(
  "composites",
  [
    { extends: "epsilon-plus-ones", rules: { "stride>=32": "gamma:0.1", dense: "epsilon", first: "flat" } },
    { extends: "attnlrp", seed: "logit", activations: "local", rules: { "depth>=0.5": "zplus" } },
  ],
  (value) => parseComposite(value),
);

const fixtures = new URL("../../packages/relprop/test/zoo/fixtures/", import.meta.url);
const stored = readdirSync(fixtures)
  .filter((name) => !name.endsWith(".json"))
  .map((name) => ({ name, bytes: readFileSync(new URL(name, fixtures)) }));

interface Named {
  readonly name: string;
  readonly bytes: Uint8Array;
}

const damaged =
  (wholes: readonly Named[]) =>
  (random: Random): Named => {
    const { name, bytes } = random.of(wholes);
    return { name, bytes: damageBytes(bytes, random) };
  };

const checkpoints = kind<Named>({
  name: "checkpoints",
  make: damaged(stored),
  use: ({ name, bytes }) => answerOf(() => readCheckpoint(bytesSource(name, bytes))),
  bytes: ({ bytes }) => bytes,
});

const numbers = Float32Array.from({ length: 60 }, (_, i) => i / 7);
const rows = Array.from({ length: 6 }, (_, i) => Array.from(numbers.subarray(10 * i, 10 * i + 10)));
const npy = npyFile(numbers, [6, 10]);
const arrayFiles: readonly Named[] = [
  { name: "x.npy", bytes: npy },
  { name: "x.npz", bytes: zipSync({ "x.npy": npy, "y.npy": npy }) },
  { name: "x.csv", bytes: encode(["a,b,c", ...rows.map((row) => row.slice(0, 3).join(","))].join("\n")) },
  { name: "x.tsv", bytes: encode(rows.map((row) => row.join("\t")).join("\r\n")) },
  { name: "x.json", bytes: encode(JSON.stringify(rows)) },
  { name: "x.jsonl", bytes: encode(rows.map((row) => JSON.stringify(row)).join("\n")) },
];

const arrays = kind<Named>({
  name: "arrays",
  make: damaged(arrayFiles),
  async use({ name, bytes }) {
    const folder = mkdtempSync(join(tmpdir(), "relprop-fuzz-"));
    try {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return await answerOf(() => openFile(path));
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
  bytes: ({ bytes }) => bytes,
});

export const files: readonly Kind[] = [cards, composites, checkpoints, arrays];
