/** What an output can be, in one line each. */
export const outputKinds = {
  classes: "scores of classes that exclude each other, [N, classes]: softmax",
  binary: "one score of a yes-or-no question, [N] or [N, 1]: sigmoid",
  "multi-label": "scores of classes that do not exclude each other, [N, classes]: a sigmoid each",
  values: "real numbers, [N], [N, 1] or [N, k]: regression",
  scores: "numbers of which nothing says what they are, [N, k]",
  embedding: "a vector that stands for the input, [N, features]",
  map: "an answer for each place, [N, classes, H, W] and its kin in 1-D and 3-D",
  detections: "boxes and their scores",
  sequence: "an answer for each token or step, [N, T, classes]",
  nodes: "an answer for each node of a graph, [nodes, classes]; there is no batch",
} as const;
export type OutputKind = keyof typeof outputKinds;
