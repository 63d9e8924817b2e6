/**
 * Brings a graph into canonical form, which the relevance stages expect: fewer kinds of operators, batch norms folded
 * into linear layers, and one node for each activation. Outputs keep their names and, except for rounding, their values.
 */

import type { Graph, Value } from "../onnx/graph.ts";
import { inferGraph } from "../onnx/infer-shapes.ts";
import { readQuantized } from "./read-quantized.ts";
import { recognizeAffine } from "./recognize-affine.ts";
import { castLikeToCast } from "./cast-like-to-cast.ts";
import { computedWeights } from "./computed-weights.ts";
import { dropNoOps } from "./drop-no-ops.ts";
import { dropExpand } from "./drop-expand.ts";
import { foldAffine } from "./fold-affine.ts";
import { foldConstants } from "./fold-constants.ts";
import { floatsToFloat32 } from "./floats-to-float32.ts";
import { ifToSqueeze } from "./if-to-squeeze.ts";
import { ifToWhere } from "./if-to-where.ts";
import { inlineIf } from "./inline-if.ts";
import { matMulAddToLinear } from "./matmul-add-to-linear.ts";
import { plainEinsum } from "./plain-einsum.ts";
import { normalizeGemm } from "./normalize-gemm.ts";
import { slicesToSplit } from "./slices-to-split.ts";
import { recognizeFakeQuantize } from "./recognize-fake-quantize.ts";
import { recognizeExponentials } from "./recognize-exponentials.ts";
import { recognizeGelu } from "./recognize-gelu.ts";
import { recognizeNormalization } from "./recognize-normalization.ts";
import { recognizePowers } from "./recognize-powers.ts";
import { recognizeProducts } from "./recognize-products.ts";
import { recognizeRelu } from "./recognize-relu.ts";
import { recognizeSigmoid } from "./recognize-sigmoid.ts";
import { recognizeSilu } from "./recognize-silu.ts";
import { type RemovedNode, findRemovedNodes } from "./removed-nodes.ts";
import { recurrentForms } from "./recurrent-forms.ts";
import { reshapeToConstants } from "./reshape-to-constants.ts";
import { resolveSequences } from "./resolve-sequences.ts";
import type { Note, Rewrite } from "./rewrite.ts";
import { Rounds, type Change } from "./rounds.ts";
import { asStridedToReshape } from "./as-strided-to-reshape.ts";
import { unrollLoops } from "./unroll-loops.ts";
import { vectorsToMatrices } from "./vectors-to-matrices.ts";

/** Applied until nothing changes: they fold constants, and remove control flow and nodes that do nothing. */
const settling: readonly Rewrite[] = [
  foldConstants,
  inlineIf,
  unrollLoops,
  resolveSequences,
  floatsToFloat32,
  recognizeFakeQuantize,
  readQuantized,
  castLikeToCast,
  reshapeToConstants,
  asStridedToReshape,
  recurrentForms,
  dropExpand,
  dropNoOps,
  vectorsToMatrices,
  plainEinsum,
];

/** Applied in this order: a condition may become constant until all is settled, and folding a factor would break up the products that activations are recognised by. */
const recognizing: readonly Rewrite[] = [
  ifToSqueeze,
  ifToWhere,
  recognizeExponentials,
  recognizeNormalization,
  recognizeGelu,
  recognizeSilu,
  recognizeSigmoid,
  recognizeRelu,
  recognizePowers,
  computedWeights,
  recognizeProducts,
  matMulAddToLinear,
  normalizeGemm,
  foldAffine,
  recognizeAffine,
  slicesToSplit,
];

/** All rewrites, in the order in which they are tried. */
export const rewrites: readonly Rewrite[] = [...settling, ...recognizing];

/** A graph in canonical form, and what the rewrites did to get there. */
export interface Canonical {
  readonly graph: Graph;
  /** What shape inference knows of the graph's values. */
  readonly values: Map<string, Value>;
  /** Rewrites that nearly applied, and why they did not. */
  readonly notes: readonly Note[];
  /** The nodes that rewrites removed, by name. A later rewrite may have removed the nodes that they went `into`. */
  readonly removedNodes: ReadonlyMap<string, RemovedNode>;
}

/**
 * Applies all rewrites until nothing changes.
 * @param lists the rewrites; `settling` runs again after each round of `recognizing` that changed something
 * @throws ModelFileError if shapes contradict each other
 * @throws UnexplainableError if the graph does not settle
 */
export function canonicalize(graph: Graph, lists = { settling, recognizing }): Canonical {
  let current = graph;
  let values = inferGraph(current);
  const notes = new Map<string, Note>();
  const removedNodes = new Map<string, RemovedNode>();
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
      for (const [name, removed] of findRemovedNodes(before, after, rewrite)) removedNodes.set(name, removed);
      current = after;
      values = inferGraph(current);
    }
    rounds.enter(changes);
    return changes.length > 0;
  };
  do {
    while (apply(lists.settling)) continue;
  } while (apply(lists.recognizing));
  // A later round may have removed a node that an earlier one has a note on.
  const left = new Set(
    current.nodes.flatMap((node) => [node, ...(node.body ?? [])]).map((node) => node.name),
  );
  const remaining = [...notes.values()].filter((note) => left.has(note.node));
  return { graph: current, values, notes: remaining, removedNodes };
}
