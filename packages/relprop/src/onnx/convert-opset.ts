/** Rewrites a model of another opset into the forms of opset 17, so that all later stages know one form only. */

import { fromBinary } from "@bufbuild/protobuf";
import { ModelFileError, OptionError } from "../errors.ts";
import { capturedNames } from "./captures.ts";
import { Conversion } from "./convert-opset/conversion.ts";
import { converterOf } from "./convert-opset/table.ts";
import type { Model, Node } from "./graph.ts";
import { AttributeProtoSchema, type GraphProto } from "./onnx_pb.ts";

/** Opset 17 is the highest that all of ONNX Runtime's back ends run whole. */
const onlyTarget = 17;

/**
 * The same function in opset 17. Operators whose form did not change are left alone; a model of opset 17 is given
 * back as it is. `Gelu` (20), `Mish` (18) and `GroupNormalization` (18, 21) stay nodes, over a `body` of operators of
 * opset 17.
 *
 * @param target 17, the only one there is
 * @throws ModelFileError naming the node that opset 17 cannot express, or whose axes or sizes are not constant
 * @throws OptionError for another target
 */
export function convertOpset(model: Model, target: number = onlyTarget): Model {
  if (target !== onlyTarget) {
    const why = `models are converted to opset ${onlyTarget} only, not to ${target}`;
    throw new OptionError({ what: "cannot convert the model", why, fix: `leave out the target` });
  }
  const version = model.opsets[""];
  if (version === target) return model;
  if (version === undefined) {
    const why = "it does not say which opset of ai.onnx it uses";
    throw new ModelFileError({ what: "cannot convert the model", why, fix: 'set opsets[""]' });
  }
  const { graph } = model;
  const conversion = new Conversion(model, version, target, capturedNames(graph));
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    checkSubgraphs(node, conversion);
    const convert = node.domain === "" ? converterOf(node.opType, version) : undefined;
    for (const converted of convert ? convert(node, conversion) : [node]) {
      conversion.learn(converted);
      nodes.push(converted);
    }
  }
  return {
    ...model,
    opsets: { ...model.opsets, "": target },
    graph: { ...graph, nodes, initializers: conversion.initializers },
  };
}

/** Subgraphs are not rewritten, so none of their operators may have changed. */
function checkSubgraphs(node: Node, conversion: Conversion): void {
  const check = (graph: GraphProto): void => {
    for (const inner of graph.node) {
      const isStandard = inner.domain === "" || inner.domain === "ai.onnx";
      if (isStandard && converterOf(inner.opType, conversion.version)) {
        throw conversion.refuse(
          node,
          `its subgraph has a ${inner.opType} "${inner.name}", which changed since`,
        );
      }
      for (const { g, graphs } of inner.attribute)
        for (const graph of g ? [g, ...graphs] : graphs) check(graph);
    }
  };
  for (const attribute of Object.values(node.attributes)) {
    if (attribute.type !== "opaque") continue;
    const { g, graphs } = fromBinary(AttributeProtoSchema, attribute.value);
    for (const graph of g ? [g, ...graphs] : graphs) check(graph);
  }
}
