/**
 * The public names of each entry are those of `public-names.txt`, types among them, so that none becomes public by
 * accident. UPDATE=1 writes the list anew.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";

const read = (file: string): string => readFileSync(new URL(file, import.meta.url), "utf8");
const list = "public-names.txt";

const { exports } = JSON.parse(read("../package.json")) as {
  exports: Readonly<Record<string, string | { readonly default: string }>>;
};

/** What an entry's source exports; of another file all names would be `*`. */
function namesOf(source: string): string[] {
  const lists = [...source.matchAll(/^export (?:type )?(?:\{([^}]*)\}|(\*))/gm)];
  const own = [...source.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm)];
  const listed = lists.flatMap(([, names, all]) => (all ?? names ?? "").split(","));
  const names = listed.map((name) => name.trim().replace(/^type |^.* as /, ""));
  return [...names.filter((name) => name !== ""), ...own.map(([, name]) => name as string)].sort();
}

it("are those that were chosen", () => {
  const names = Object.entries(exports).flatMap(([entry, target]) => {
    if (typeof target === "string") return [];
    const source = target.default.replace("/dist/", "/src/").replace(/js$/, "ts");
    return namesOf(read(`.${source}`)).map((name) => `${entry} ${name}\n`);
  });
  if (process.env["UPDATE"] === "1") writeFileSync(new URL(list, import.meta.url), names.join(""));
  expect(names.join("")).toBe(read(list));
});
