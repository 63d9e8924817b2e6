/**
 * What converters of scikit-learn add to a classifier for Python: `ZipMap`, which makes a dictionary from class to score of
 * each sample's scores, and the names of the classes.
 *
 * Source: https://github.com/onnx/onnx/blob/main/docs/Operators-ml.md#ai.onnx.ml.ZipMap
 */

import { type Node, intsAttribute } from "../graph.ts";

const isDictionary = ({ opType, domain }: Node): boolean => opType === "ZipMap" && domain === "ai.onnx.ml";

/** Its scores as they are, a tensor. */
const scores = ({ name, inputs, outputs }: Node): Node => ({
  name,
  opType: "Identity",
  domain: "",
  inputs,
  outputs,
  attributes: {},
});

/** The nodes with dictionaries replaced by the scores that they are made of. */
export const withoutDictionaries = (nodes: readonly Node[]): readonly Node[] =>
  nodes.map((node) => (isDictionary(node) ? scores(node) : node));

/** The number of classes in each dictionary, by the name of the value. */
export const dictionarySizes = (nodes: readonly Node[]): ReadonlyMap<string, number> =>
  new Map(nodes.filter(isDictionary).map((node) => [node.outputs[0] ?? "", labelsOf(node).length]));

/** The classes of a node that has them. */
function labelsOf(node: Node): readonly string[] {
  const { classlabels_strings: texts } = node.attributes;
  if (texts?.type === "strings") return texts.value;
  const numbers = intsAttribute(node, "classlabels_int64s") ?? intsAttribute(node, "classlabels_ints") ?? [];
  return numbers.map(String);
}

/** The texts that a node of class names picks by the index of the winner. */
function pickedTexts(node: Node, nodes: readonly Node[]): readonly string[] {
  if (node.opType !== "ArrayFeatureExtractor") return [];
  const texts = nodes.find(({ outputs }) => outputs[0] === node.inputs[0])?.attributes["value_strings"];
  return texts?.type === "strings" ? texts.value : [];
}

/** The names of the model's classes; empty if it has none, or they are no more than their own indices. */
export function classNames(nodes: readonly Node[]): readonly string[] {
  // The last node that has names is nearest to the outputs.
  for (const node of nodes.toReversed()) {
    const names = labelsOf(node).length > 0 ? labelsOf(node) : pickedTexts(node, nodes);
    if (names.length > 0) return names.every((name, index) => name === String(index)) ? [] : names;
  }
  return [];
}
