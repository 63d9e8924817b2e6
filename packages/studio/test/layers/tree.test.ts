import type { InspectedNode } from "@relprop/core";
import { expect, test } from "vitest";
import {
  afterKey,
  groupsAround,
  groupsOf,
  linesOf,
  nodesIn,
  treeOf,
  type TreeItem,
} from "../../src/modes/layers/tree.ts";

const node = (name: string, operator: string, size = 8, into: readonly string[] = []): InspectedNode => ({
  name,
  operator,
  form: "",
  into,
  shape: size === 0 ? ["N", 10] : ["N", 4, size, size],
  state: "explained",
  rule: "epsilon",
  why: "",
});

const tree = (nodes: readonly InspectedNode[]): readonly TreeItem[] =>
  treeOf(nodes, "image", new Set(nodes.filter(({ into }) => into.length === 0).map(({ name }) => name)));
/** The tree as text, open, indented. */
const text = (items: readonly TreeItem[]): string[] =>
  linesOf(items, new Set(groupsOf(items))).map(({ item, level }) => `${"  ".repeat(level - 1)}${item.label}`);

const residual = [
  node("/stem/stem.0/Conv", "Conv"),
  node("/stem/stem.1/BatchNormalization", "BatchNormalization", 8, ["/stem/stem.0/Conv"]),
  node("/blocks/blocks.0/body/body.0/Conv", "Conv"),
  node("/blocks/blocks.0/body/body.1/Relu", "Relu"),
  node("/blocks/blocks.0/Add", "Add"),
  node("/blocks/blocks.1/body/Conv", "Conv"),
  node("/blocks/blocks.1/Add", "Add"),
  node("/fc/Gemm", "Gemm", 0),
];

test("blocks come from the paths in names, and a group of one is none", () => {
  expect(text(tree(residual))).toEqual([
    "image",
    "stem",
    "  stem.0",
    "  stem.1",
    "blocks",
    "  blocks.0",
    "    body",
    "      body.0",
    "      body.1",
    "    Add",
    "  blocks.1",
    "    body",
    "    Add",
    "fc",
  ]);
});

test("a folded node opens the node that does its work", () => {
  const nodes = tree(residual).flatMap(nodesIn);
  expect(nodes.find(({ label }) => label === "stem.1")?.opens).toBe("/stem/stem.0/Conv");
  expect(nodes[0]).toMatchObject({ id: "image", opens: "image", node: undefined });
});

test("names without paths are grouped by the size of the maps", () => {
  const flat = [
    node("conv_1", "Conv", 8),
    node("relu_1", "Relu", 8),
    node("pool", "MaxPool", 4),
    node("conv_2", "Conv", 4),
    node("flatten", "Flatten", 0),
  ];
  expect(text(tree(flat))).toEqual([
    "image",
    "maps of 8 × 8",
    "  conv_1",
    "  relu_1",
    "maps of 4 × 4",
    "  pool",
    "  conv_2",
    "flatten",
  ]);
});

test("a prefix that all names have tells nothing apart, and every node is somewhere, whatever it is called", () => {
  const prefixed = residual.map((each) => ({ ...each, name: `/model${each.name}` }));
  expect(text(tree(prefixed))).toEqual(text(tree(residual)));
  const odd = ["a", "a/b", "a/b", "/", "", "a.b", "Conv/Conv"].map((name, i) =>
    node(`${name}`, "Conv", i % 3),
  );
  expect(tree(odd).flatMap(nodesIn)).toHaveLength(odd.length + 1);
});

test("each line knows its place among its siblings", () => {
  const items = tree(residual);
  const blocks = linesOf(items, new Set()).find(({ item }) => item.label === "blocks");
  expect(blocks).toMatchObject({ level: 1, position: 3, siblings: 4, parent: undefined });
  const deep = linesOf(items, new Set(groupsAround(items, "/blocks/blocks.0/body/body.1/Relu")));
  expect(deep.find(({ item }) => item.label === "body.1")).toMatchObject({
    level: 4,
    position: 2,
    siblings: 2,
    parent: "blocks/blocks.0/body/",
  });
});

test("keys walk, open and close as in any tree", () => {
  const items = tree(residual);
  const open = new Set(["stem/"]);
  const lines = linesOf(items, open);
  const at = (label: string): number => lines.findIndex(({ item }) => item.label === label);
  const key = (name: string, label: string): ReturnType<typeof afterKey> =>
    afterKey(name, lines, at(label), open);
  expect(key("ArrowDown", "image")).toEqual({ to: "stem/" });
  expect(key("ArrowUp", "image")).toBeUndefined();
  expect(key("ArrowRight", "stem")).toEqual({ to: "/stem/stem.0/Conv" });
  expect(key("ArrowLeft", "stem")).toEqual({ toggle: "stem/" });
  expect(key("ArrowLeft", "stem.1")).toEqual({ to: "stem/" });
  expect(key("ArrowRight", "blocks")).toEqual({ toggle: "blocks/" });
  expect(key("ArrowRight", "stem.1")).toBeUndefined();
  expect(key("Home", "fc")).toEqual({ to: "image" });
  expect(key("End", "image")).toEqual({ to: "/fc/Gemm" });
  expect(key("x", "image")).toBeUndefined();
});
