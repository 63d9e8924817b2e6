/** How relevance can cross strides. */

/**
 * How relevance can cross strides (docs/rules.md §5): through the operator as it is, averaged over its positions, or interpolated
 * between neighbours.
 */
export const strideModes = ["exact", "average", "interpolate"] as const;
/** One of {@link strideModes}. */
export type Strides = (typeof strideModes)[number];
/** Strides that the explanation replaces. */
export type DenseStrides = Exclude<Strides, "exact">;
