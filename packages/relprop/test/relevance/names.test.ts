/** Every node of a compiled file is the model's own, or says by name and in writing what it was made for. */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { fromBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { compile, compileMethod, type CompileOptions, type MethodName } from "../../src/index.ts";
import {
  concatChunks,
  floatTensor,
  GraphBuilder,
  int,
  readModel,
  writeModel,
  type Model,
  type Node,
} from "../../src/onnx/index.ts";
import { ModelProtoSchema, type NodeProto } from "../../src/onnx/onnx_pb.ts";
import { cases, modelOf } from "../architectures/cases.ts";
import { convnet } from "../methods/nets.ts";
import { networkOf } from "../work/networks.ts";

const fileOf = (path: string): Buffer => readFileSync(new URL(`../${path}`, import.meta.url));
const golden = (name: string): Model => readModel(fileOf(`golden/${name}/model.onnx`));

const architecture = (name: string, exporter: "script" | "dynamo"): Model => {
  const found = cases.find((each) => each.name === name)!;
  return modelOf(
    found,
    found.graphs.find((graph) => graph.exporter === exporter)!,
  );
};

/** A dense layer, a ReLU and a softmax, in float16. */
function half(): Model {
  const b = new GraphBuilder();
  const tensor = (name: string, dims: number[]) =>
    b.constant(
      floatTensor(
        "float16",
        Array.from({ length: 12 }, (_, i) => Math.sin(i)),
        dims,
      ),
      name,
    );
  const x = b.input("x", "float16", ["N", 4]);
  const hidden = b.op("Relu", [b.op("MatMul", [x, tensor("W", [4, 3])], {}, "dense")], {}, "relu");
  const logits = b.op("MatMul", [hidden, tensor("V", [3, 4])], {}, "logits");
  b.output(b.op("Softmax", [logits], { axis: int(1) }, "probabilities"), "y");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph: b.graph("half") };
}

/** The nodes of the file that a model is written as. */
function nodesIn(model: Model): NodeProto[] {
  const small = { ...model, graph: { ...model.graph, initializers: new Map() } };
  return fromBinary(ModelProtoSchema, concatChunks(writeModel(small).chunks)).graph!.node;
}

const namesOf = (nodes: readonly Node[]): string[] =>
  nodes.flatMap(({ name, body = [] }) => [name, ...namesOf(body)]);

/** The names of the nodes that a compiled model has and its source does not, once they all say what they are for. */
function made(source: Model, compiled: Model): string[] {
  const own = new Set(namesOf(source.graph.nodes));
  const owners = new Set([...own, ...source.graph.inputs.map(({ name }) => name)]);
  const nodes = nodesIn(compiled);
  expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
  const makers = new Map(source.graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const renamed = nodes.filter(({ name, opType, output }) => {
    const before = makers.get(output[0]!);
    return before?.opType === opType && before.name !== name;
  });
  expect(renamed.map(({ name }) => name)).toEqual([]);
  const others = nodes.filter(({ name }) => !own.has(name));
  const strangers = others.filter(({ name, docString }) => {
    const of = /^relprop\.node=(.*?)(; relprop\.rule=\S.*)?$/.exec(docString)?.[1];
    return !owners.has(of ?? "") || /^$|\/\/|\/$|undefined/.test(name);
  });
  expect(strangers.map(({ name, docString }) => ({ name, docString }))).toEqual([]);
  return others.map(({ name }) => name);
}

const compiled: [string, () => Model, CompileOptions][] = [
  ["convnet", () => golden("convnet"), { composite: "epsilon-gamma-box", low: -2, high: 2 }],
  ["mlp-signed, filter by bisection", () => golden("mlp-signed"), { topK: 0.1, filterBy: "bisection" }],
  ["mobilenet-bn, ledger", () => golden("mobilenet-bn"), { composite: "epsilon-alpha2-beta1", ledger: true }],
  [
    "resnet-bn, filter and ledger",
    () => golden("resnet-bn"),
    { composite: "fischer", topK: "input", ledger: true },
  ],
  ["vgg-tiny", () => golden("vgg-tiny"), { composite: "fischer", strides: "average", reduce: "channels" }],
  ["float16", half, { composite: "epsilon", ledger: true }],
  ["resnet50", () => networkOf("resnet50"), { composite: "epsilon-plus-flat", target: "top1" }],
  ["vit_b_16", () => networkOf("vit_b_16"), { composite: "attnlrp", ledger: true }],
  ["bert of opset 18", () => architecture("bert", "dynamo"), { composite: "cp-lrp", seed: "logit" }],
  ["swin_hf", () => architecture("swin_hf", "script"), { composite: "attnlrp", target: "1" }],
  ["detector", () => architecture("detector", "dynamo"), { composite: "epsilon-plus", fallback: "gradient" }],
  [
    "gpt2 from lxt",
    () => readModel(gunzipSync(fileOf("lxt/small/gpt2-32-0.2-1.onnx.gz"))),
    { composite: "attnlrp", ledger: true, ledgerPrecision: "float32" },
  ],
];

describe("every node says what it was made for", () => {
  it.each(compiled)("%s", (_name, source, options) => {
    const names = made(source(), compile(source(), options).model);
    expect(names.some((name) => name.startsWith("lrp/"))).toBe(true);
  });

  it.each<MethodName>(["input-x-gradient", "integrated-gradients", "smoothgrad", "grad-cam"])(
    "%s",
    (method) => {
      const source = convnet("Tanh", true);
      const names = made(source, compileMethod(source, { method }).model);
      expect(names.some((name) => name.startsWith(`lrp/${method}/`))).toBe(true);
    },
  );

  it.each(["act1", "conv2", "input"])("channels of %s", (layer) => {
    const source = convnet("Relu", true);
    const options = { composite: "epsilon-plus", seed: "logit", ledger: true, concepts: { layer } } as const;
    const names = made(source, compile(source, options).model);
    expect(names.filter((name) => name.startsWith(`lrp/${layer}/mask/`))).not.toEqual([]);
  });
});
