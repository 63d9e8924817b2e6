/** The kinds of output, with a line about each. */
export const outputKinds = {
  classes: "scores of classes that exclude each other, [N, classes]: softmax",
  binary: "one score of a yes-or-no question, [N] or [N, 1]: sigmoid",
  "multi-label": "scores of classes that do not exclude each other, [N, classes]: a sigmoid each",
  values: "real numbers, [N], [N, 1] or [N, k]: regression",
  scores: "numbers of which nothing says what they are, [N, k]",
  embedding: "a vector that stands for the input, [N, features]",
  map: "scores of classes for each place, [N, classes, H, W] and its kin in 1-D and 3-D",
  "value-map": "real numbers for each place, [N, values, H, W] and its kin: depth, flow, pictures",
  detections: "boxes and their scores",
  sequence: "an answer for each token or step, [N, T, classes]",
  nodes: "an answer for each node of a graph, [nodes, classes]; there is no batch",
} as const;
/** One of {@link outputKinds}. */
export type OutputKind = keyof typeof outputKinds;

/** Whether an output has numbers for each place of the input. */
export const isAnyMap = ({ kind }: { readonly kind: OutputKind }): boolean =>
  kind === "map" || kind === "value-map";
