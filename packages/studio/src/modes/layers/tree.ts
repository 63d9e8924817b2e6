/** The nodes of a model as a tree: blocks by the path in their names, else by the size of their maps. */

import type { InspectedNode } from "@relprop/core";

/** A node of the model, or its input. */
export interface TreeNode {
  readonly kind: "node";
  /** The name. */
  readonly id: string;
  /** The name without its group's and its operator's. */
  readonly label: string;
  /** Undefined for the input. */
  readonly node: InspectedNode | undefined;
  /** The row of the ledger that is shown for it: its own, or that of the node it is folded into. */
  readonly opens: string | undefined;
}

/** Nodes that belong together. */
export interface TreeGroup {
  readonly kind: "group";
  readonly id: string;
  readonly label: string;
  readonly items: readonly TreeItem[];
}

export type TreeItem = TreeNode | TreeGroup;

/** A line of the tree as it is shown, with what a screen reader says of its place. */
export interface TreeLine {
  readonly item: TreeItem;
  /** From 1. */
  readonly level: number;
  /** From 1, among its siblings. */
  readonly position: number;
  readonly siblings: number;
  readonly parent: string | undefined;
}

/**
 * Builds the tree. Exporters write a node's place into its name, as `/layer1/layer1.0/conv1/Conv` or
 * `features.0`; groups of one are no groups. Names without places are grouped by the size of what the nodes make.
 * @param input name of the explained input, which comes first
 * @param rows names of the ledger's rows
 */
export function treeOf(
  nodes: readonly InspectedNode[],
  input: string,
  rows: ReadonlySet<string>,
): readonly TreeItem[] {
  const leaves = nodes.map((node): TreeNode & { readonly node: InspectedNode } => {
    const opens = rows.has(node.name) ? node.name : node.into.find((name) => rows.has(name));
    return { kind: "node", id: node.name, label: segmentsOf(node).join("/"), node, opens };
  });
  const byPath = byPrefix(
    leaves.map((leaf) => ({ path: segmentsOf(leaf.node), leaf })),
    "",
  );
  // A few groups among hundreds of lines leave the tree as long as it was.
  const hasGroups = 2 * byPath.length <= leaves.length;
  const first: TreeNode = { kind: "node", id: input, label: input, node: undefined, opens: input };
  return [first, ...(hasGroups ? byPath : bySize(leaves))];
}

interface Placed {
  readonly path: readonly string[];
  readonly leaf: TreeNode & { readonly node: InspectedNode };
}

/** `/layer1/layer1.0/conv1/Conv` -> layer1, layer1.0, conv1: the operator is shown anyway. */
function segmentsOf({ name, operator }: InspectedNode): string[] {
  const segments = name.split(name.includes("/") ? "/" : ".").filter((each) => each !== "");
  if (segments.length > 1 && segments.at(-1) === operator) segments.pop();
  return segments.length === 0 ? [name] : segments;
}

function byPrefix(placed: readonly Placed[], prefix: string): TreeItem[] {
  const heads = new Map<string, Placed[]>();
  for (const each of placed) {
    const [head = ""] = each.path;
    heads.set(head, [...(heads.get(head) ?? []), each]);
  }
  const only = [...heads][0];
  // All in one group: it tells nothing apart.
  if (heads.size === 1 && only && placed.length > 1 && placed.every(({ path }) => path.length > 1))
    return byPrefix(shorter(placed), `${prefix}${only[0]}/`);
  return [...heads].flatMap(([head, members]): TreeItem[] => {
    const id = `${prefix}${head}/`;
    const [first] = members;
    if (members.length === 1 && first) return [{ ...first.leaf, label: first.path.join("/") }];
    if (members.every(({ path }) => path.length === 1))
      return members.map(({ leaf }) => ({ ...leaf, label: head }));
    // What a block does itself, after its parts, is called by its operator: an Add, mostly.
    const items = byPrefix(
      members.map(({ path, leaf }) => ({
        leaf,
        path: path.length > 1 ? path.slice(1) : [leaf.node.operator],
      })),
      id,
    );
    return [{ kind: "group", id, label: head, items }];
  });
}

const shorter = (placed: readonly Placed[]): Placed[] =>
  placed.map(({ path, leaf }) => ({ path: path.slice(1), leaf }));

function bySize(leaves: readonly (TreeNode & { readonly node: InspectedNode })[]): readonly TreeItem[] {
  const groups: { readonly label: string; readonly items: TreeNode[] }[] = [];
  for (const leaf of leaves) {
    const last = groups.at(-1);
    const label = sizeOf(leaf.node) ?? last?.label ?? "nodes";
    if (last?.label === label) last.items.push(leaf);
    else groups.push({ label, items: [leaf] });
  }
  if (groups.length < 2) return leaves;
  return groups.flatMap(({ label, items }, i): TreeItem[] =>
    items.length < 2 ? items : [{ kind: "group", id: `${i} ${label}`, label, items }],
  );
}

/** Maps of one size belong together, and so do layers without any; undefined for a shape that is not known. */
function sizeOf({ shape }: InspectedNode): string | undefined {
  if (!shape) return undefined;
  const [, , height, width] = shape;
  if (shape.length === 4 && !(height === 1 && width === 1)) return `maps of ${width} × ${height}`;
  return shape.length === 3 ? "tokens" : "units";
}

/** All nodes below an item. */
export const nodesIn = (item: TreeItem): readonly TreeNode[] =>
  item.kind === "node" ? [item] : item.items.flatMap(nodesIn);

/** Names of all groups. */
export const groupsOf = (items: readonly TreeItem[]): readonly string[] =>
  items.flatMap((item) => (item.kind === "group" ? [item.id, ...groupsOf(item.items)] : []));

/** The groups that a node lies in, outermost first. */
export function groupsAround(items: readonly TreeItem[], id: string): readonly string[] {
  for (const item of items) {
    if (item.kind === "node" || !nodesIn(item).some((node) => node.id === id)) continue;
    return [item.id, ...groupsAround(item.items, id)];
  }
  return [];
}

/** What is shown of a tree whose open groups are known. */
export function linesOf(
  items: readonly TreeItem[],
  open: ReadonlySet<string>,
  level = 1,
  parent?: string,
): readonly TreeLine[] {
  return items.flatMap((item, i) => [
    { item, level, position: i + 1, siblings: items.length, parent },
    ...(item.kind === "group" && open.has(item.id) ? linesOf(item.items, open, level + 1, item.id) : []),
  ]);
}

/**
 * Where a key leads in a tree, as the ARIA practices for trees have it.
 * @returns the line to go to, or the group to open or close; undefined if the key has no meaning there.
 */
export function afterKey(
  key: string,
  lines: readonly TreeLine[],
  at: number,
  open: ReadonlySet<string>,
): { readonly to: string } | { readonly toggle: string } | undefined {
  const line = lines[at];
  if (!line) return undefined;
  const { item, parent } = line;
  const isOpen = item.kind === "group" && open.has(item.id);
  const go = (target: TreeLine | undefined): { readonly to: string } | undefined =>
    target && { to: target.item.id };
  switch (key) {
    case "ArrowDown":
      return go(lines[at + 1]);
    case "ArrowUp":
      return go(lines[at - 1]);
    case "Home":
      return go(lines[0]);
    case "End":
      return go(lines.at(-1));
    case "ArrowRight":
      if (item.kind !== "group") return undefined;
      return isOpen ? go(lines[at + 1]) : { toggle: item.id };
    case "ArrowLeft":
      if (isOpen) return { toggle: item.id };
      return parent === undefined ? undefined : { to: parent };
    default:
      return undefined;
  }
}
