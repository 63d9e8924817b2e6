/**
 * Brings a graph into the form that the relevance stages know: fewer operators, linear ones with their batch norms
 * folded in, and activations under their names. Outputs keep their names and, but for rounding, their values.
 */

import type { Graph, Value } from "../onnx/graph.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { batchNormToAffine } from "./batchnorm-to-affine.ts";
import { castLikeToCast } from "./cast-like-to-cast.ts";
import { dropDropout } from "./drop-dropout.ts";
import { dropExpand } from "./drop-expand.ts";
import { fatesOf, type Fate } from "./fates.ts";
import { foldBatchNorm } from "./fold-batchnorm.ts";
import { foldConstants } from "./fold-constants.ts";
import { halfToSingle } from "./half-to-single.ts";
import { inlineIf } from "./inline-if.ts";
import { matMulAddToLinear } from "./matmul-add-to-linear.ts";
import { normalizeGemm } from "./normalize-gemm.ts";
import { partsToSplit } from "./parts-to-split.ts";
import { quantizedView } from "./quantized-view.ts";
import { recognizeExponentials } from "./recognize-exponentials.ts";
import { recognizeGelu } from "./recognize-gelu.ts";
import { recognizeNormalization } from "./recognize-normalization.ts";
import { recognizeProducts } from "./recognize-products.ts";
import { recognizeRelu } from "./recognize-relu.ts";
import { recognizeSigmoid } from "./recognize-sigmoid.ts";
import { recognizeSilu } from "./recognize-silu.ts";
import { reshapeToConstants } from "./reshape-to-constants.ts";
import { resolveSequences } from "./resolve-sequences.ts";
import type { Note, Rewrite } from "./rewrite.ts";
import { Rounds, type Change } from "./rounds.ts";
import { stridedView } from "./strided-view.ts";
import { unrollLoops } from "./unroll-loop.ts";

/** Until nothing changes: what no input can change becomes constant, control flow goes, what does nothing goes. */
const settling: readonly Rewrite[] = [
  foldConstants,
  inlineIf,
  unrollLoops,
  resolveSequences,
  halfToSingle,
  quantizedView,
  castLikeToCast,
  reshapeToConstants,
  stridedView,
  dropExpand,
  dropDropout,
];

/** In this order: activations are recognised while their products are whole, batch norms become layers last. */
const recognizing: readonly Rewrite[] = [
  recognizeExponentials,
  recognizeNormalization,
  recognizeGelu,
  recognizeSilu,
  recognizeSigmoid,
  recognizeRelu,
  recognizeProducts,
  matMulAddToLinear,
  normalizeGemm,
  foldBatchNorm,
  batchNormToAffine,
  partsToSplit,
];

/** All rewrites, in the order in which they are tried. */
export const rewrites: readonly Rewrite[] = [...settling, ...recognizing];

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
 * @param lists the rewrites: after each round of `recognizing` that changes something comes `settling` again
 * @throws ModelFileError if shapes contradict each other
 * @throws UnexplainableError if the graph does not settle
 */
export function canonicalize(graph: Graph, lists = { settling, recognizing }): Canonical {
  let current = graph;
  let values = inferGraph(current);
  const notes = new Map<string, Note>();
  const fates = new Map<string, Fate>();
  const rounds = new Rounds();
  const apply = (list: readonly Rewrite[]): boolean => {
    const changes: Change[] = [];
    for (const rewrite of list) {
      const before = current;
      const after = rewrite.apply(before, values, (node, why) => {
        const note = { rewrite: rewrite.name, node: node.name, operator: node.opType, why };
        notes.set(`${note.rewrite} ${note.node}`, note);
      });
      if (after === before) continue;
      changes.push({ rewrite, before, after });
      for (const [name, fate] of fatesOf(before, after, rewrite)) fates.set(name, fate);
      current = after;
      values = inferGraph(current);
    }
    rounds.enter(changes);
    return changes.length > 0;
  };
  do {
    while (apply(lists.settling)) continue;
  } while (apply(lists.recognizing));
  // What an earlier round refused may be gone by now.
  const left = new Set(
    current.nodes.flatMap((node) => [node, ...(node.body ?? [])]).map((node) => node.name),
  );
  const remaining = [...notes.values()].filter((note) => left.has(note.node));
  return { graph: current, values, notes: remaining, fates };
}
