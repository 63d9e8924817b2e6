/** The types of operators: what tsc refuses, and that ONNX Runtime, which knows the schemas itself, refuses the same. */

import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import {
  concatChunks,
  float,
  floats,
  float32Tensor,
  GraphBuilder,
  int,
  ints,
  string,
  writeModel,
  type Attribute,
  type Attributes,
  type Value,
} from "../../src/onnx/index.ts";
import { onnxNode } from "../../src/onnx/operator-node.ts";

/** For tsc alone: a line that it accepts although the comment says that it refuses it is an error. */
export const refusedByTypes = (b: GraphBuilder, x: Value, known: Attributes): readonly unknown[] => [
  // @ts-expect-error no such operator
  b.op("Reluu", [x]),
  // @ts-expect-error an operator of opset 20
  b.op("Gelu", [x]),
  // @ts-expect-error too many inputs
  b.op("Relu", [x, x]),
  // @ts-expect-error too few inputs
  b.op("Conv", [x]),
  // @ts-expect-error an input that is not optional
  b.op("Add", [x, undefined]),
  // @ts-expect-error no such attribute
  b.op("Conv", [x, x], { stride: ints([2, 2]) }),
  // @ts-expect-error an attribute of an operator that has none
  b.op("Relu", [x], { alpha: float(1) }),
  // @ts-expect-error an attribute of another type
  b.op("Softmax", [x], { axis: float(1) }),
  // @ts-expect-error no axis
  b.op("Concat", [x, x]),
  // @ts-expect-error attributes of unknown names, which `like` passes on
  b.op("Conv", [x, x], known),
  // @ts-expect-error two outputs
  b.op("TopK", [x, x], {}),
  // @ts-expect-error never three
  b.ops("TopK", [x, x], {}, 3),
  // @ts-expect-error a number where a name is needed
  onnxNode("Add", ["x", 1], ["y"]),
];

/** And what it accepts. */
export const acceptedByTypes = (b: GraphBuilder, x: Value): readonly Value[] => {
  const [values, indices]: readonly [Value, Value] = b.ops("TopK", [x, x], { largest: int(0) }, 2);
  const parts: readonly Value[] = b.ops("Split", [x], {}, [x, x].length);
  const clipped = b.op("Clip", [x, undefined, x], {}, "clipped");
  return [values, indices, clipped, b.op("Concat", parts, { axis: int(1) })];
};

interface Schema {
  readonly name: string;
  /** As the generated types have them: `W: V`, `B?: O`, `...rest: V[]`. */
  readonly inputs: readonly string[];
  /** `axis: Int`, `axis?: Int` */
  readonly attributes: readonly string[];
  readonly outputs: string;
}

const generated = readFileSync(new URL("../../src/onnx/opset17.generated.ts", import.meta.url), "utf8");
const line = /^ {2}readonly (\w+): Operator<(V\[\]|\[.*?\])(?:, (None|\{.*?\}))?(?:, ([\d |]+|number))?>;$/gm;
const listOf = (text: string, by: string): string[] =>
  text
    .slice(1, -1)
    .split(by)
    .flatMap((part) => part.trim() || []);
const schemas: readonly Schema[] = [...generated.matchAll(line)].map(
  ([, name = "", inputs = "", attributes = "None", outputs = "1"]) => ({
    name,
    inputs: inputs === "V[]" ? ["...all: V[]"] : listOf(inputs, ", "),
    attributes: attributes === "None" ? [] : listOf(attributes, ";"),
    outputs,
  }),
);

const samples: Readonly<Record<string, Attribute>> = {
  Float: float(1),
  Floats: floats([1]),
  Graph: { type: "graph", value: { name: "g", inputs: [], outputs: [], initializers: new Map(), nodes: [] } },
  Int: int(1),
  Ints: ints([1]),
  Tensor: { type: "tensor", value: float32Tensor([1], [1]) },
  Text: string("a"),
  Texts: { type: "strings", value: ["a"] },
};

const isRequired = (part: string): boolean => !part.includes("?:") && !part.startsWith("...");

/** What ONNX Runtime says of a node with so many inputs; "" if it takes it. */
async function complaint(name: string, inputCount: number, attributes: readonly string[]): Promise<string> {
  const known = attributes.flatMap((each): [string, Attribute][] => {
    const [attribute = "", type = ""] = each.split(/\??: /);
    const sample = samples[type];
    return sample ? [[attribute, sample]] : [];
  });
  const inputs = Array.from({ length: inputCount }, () => "x");
  const node = {
    name,
    opType: name,
    domain: "",
    inputs,
    outputs: ["y"],
    attributes: Object.fromEntries(known),
  };
  const x: Value = { name: "x", dataType: "float32", shape: [1] };
  const graph = {
    name,
    inputs: [x],
    outputs: [{ ...x, name: "y" }],
    initializers: new Map(),
    nodes: [node],
  };
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph };
  try {
    await ort.InferenceSession.create(concatChunks(writeModel(model).chunks), { logSeverityLevel: 4 });
    return "";
  } catch (error) {
    return String(error);
  }
}

/** ONNX Runtime makes an initializer of it before it looks at its inputs. */
const checked = schemas.filter(({ name }) => name !== "Constant");

const bySchema =
  /input size \d+ not in range|Unrecognized attribute|Mismatched attribute type|Required attribute/;

describe("the generated types of operators", () => {
  it("has a line that can be read for each", () => {
    expect(schemas).toHaveLength(generated.match(/: Operator</g)?.length ?? 0);
    expect(schemas.length).toBeGreaterThan(170);
  });

  it.each(checked.map((schema) => [schema.name, schema] as const))("%s", async (name, schema) => {
    const { inputs, attributes } = schema;
    expect(await complaint(name, inputs.length, attributes)).not.toMatch(bySchema);
    const required = inputs.filter(isRequired).length;
    if (required > 0) expect(await complaint(name, required - 1, attributes)).toMatch(/not in range/);
    if (!inputs.at(-1)?.startsWith("..."))
      expect(await complaint(name, inputs.length + 1, attributes)).toMatch(/not in range/);
    for (const each of attributes.filter(isRequired)) {
      const others = attributes.filter((other) => other !== each);
      expect(await complaint(name, inputs.length, others)).toMatch(/Required attribute/);
    }
  });
});
