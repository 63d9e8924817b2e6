/** Every JavaScript snippet of the README is run as it stands, beside a small model.onnx. */

import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const snippets = [...readFileSync(join(root, "README.md"), "utf8").matchAll(/```js\n([\s\S]*?)```/g)].map(
  (match) => match[1] as string,
);
const model = fileURLToPath(new URL("../golden/vgg-tiny/model.onnx", import.meta.url));
let folder = "";
let before = "";

beforeAll(() => {
  folder = mkdtempSync(join(root, "packages/relprop/test/docs/snippet-"));
  copyFileSync(model, join(folder, "model.onnx"));
  before = process.cwd();
  process.chdir(folder);
});

afterAll(() => {
  process.chdir(before);
  rmSync(folder, { recursive: true, force: true });
});

it("has two snippets", () => {
  expect(snippets.length).toBe(2);
});

it.each(snippets.map((snippet, i) => [i + 1, snippet] as const))(
  "snippet %i runs",
  async (number, snippet) => {
    const file = join(folder, `snippet-${number}.js`);
    writeFileSync(file, snippet);
    await import(/* @vite-ignore */ file);
  },
);

it("the second wrote a compiled model", () => {
  expect(existsSync(join(folder, "model.lrp.onnx"))).toBe(true);
});
