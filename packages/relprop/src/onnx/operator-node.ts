/**
 * Nodes of ai.onnx as opset 17 has them: TypeScript checks the operator's name, the number of its inputs and outputs, and
 * names and types of its attributes.
 */

import type { Node } from "./graph.ts";
import type { Opset17 } from "./opset17.generated.ts";

/** An operator of opset 17. */
export type OperatorName = keyof Opset17<unknown>;

/** The inputs of an operator, V for each; `undefined` for an optional one that is absent. */
export type InputsOf<K extends OperatorName, V> = Opset17<V>[K]["inputs"];

/** The attributes of an operator, by name. */
export type AttributesOf<K extends OperatorName> = Opset17<unknown>[K]["attributes"];

/** How many outputs an operator can have. */
export type OutputCountOf<K extends OperatorName> = Opset17<unknown>[K]["outputs"];

/** Operators that have one output, or can be asked for one only. */
export type OneOutput = { [K in OperatorName]: 1 extends OutputCountOf<K> ? K : never }[OperatorName];

/** What comes after an operator's inputs: attributes, which can be left out if none is required, and more. */
export type AttributesThen<K extends OperatorName, More extends readonly unknown[] = []> =
  {} extends AttributesOf<K>
    ? [attributes?: AttributesOf<K>, ...more: More]
    : [attributes: AttributesOf<K>, ...more: More];

/** A list as long as was asked for. */
export type ListOf<V, Count extends number, List extends readonly V[] = []> = number extends Count
  ? readonly V[]
  : List["length"] extends Count
    ? Readonly<List>
    : ListOf<V, Count, [...List, V]>;

/** The names of an operator's inputs; "" for one that is absent. */
export const namesOf = <K extends OperatorName, V>(
  inputs: InputsOf<K, V>,
  nameOf: (input: V) => string,
): InputsOf<K, string> =>
  (inputs as readonly (V | undefined)[]).map((input) =>
    input === undefined ? "" : nameOf(input),
  ) as readonly string[] as InputsOf<K, string>;

/** A node, named after its first output unless it is given a name. "" is an absent input, as `undefined` is. */
export const onnxNode = <K extends OperatorName>(
  opType: K,
  inputs: InputsOf<K, string>,
  outputs: readonly string[],
  ...[attributes = {}, name = outputs[0] ?? opType]: AttributesThen<K, [name?: string]>
): Node => ({ name, opType, domain: "", inputs: inputs.map((input) => input ?? ""), outputs, attributes });
