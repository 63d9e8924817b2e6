/** The nodes of a model as a tree: blocks by the paths in their names, else by the sizes of their maps. */

import type { InspectedNode } from "@relprop/core";

/** A node of the model, or its input. */
export interface TreeNode {
  readonly kind: "node";
  /** The name. */
  readonly id: string;
  /** The name without those of its group and its operator. */
  readonly label: string;
  /** Undefined for the input. */
  readonly node: InspectedNode | undefined;
  /** The row of the ledger to show: the node's own, or that of the node it is folded into. */
  readonly opens: string | undefined;
}

/** Nodes of one block. */
export interface TreeGroup {
  readonly kind: "group";
  readonly id: string;
  readonly label: string;
  readonly items: readonly TreeItem[];
}

export type TreeItem = TreeNode | TreeGroup;

/** A shown line of the tree, with its position for screen readers. */
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
 * Builds the tree. Exporters write a node's path into its name, such as `/layer1/layer1.0/conv1/Conv` or
 * `features.0`; a group of one is dissolved. Names without paths are grouped by the map size of their outputs.
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
  // A few groups among hundreds of lines would not shorten the tree.
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
  // A single group for all nodes separates nothing.
  if (heads.size === 1 && only && placed.length > 1 && placed.every(({ path }) => path.length > 1))
    return byPrefix(shorter(placed), `${prefix}${only[0]}/`);
  return [...heads].flatMap(([head, members]): TreeItem[] => {
    const id = `${prefix}${head}/`;
    const [first] = members;
    if (members.length === 1 && first) return [{ ...first.leaf, label: first.path.join("/") }];
    if (members.every(({ path }) => path.length === 1))
      return members.map(({ leaf }) => ({ ...leaf, label: head }));
    // A block's own node is named after its operator, usually an Add.
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

/** A group for maps of one size, and one for layers without maps; undefined if the shape is unknown. */
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

/** The groups around a node, outermost first. */
export function groupsAround(items: readonly TreeItem[], id: string): readonly string[] {
  for (const item of items) {
    if (item.kind === "node" || !nodesIn(item).some((node) => node.id === id)) continue;
    return [item.id, ...groupsAround(item.items, id)];
  }
  return [];
}

/** The lines to show, given the open groups. */
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
 * The effect of a key in a tree, following the ARIA practices.
 * @returns the line to move to, or the group to open or close; undefined if the key has no effect there.
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
