/** Model-local functions that are not taken apart, since the caller says how relevance crosses them. */

import { toBinary } from "@bufbuild/protobuf";
import { type ModelFunction, operatorKey } from "../graph.ts";
import { type FunctionProto, FunctionProtoSchema, type NodeProto } from "../onnx_pb.ts";
import { domainOf } from "./nodes.ts";

const keyOf = ({ domain, name }: FunctionProto): string =>
  operatorKey({ domain: domainOf(domain), opType: name });

const calleeOf = ({ domain, opType }: NodeProto): string => operatorKey({ domain: domainOf(domain), opType });

const nodesIn = (nodes: readonly NodeProto[]): NodeProto[] =>
  nodes.flatMap((node) => [
    node,
    ...node.attribute.flatMap(({ g, graphs }) =>
      (g ? [g, ...graphs] : graphs).flatMap((graph) => nodesIn(graph.node)),
    ),
  ]);

/**
 * Which functions stay, and which are written out wherever the graph calls them.
 * @param operators keys of the functions that stay; what these call stays, too
 */
export function chosenFunctions(
  functions: readonly FunctionProto[],
  operators: readonly string[],
): { apart: readonly FunctionProto[]; whole: readonly ModelFunction[] } {
  // A node does not say which of several overloads it calls once it has been read.
  const named = functions.filter(({ overload }) => overload === "");
  const kept = new Set(named.filter((each) => operators.includes(keyOf(each))));
  const needed = new Set(kept);
  for (const each of needed) {
    const callees = new Set(nodesIn(each.node).map(calleeOf));
    for (const other of functions) if (callees.has(keyOf(other))) needed.add(other);
  }
  return { apart: functions.filter((each) => !kept.has(each)), whole: [...needed].map(modelFunction) };
}

function modelFunction(proto: FunctionProto): ModelFunction {
  const inner = nodesIn(proto.node).filter(({ domain }) => domainOf(domain) === "");
  return {
    domain: proto.domain,
    name: proto.name,
    opset: Number(proto.opsetImport.find(({ domain }) => domainOf(domain) === "")?.version ?? 0),
    operators: [...new Set(inner.map(({ opType }) => opType))],
    encoded: toBinary(FunctionProtoSchema, proto),
  };
}
