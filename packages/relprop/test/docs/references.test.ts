/** What one file says of another is there: cited sections of docs/rules.md, files that Markdown links to, rooms of ARCHITECTURE.md. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { files, root } from "./repository.ts";

const textOf = (file: string): string => readFileSync(join(root, file), "utf8");
const markdown = files.filter((file) => file.endsWith(".md"));

it("every cited section of docs/rules.md exists", () => {
  const sections = new Set([...textOf("docs/rules.md").matchAll(/^## (\d+)\. /gm)].map(([, n]) => n));
  const wrong = files
    .filter((file) => /^(packages|bench|scripts)\/.*\.(ts|mjs|py|svelte|md)$/.test(file))
    .filter((file) => !file.startsWith("packages/relprop/test/docs/"))
    .flatMap((file) =>
      [...textOf(file).matchAll(/(\S*)rules\.md(?:`? §(\d+))?/g)]
        .filter(([, path = "", n]) => !path.endsWith("docs/") || (n !== undefined && !sections.has(n)))
        .map(([citation]) => `${file}: ${citation}`),
    );
  expect(wrong).toEqual([]);
  const inside = [...textOf("docs/rules.md").matchAll(/§(\d+)/g)].map(([, n]) => n as string);
  expect(inside.filter((n) => !sections.has(n))).toEqual([]);
});

it("every relative link of a Markdown file leads to a file", () => {
  const broken = markdown.flatMap((file) =>
    [...textOf(file).matchAll(/\]\((?!https?:|#)([^)\s#]+)(?:#[^)]*)?\)/g)]
      .filter(([, link]) => !existsSync(join(root, dirname(file), link as string)))
      .map(([, link]) => `${file}: ${link}`),
  );
  expect(broken).toEqual([]);
});

it("every file that a page names by its path from the root exists", () => {
  const pages = markdown.filter((file) => !file.startsWith("packages/") && file !== "CHANGELOG.md");
  const missing = pages.flatMap((file) =>
    [...textOf(file).matchAll(/`((?:packages|docs|bench|scripts|models|examples)\/[\w./-]+)`/g)]
      .filter(([, path]) => !existsSync(join(root, path as string)))
      .map(([, path]) => `${file}: ${path}`),
  );
  expect(missing).toEqual([]);
});

it.each(["relprop", "cli", "studio"])(
  "ARCHITECTURE.md names the rooms of packages/%s as they are",
  (name) => {
    const source = join(root, "packages", name, "src");
    const rooms = readdirSync(source, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    const [, table = ""] = textOf("ARCHITECTURE.md").split(`| room of \`packages/${name}/src\` |`);
    const [rows = ""] = table.split("\n\n");
    const cells = rows.split("\n").map((row) => row.split("|")[1] ?? "");
    const paths = [...cells.join().matchAll(/`([\w/-]+)\/`/g)].map(([, room]) => room as string);
    expect(paths.filter((room) => !existsSync(join(source, room)))).toEqual([]);
    expect(paths.filter((room) => !room.includes("/")).sort()).toEqual(rooms.sort());
  },
);
