/** Constants of texts, such as class names: they stay `Constant` nodes, since graphs have constants of numbers only. */

import { type Attribute, type Attributes, type Node, string } from "../graph.ts";
import { type TensorProto, TensorProto_DataType } from "../onnx_pb.ts";

const utf8 = new TextDecoder();

/** The node for a tensor of texts; undefined for one of numbers. */
export function textConstant(proto: TensorProto): Node | undefined {
  if (proto.dataType !== TensorProto_DataType.STRING || proto.dims.length > 1) return undefined;
  const texts = proto.stringData.map((bytes) => utf8.decode(bytes));
  const value: Attribute = { type: "strings", value: texts };
  const attributes: Attributes =
    proto.dims.length === 0 ? { value_string: string(texts[0] ?? "") } : { value_strings: value };
  const { name } = proto;
  return { name, opType: "Constant", domain: "", inputs: [], outputs: [name], attributes };
}

/** Whether attributes of a `Constant` node are those of a text or a list of texts. */
export const areText = (attributes: Attributes): boolean =>
  "value_string" in attributes || "value_strings" in attributes;
