/** Every JavaScript snippet of the README is run as it stands, beside a small model.onnx. */

import { existsSync } from "node:fs";
import { expect, it } from "vitest";
import { runSnippets } from "./snippets.ts";

const { written } = runSnippets("README.md", 2, { "model.onnx": "golden/vgg-tiny/model.onnx" });

it("the second wrote a compiled model", () => {
  expect(existsSync(written("model.lrp.onnx"))).toBe(true);
});
