/** docs/decisions: one file for each decision, all of one form, all in the index. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { root } from "./repository.ts";

const folder = join(root, "docs/decisions");
const files = readdirSync(folder)
  .filter((name) => /^\d{4}-.*\.md$/.test(name))
  .sort();

it("numbers follow each other", () => {
  expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, i) => i + 1));
});

it.each(files)("%s has date, context, choice and consequence", (name) => {
  const text = readFileSync(join(folder, name), "utf8");
  expect(text).toMatch(
    new RegExp(
      `^# ${name.slice(0, 4)}\\. \\S.*\\n\\nDate: \\d{4}-\\d\\d-\\d\\d\\n\\n## Context\\n\\n\\S[^#]*## Choice\\n\\n\\S[^#]*## Consequence\\n\\n\\S[^#]*$`,
    ),
  );
});

it("the index has each with its title and date", () => {
  const rows = files.map((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const [, number, title] = /^# (\d{4})\. (.*)$/m.exec(text) as RegExpExecArray;
    const [, date] = /^Date: (.*)$/m.exec(text) as RegExpExecArray;
    return `| [${number}](${name}) | ${title} | ${date} |`;
  });
  const index = readFileSync(join(folder, "README.md"), "utf8");
  expect(index.split("\n").filter((line) => line.startsWith("| ["))).toEqual(rows);
});
