/**
 * Brings a graph into the form that the relevance stages know: fewer operators, linear ones with their batch norms
 * folded in, and activations under their names. Outputs keep their names and, but for rounding, their values.
 */

import type { Graph, Value } from "../onnx/graph.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { batchNormToAffine } from "./batchnorm-to-affine.ts";
import { dropDropout } from "./drop-dropout.ts";
import { fatesOf, type Fate } from "./fates.ts";
import { foldBatchNorm } from "./fold-batchnorm.ts";
import { foldConstants } from "./fold-constants.ts";
import { matMulAddToLinear } from "./matmul-add-to-linear.ts";
import { normalizeGemm } from "./normalize-gemm.ts";
import { recognizeGelu } from "./recognize-gelu.ts";
import { recognizeLayerNorm } from "./recognize-layernorm.ts";
import { recognizeSilu } from "./recognize-silu.ts";
import type { Note, Rewrite } from "./rewrite.ts";

/** In this order: activations are recognised while their products are whole, batch norms become layers last. */
export const rewrites: readonly Rewrite[] = [
  foldConstants,
  dropDropout,
  recognizeLayerNorm,
  recognizeGelu,
  recognizeSilu,
  matMulAddToLinear,
  normalizeGemm,
  foldBatchNorm,
  batchNormToAffine,
];

export interface Canonical {
  readonly graph: Graph;
  /** What shape inference knows of the graph's values. */
  readonly values: Map<string, Value>;
  /** Rewrites that nearly applied, and why they did not. */
  readonly notes: readonly Note[];
  /** What became of the nodes that are gone, by their names. A node that one of them went into may be gone, too. */
  readonly fates: ReadonlyMap<string, Fate>;
}

/**
 * Applies all rewrites until nothing changes.
 * @throws ModelFileError if shapes contradict each other.
 */
export function canonicalize(graph: Graph): Canonical {
  let current = graph;
  let values = inferGraph(current);
  const notes = new Map<string, Note>();
  const fates = new Map<string, Fate>();
  for (;;) {
    const before = current;
    for (const rewrite of rewrites) {
      const next = rewrite.apply(current, values, (node, why) => {
        const note = { rewrite: rewrite.name, node: node.name, operator: node.opType, why };
        notes.set(`${note.rewrite} ${note.node}`, note);
      });
      if (next === current) continue;
      for (const [name, fate] of fatesOf(current, next, rewrite)) fates.set(name, fate);
      current = next;
      values = inferGraph(current);
    }
    if (current === before) break;
  }
  // What an earlier round refused may be gone by now.
  const left = new Set(
    current.nodes.flatMap((node) => [node, ...(node.body ?? [])]).map((node) => node.name),
  );
  const remaining = [...notes.values()].filter((note) => left.has(note.node));
  return { graph: current, values, notes: remaining, fates };
}
