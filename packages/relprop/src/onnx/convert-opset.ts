/** Converts models to opset 17, the only one that later stages know. */

import { ModelFileError, OptionError } from "../errors.ts";
import { checkNodes } from "./check-nodes.ts";
import { Conversion, type Converter } from "./convert-opset/conversion.ts";
import { contribConverterOf, converterOf } from "./convert-opset/table.ts";
import { type Attribute, type Model, type ModelFunction, type Node, subgraphsOf } from "./graph.ts";
import { madeFor } from "./owners.ts";
import { inRange } from "../size-limit.ts";

/** The highest opset that all of ONNX Runtime's back ends support completely. */
const onlyTarget = 17;

/**
 * Converts a model to opset 17 without changing what it computes; a model of opset 17 is returned unchanged. `Gelu` (20),
 * `Mish` (18), `Swish` (24, as `Silu`), `GroupNormalization` (18, 21) and `RMSNormalization` (23) stay nodes with a `body`
 * of operators of opset 17. `Attention` and `RotaryEmbedding` (23), and most operators of com.microsoft that ONNX Runtime's
 * optimiser makes, are replaced by several nodes.
 *
 * @param target must be 17
 * @throws ModelFileError if a node lacks what its operator asks for, if opset 17 cannot express it, or if its axes or sizes
 *   are not constant; it names the node
 * @throws OptionError for another target
 */
export function convertOpset(model: Model, target: number = onlyTarget): Model {
  if (target !== onlyTarget) {
    const why = `models are converted to opset ${onlyTarget} only, not to ${target}`;
    throw new OptionError({ what: "cannot convert the model", why, fix: `leave out the target` });
  }
  for (const each of model.functions ?? []) checkFunction(each, target);
  checkNodes(model.graph.nodes);
  const version = model.opsets[""];
  if (version === target && !hasContrib(model.graph.nodes)) return model;
  if (version === undefined) {
    const why = "it does not say which opset of ai.onnx it uses";
    throw new ModelFileError({ what: "cannot convert the model", why, fix: 'set opsets[""]' });
  }
  const { graph } = model;
  const conversion = new Conversion(graph, version, target);
  const nodes = converted(graph.nodes, conversion);
  return {
    ...model,
    opsets: { ...model.opsets, "": target },
    graph: { ...graph, nodes, initializers: conversion.initializers },
  };
}

/** A function that stays whole is not converted: it must mean the same in the target's operators. */
function checkFunction({ name, opset, operators }: ModelFunction, target: number): void {
  const changed = opset === target ? undefined : operators.find((opType) => converterOf(opType, opset));
  if (changed === undefined) return;
  throw new ModelFileError({
    what: `cannot convert the model from opset ${opset} to ${target}`,
    where: `function "${name}"`,
    why: `it stays whole, and its ${changed} has another form in opset ${target}`,
    fix: `export the model with opset ${target}`,
  });
}

const hasContrib = (nodes: readonly Node[]): boolean =>
  nodes.some(
    (node) =>
      contribConverterOf(node.opType, node.domain) ||
      subgraphsOf(node).some((inner) => hasContrib(inner.nodes)),
  );

function converterFor({ opType, domain }: Node, version: number): Converter | undefined {
  return contribConverterOf(opType, domain) ?? (domain === "" ? converterOf(opType, version) : undefined);
}

function converted(nodes: readonly Node[], conversion: Conversion): Node[] {
  const all: Node[] = [];
  for (const node of nodes) {
    const convert = converterFor(node, conversion.version);
    const whole = withConvertedGraphs(node, conversion);
    const replaced = convert && inRange(node, () => convert(whole, conversion));
    for (const made of replaced ? madeFor(node, replaced) : [whole]) {
      conversion.learn(made);
      all.push(made);
    }
  }
  return all;
}

/** The node with its subgraphs converted. */
function withConvertedGraphs(node: Node, conversion: Conversion): Node {
  if (subgraphsOf(node).length === 0) return node;
  const attributes = Object.entries(node.attributes).map(([name, attribute]): [string, Attribute] => {
    if (attribute.type !== "graph") return [name, attribute];
    const inner = new Conversion(attribute.value, conversion.version, conversion.target, conversion);
    const nodes = converted(attribute.value.nodes, inner);
    return [name, { type: "graph", value: { ...attribute.value, nodes, initializers: inner.initializers } }];
  });
  return { ...node, attributes: Object.fromEntries(attributes) };
}
