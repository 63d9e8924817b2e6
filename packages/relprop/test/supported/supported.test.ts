/** SUPPORTED.md and docs/architectures.md are what the tables say, and no operator of ONNX is forgotten or in two lists. */

import { readFileSync, writeFileSync } from "node:fs";
import { expect, it } from "vitest";
import { opTable } from "../../src/relevance/op-table.ts";
import {
  operatorsWithoutRelevance,
  refused,
  rewrittenOperators,
} from "../../src/relevance/other-operators.ts";
import { architecturesText } from "./architectures-text.ts";
import { onnxOperators } from "./onnx-operators.ts";
import { supportedText } from "./supported-text.ts";

const root = new URL("../../../../", import.meta.url);

/** Operators that canonical form makes and ai.onnx does not have. */
const own = ["Linear", "Affine", "Silu", "FakeQuantize", "DynamicFakeQuantize", "Product", "Contraction"];

const lists: Readonly<Record<string, Iterable<string>>> = {
  "the op table": Object.keys(opTable),
  rewrittenOperators: rewrittenOperators.keys(),
  operatorsWithoutRelevance: operatorsWithoutRelevance.keys(),
  refused: refused.keys(),
};

it("every operator of ai.onnx is in exactly one list", () => {
  const homes = new Map<string, string[]>();
  for (const [list, operators] of Object.entries(lists)) {
    for (const name of operators) homes.set(name, [...(homes.get(name) ?? []), list]);
  }
  const wrong = onnxOperators
    .map((name) => ({ name, lists: homes.get(name) ?? [] }))
    .filter(({ lists }) => lists.length !== 1);
  expect(wrong, "give each a home in op-table.ts or other-operators.ts, and no second one").toEqual([]);
});

it("the lists name no operator that ONNX does not have", () => {
  const all = new Set([...onnxOperators, ...own]);
  const unknown = [
    ...Object.keys(opTable),
    ...rewrittenOperators.keys(),
    ...operatorsWithoutRelevance.keys(),
    ...refused.keys(),
  ];
  expect(unknown.filter((name) => !all.has(name))).toEqual([]);
});

it("sentences about nodes can follow a colon", () => {
  for (const sentence of [...refused.values(), ...rewrittenOperators.values()])
    expect(sentence).toMatch(/^(it|its|a|relevance) .*[^.]$/);
});

it.each([
  ["SUPPORTED.md", supportedText],
  ["docs/architectures.md", architecturesText],
])("%s is up to date", (name, write) => {
  const file = new URL(name, root);
  const text = write();
  if (process.env["UPDATE"] === "1") writeFileSync(file, text);
  const hint = "regenerate it: UPDATE=1 npx vitest run packages/relprop/test/supported";
  expect(readFileSync(file, "utf8"), hint).toBe(text);
});
