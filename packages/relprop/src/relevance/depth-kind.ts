/** Convolutions by their depth, as kinds of layer: their text. What is known of a network is computed in `depth.ts`. */

/** Convolutions from a depth on, as a kind of layer. */
export type DepthKind = `stride>=${number}` | `depth>=${number}`;

/** Where a convolution stands. */
export interface Depth {
  /**
   * Places of the picture for one place of its output, along an axis (the geometric mean over axes): 32 in the last stage of
   * ResNet-50. Undefined where sizes are not known.
   */
  readonly stride: number | undefined;
  /** Convolutions on the longest way up to it, itself included, as a share of those on the longest way of all: from above 0 to 1. */
  readonly depth: number;
}

/** What a text says of depth; undefined if it is another kind of layer. */
export function readDepth(kind: string): { readonly by: keyof Depth; readonly least: number } | undefined {
  const parts = /^(stride|depth)>=(\d+(?:\.\d+)?)$/.exec(kind);
  return parts ? { by: parts[1] as keyof Depth, least: Number(parts[2]) } : undefined;
}

/** Whether a convolution stands there. */
export function isAtDepth(kind: DepthKind, depth: Depth | undefined): boolean {
  const asked = readDepth(kind);
  return asked !== undefined && (depth?.[asked.by] ?? -1) >= asked.least;
}

/** The kinds that are depths, from the deepest on, strides before shares: the first that holds decides. */
export function byDepth(kinds: readonly string[]): DepthKind[] {
  const asked = [...new Set(kinds)].flatMap((kind) => {
    const depth = readDepth(kind);
    return depth ? [{ kind: kind as DepthKind, ...depth }] : [];
  });
  return asked.toSorted((a, b) => b.by.localeCompare(a.by) || b.least - a.least).map(({ kind }) => kind);
}
