/** Damage to models that keeps them readable: other operators, inputs, attributes, shapes, constants. */

import type { Attribute, Model, Node, Tensor } from "../packages/relprop/src/onnx/index.ts";
import { opTable } from "../packages/relprop/src/relevance/op-table.ts";
import type { Random } from "./random.ts";

const operators = [
  ...Object.keys(opTable),
  "If",
  "Loop",
  "Scan",
  "NonMaxSuppression",
  "TopK",
  "Constant",
  "Shape",
];
const extremes: readonly number[] = [-1, 0, 1, 2, 3, 7, 100, 2 ** 31 - 1, -(2 ** 31), 2 ** 40, -(2 ** 53)];
const sizes: readonly (number | string)[] = [0, 1, 2, 3, 1000, 2 ** 31, 2 ** 40, "N", "other"];

/** A copy of the model with one to three things changed. */
export function damageModel(model: Model, random: Random): Model {
  let hurt = model;
  for (let times = 1 + random.below(3); times > 0; times--) hurt = change(hurt, random);
  return hurt;
}

function change(model: Model, random: Random): Model {
  const { graph } = model;
  const { nodes, initializers, inputs } = graph;
  const names = [
    ...initializers.keys(),
    ...inputs.map(({ name }) => name),
    ...nodes.flatMap((n) => n.outputs),
    "",
  ];
  const withNode = (edit: (node: Node) => Node): Model => {
    if (nodes.length === 0) return model;
    const at = random.below(nodes.length);
    return { ...model, graph: { ...graph, nodes: nodes.with(at, edit(nodes[at] as Node)) } };
  };
  switch (random.below(10)) {
    case 0:
      return withNode((node) => ({ ...node, opType: random.of(operators) }));
    case 1:
      return withNode((node) => ({
        ...node,
        inputs: node.inputs.slice(0, random.below(node.inputs.length + 1)),
      }));
    case 2:
      return withNode((node) =>
        node.inputs.length === 0
          ? node
          : { ...node, inputs: node.inputs.with(random.below(node.inputs.length), random.of(names)) },
      );
    case 3:
    case 4:
      return withNode((node) => ({ ...node, attributes: changedAttributes(node, random) }));
    case 5:
      return withNode((node) => ({ ...node, inputs: [...node.inputs, random.of(names)] }));
    case 6: {
      const [name, tensor] = random.of([...initializers]) ?? [];
      if (name === undefined || !tensor) return model;
      return {
        ...model,
        graph: { ...graph, initializers: new Map(initializers).set(name, changedTensor(tensor, random)) },
      };
    }
    case 7: {
      const at = random.below(inputs.length);
      const input = inputs[at];
      if (!input || input.shape.length === 0) return model;
      const shape = input.shape.with(random.below(input.shape.length), random.of(sizes));
      return { ...model, graph: { ...graph, inputs: inputs.with(at, { ...input, shape }) } };
    }
    case 8:
      return {
        ...model,
        opsets: { ...model.opsets, "": random.of([1, 6, 7, 9, 10, 11, 13, 15, 17, 18, 20, 22, 24, 99]) },
      };
    default: {
      const at = random.below(nodes.length + 1);
      return { ...model, graph: { ...graph, nodes: [...nodes.slice(0, at), ...nodes.slice(at + 1)] } };
    }
  }
}

function changedAttributes(node: Node, random: Random): Node["attributes"] {
  const names = Object.keys(node.attributes);
  const name = random.of(
    names.length > 0 && !random.once(4) ? names : ["axis", "pads", "strides", "axes", "mode", "group"],
  );
  const attribute = node.attributes[name];
  return { ...node.attributes, [name]: changedAttribute(attribute, random) };
}

function changedAttribute(attribute: Attribute | undefined, random: Random): Attribute {
  const number = random.of(extremes);
  switch (random.once(6) ? undefined : attribute?.type) {
    case "int":
      return { type: "int", value: number };
    case "float":
      return { type: "float", value: random.of([number, Number.NaN, Infinity, 1e-45]) };
    case "ints": {
      const { value } = attribute as Extract<Attribute, { type: "ints" }>;
      if (value.length === 0 || random.once(3)) return { type: "ints", value: [...value, number] };
      return { type: "ints", value: value.with(random.below(value.length), number) };
    }
    default:
      return random.of<Attribute>([
        { type: "int", value: number },
        { type: "ints", value: [number] },
        { type: "ints", value: [] },
        { type: "string", value: random.of(["", "linear", "\u001b[31m"]) },
        { type: "float", value: number },
      ]);
  }
}

/** The tensor with numbers or sizes that nobody meant. */
function changedTensor(tensor: Tensor, random: Random): Tensor {
  const { bytes, dims } = tensor;
  if (random.once(2) && dims.length > 0) {
    const turned = random.once(2) ? dims.toReversed() : [dims.reduce((a, n) => a * n, 1)];
    return { ...tensor, dims: turned };
  }
  const hurt = Uint8Array.from(bytes);
  const width = Math.max(1, Math.min(8, hurt.length));
  const at = random.below(hurt.length / width) * width;
  hurt.fill(random.of([0, 0x7f, 0xff, 0x80]), at, at + width);
  return { ...tensor, bytes: hurt };
}
