/** Finds the inputs that a refused model could be explained with, were they fixed: the rounds of a loop, a switch. */

import { RelpropError } from "../errors.ts";
import { readBy } from "../onnx/captures.ts";
import { type Graph, type Value, subgraphsOf } from "../onnx/graph.ts";
import { isFloat, numbersOf, sizeOf } from "../onnx/tensor.ts";
import { isSetting, type FixedValue } from "./fix-inputs.ts";

/** An input, and a value that was tried and leads on. */
export interface HelpfulSetting {
  readonly input: string;
  readonly value: FixedValue;
}

/** So many values of an input are tried. */
const mostTried = 4;

/**
 * The inputs of one number that stand before the obstacles.
 * @param obstacles names of nodes that relevance cannot cross
 * @param leadsOn whether nothing stands in the way with an input fixed; may throw for values that do not fit
 */
export function helpfulSettings(
  graph: Graph,
  obstacles: ReadonlySet<string>,
  explained: readonly string[],
  leadsOn: (setting: HelpfulSetting) => boolean,
): HelpfulSetting[] {
  return graph.inputs.flatMap((input) => {
    if (!isSetting(input) || graph.initializers.has(input.name) || explained.includes(input.name)) return [];
    if (!standsBefore(graph, input.name, obstacles)) return [];
    const value = valuesFor(graph, input).find((each) => leads(leadsOn, { input: input.name, value: each }));
    return value === undefined ? [] : [{ input: input.name, value }];
  });
}

function leads(leadsOn: (setting: HelpfulSetting) => boolean, setting: HelpfulSetting): boolean {
  try {
    return leadsOn(setting);
  } catch (error) {
    if (error instanceof RelpropError) return false;
    throw error;
  }
}

/** Whether a node is computed from an input. */
function standsBefore(graph: Graph, input: string, nodes: ReadonlySet<string>): boolean {
  const reached = new Set([input]);
  for (const node of graph.nodes) {
    if (!readBy(node).some((name) => reached.has(name))) continue;
    if (nodes.has(node.name)) return true;
    for (const name of node.outputs) reached.add(name);
  }
  return false;
}

/** Values to try: yes and no; what the model itself compares the input with, and small numbers. */
function valuesFor(graph: Graph, { name, dataType }: Value): FixedValue[] {
  if (dataType === "bool") return [true, false];
  if (isFloat(dataType)) return [1];
  const beside = graph.nodes
    .filter((node) => readBy(node).includes(name) && subgraphsOf(node).length === 0)
    .flatMap((node) => node.inputs.flatMap((each) => graph.initializers.get(each) ?? []))
    .filter((tensor) => tensor.dataType === dataType && sizeOf(tensor.dims) === 1)
    .flatMap((tensor) => Array.from(numbersOf(tensor)));
  return [...new Set([...beside, 1, 2])].slice(0, mostTried);
}
