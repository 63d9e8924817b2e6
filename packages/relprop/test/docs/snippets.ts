/** Runs the JavaScript snippets of a document as they stand, in a folder with the models that they read. */

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * Declares a test for each snippet.
 * @param document its path in the repository
 * @param count how many snippets it has
 * @param models paths in the library's tests, by the names that the snippets read
 * @returns the snippets, and the path of a file that one of them has written
 */
export function runSnippets(
  document: string,
  count: number,
  models: Readonly<Record<string, string>>,
): { snippets: readonly string[]; written: (name: string) => string } {
  const text = readFileSync(join(root, document), "utf8");
  const snippets = [...text.matchAll(/```js\n([\s\S]*?)```/g)].map((match) => match[1] as string);
  let folder = "";
  let before = "";

  beforeAll(() => {
    folder = mkdtempSync(join(root, "packages/relprop/test/docs/snippet-"));
    for (const [name, path] of Object.entries(models))
      copyFileSync(join(root, "packages/relprop/test", path), join(folder, name));
    before = process.cwd();
    process.chdir(folder);
  });

  afterAll(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  });

  it(`has ${count} snippets`, () => {
    expect(snippets.length).toBe(count);
  });

  it.each(snippets.map((snippet, i) => [i + 1, snippet] as const))(
    "snippet %i runs",
    async (number, snippet) => {
      const file = join(folder, `snippet-${number}.js`);
      writeFileSync(file, snippet);
      await import(/* @vite-ignore */ file);
    },
  );

  return { snippets, written: (name) => join(folder, name) };
}
