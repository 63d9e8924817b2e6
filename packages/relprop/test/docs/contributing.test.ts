/**
 * CONTRIBUTING.md says which files an addition edits. Each kind has an example in the code, and the files listed are the
 * sources that mention it. UPDATE=1 writes the table anew.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { files as all, root } from "./repository.ts";

interface Addition {
  readonly what: string;
  readonly example: string;
  /** How files mention the example. */
  readonly mention: RegExp;
  /** Where it is looked for. @default every package */
  readonly under?: string;
  /** Files that use the example, and that an addition need not edit. */
  readonly users?: readonly string[];
  /** A folder that belongs to the example, and counts as one. */
  readonly folder?: string;
  /** At most so many files. It may only be lowered. */
  readonly most: number;
}

const relevance = "packages/relprop/src/relevance/";
const additions: readonly Addition[] = [
  {
    what: "operator",
    example: "Softsign",
    mention: /\bsoftsign\b/i,
    users: [`${relevance}ops/recurrent/activations.ts`],
    most: 3,
  },
  {
    what: "rule",
    example: "wsquare",
    mention: /\bwsquare\b/,
    users: [`${relevance}composites.ts`, `${relevance}dialects.ts`, "packages/relprop/src/rules/index.ts"],
    most: 3,
  },
  { what: "composite", example: "excitation-backprop", mention: /\bexcitation-backprop\b/, most: 2 },
  {
    what: "option of the command",
    example: "--activations",
    mention: /\bactivations\b/,
    under: "packages/cli/src/",
    most: 2,
  },
  {
    what: "mode of the studio",
    example: "draw",
    mention: /modes\/draw\/|\.\/draw\/|"draw"/,
    under: "packages/studio/src/",
    folder: "packages/studio/src/modes/draw/",
    most: 2,
  },
];

/** Nobody edits what is generated. */
const sources = all.filter((file) => /^packages\/[^/]+\/src\/.*(?<!\.generated)\.(ts|svelte)$/.test(file));

function filesOf({ mention, under = "packages/", users = [], folder }: Addition): string[] {
  const files = sources.filter(
    (file) =>
      file.startsWith(under) && !users.includes(file) && mention.test(readFileSync(join(root, file), "utf8")),
  );
  const own = folder === undefined ? [] : [folder];
  return [...own, ...files.filter((file) => folder === undefined || !file.startsWith(folder))].sort();
}

const row = (addition: Addition): string =>
  `| ${addition.what} | \`${addition.example}\` | ${filesOf(addition)
    .map((file) => `\`${file}\``)
    .join("<br>")} |`;

it("the table lists the files that mention each example", () => {
  const file = join(root, "CONTRIBUTING.md");
  const text = readFileSync(file, "utf8");
  const table = ["| to add | example | files |", "| --- | --- | --- |", ...additions.map(row)].join("\n");
  const updated = text.replace(/^\| to add .*(?:\n\|.*)*/m, () => table);
  if (process.env["UPDATE"] === "1") writeFileSync(file, updated);
  const hint = "regenerate it: UPDATE=1 npx vitest run packages/relprop/test/docs";
  expect(readFileSync(file, "utf8"), hint).toBe(updated);
  expect(updated).toContain(table);
});

it.each(additions)("a new $what edits at most $most files", (addition) => {
  const files = filesOf(addition);
  expect(files.length).toBeGreaterThan(0);
  expect(files.length, files.join(", ")).toBeLessThanOrEqual(addition.most);
});
