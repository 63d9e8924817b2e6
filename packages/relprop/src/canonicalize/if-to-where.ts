/**
 * Replaces an If whose condition only a run knows by the nodes of both branches, and for each output
 *
 *     y = Where(condition, then, else)
 *
 * so that relevance goes to the branch that was taken, and all else works as for any other node. The branch that was not
 * taken must not disturb: it reads ones in place of computed values, and since relevance leaves it through the same Where,
 *
 *     x' = Where(condition, x, 1)        R_x = Where(condition, R', 0)
 *
 * nothing of it arrives, not even an infinite or undefined number. Both branches are computed in each run, so only those are
 * opened that cannot fail there: of known types and shapes, equal for both, and with indices and sizes that are constants.
 */

import { capturedBy } from "../onnx/captures.ts";
import {
  type Graph,
  type Node,
  type Subgraph,
  type Tensor,
  type TensorInfo,
  type Value,
  graphAttribute,
} from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { floatTensor, int64Tensor, isFloat, numbersOf } from "../onnx/tensor.ts";
import { ConstantExpressions } from "./constant-expressions.ts";
import { inlineSubgraph } from "./inline-subgraph.ts";
import {
  type Refuse,
  type Rewrite,
  constantNames,
  edited,
  identity,
  isOnnx,
  isRandom,
  namer,
} from "./rewrite.ts";

/** Limit of nodes in all branches of one If: they are all computed in each run. */
const maxNodes = 2000;

/** Why an If stays. */
class Stays extends Error {}

/** The nodes and constants that replace one If. */
class Opened {
  readonly nodes: Node[] = [];
  readonly initializers = new Map<string, Tensor>();
  readonly newName: (base: string) => string;
  readonly #expressions: ConstantExpressions;
  readonly #constants: Set<string>;

  constructor(newName: (base: string) => string, expressions: ConstantExpressions, constants: Set<string>) {
    this.newName = newName;
    this.#expressions = expressions;
    this.#constants = new Set(constants);
  }

  add(nodes: readonly Node[], initializers: ReadonlyMap<string, Tensor> = new Map()): void {
    this.nodes.push(...nodes);
    if (this.nodes.length > maxNodes) throw new Stays(`its branches have more than ${maxNodes} nodes`);
    for (const [name, tensor] of initializers) {
      this.initializers.set(name, tensor);
      this.#constants.add(name);
    }
    for (const node of nodes)
      if (node.inputs.every((name) => name === "" || this.#constants.has(name)))
        for (const name of node.outputs) this.#constants.add(name);
    this.#expressions.add(nodes, initializers);
  }

  constant(base: string, tensor: Tensor): string {
    const name = this.newName(base);
    this.add([], new Map([[name, tensor]]));
    return name;
  }

  isConstant(name: string): boolean {
    return this.#constants.has(name);
  }

  info(name: string): TensorInfo | undefined {
    return this.#expressions.info(name);
  }

  tensor(name: string): Tensor | undefined {
    return this.#expressions.tensor(name);
  }

  /** Where(condition, a, c) with a given name. */
  where(condition: string, a: string, c: string, output: string, owner: Node): string {
    this.add([onnxNode("Where", [condition, a, c], [output], {}, this.newName(owner.name))]);
    return output;
  }
}

/** The condition as a scalar, which no value's shape is changed by. */
function scalarCondition(name: string, to: Opened): string {
  if (to.info(name)?.shape.length === 0) return name;
  const flat = to.newName(`${name}_flat`);
  to.add([onnxNode("Reshape", [name, to.constant(`${name}_shape`, int64Tensor([], [0]))], [flat])]);
  return flat;
}

/** A branch, whose captured values are masked where it is not taken. Gives the names of its outputs. */
function openBranch(
  node: Node,
  branch: Subgraph,
  condition: string,
  isThen: boolean,
  to: Opened,
): readonly string[] {
  const alone: Node = { ...node, inputs: [], attributes: { branch: { type: "graph", value: branch } } };
  const captured = capturedBy(alone).filter((name) => {
    const info = to.info(name);
    return info !== undefined && isFloat(info.dataType) && !to.isConstant(name);
  });
  const masked = captured.map((name) => {
    const { dataType } = to.info(name) as TensorInfo;
    const one = to.constant("one", floatTensor(isFloat(dataType) ? dataType : "float32", [1], []));
    const [a, c] = isThen ? [name, one] : [one, name];
    return to.where(condition, a, c, to.newName(`${name}_${isThen ? "then" : "else"}`), node);
  });
  const inputs = captured.map((name) => ({ name, declaration: new Uint8Array() }));
  const inlined = inlineSubgraph({ ...branch, inputs }, masked, to.newName);
  to.add([], inlined.initializers);
  for (const inner of inlined.nodes) {
    if (isOnnx(inner, "If")) openIf(inner, to);
    else {
      requireSafe(inner, to);
      to.add([inner]);
    }
  }
  return inlined.outputs;
}

/** @throws Stays if a node may fail, or give another number, where its branch is not taken */
function requireSafe(node: Node, to: Opened): void {
  const where = `${node.opType} "${node.name}" of a branch`;
  if (isRandom(node)) throw new Stays(`${where} gives random numbers`);
  for (const name of node.inputs) {
    if (name === "" || to.isConstant(name)) continue;
    const info = to.info(name);
    if (!info) throw new Stays(`nothing is known of what ${where} reads`);
    if (!isFloat(info.dataType) && info.dataType !== "bool")
      throw new Stays(
        `${where} reads whole numbers that only a run knows, and may fail where its branch is not taken`,
      );
  }
}

const shapeText = (info: TensorInfo | undefined): string =>
  info ? `${info.dataType} [${info.shape.join(", ")}]` : "of a shape that is not known";

const isSame = (a: TensorInfo | undefined, c: TensorInfo | undefined): boolean =>
  a !== undefined && c !== undefined && shapeText(a) === shapeText(c);

/** Adds what replaces an If, under the names of its outputs. @throws Stays */
function openIf(node: Node, to: Opened): void {
  const [then, other] = [graphAttribute(node, "then_branch"), graphAttribute(node, "else_branch")];
  if (!then || !other) throw new Stays("one of its branches is missing");
  const known = to.tensor(node.inputs[0] ?? "");
  if (known) {
    const taken = inlineSubgraph(numbersOf(known)[0] ? then : other, [], to.newName);
    to.add([], taken.initializers);
    for (const inner of taken.nodes) {
      if (isOnnx(inner, "If")) openIf(inner, to);
      else to.add([inner]);
    }
    to.add(node.outputs.flatMap((name, i) => (name === "" ? [] : [identity(taken.outputs[i] ?? "", name)])));
    return;
  }
  const condition = scalarCondition(node.inputs[0] ?? "", to);
  const yes = openBranch(node, then, condition, true, to);
  const no = openBranch(node, other, condition, false, to);
  for (const [i, output] of node.outputs.entries()) {
    if (output === "") continue;
    const [a, c] = [yes[i] ?? "", no[i] ?? ""];
    if (!isSame(to.info(a), to.info(c)))
      throw new Stays(
        `its branches give different tensors, ${shapeText(to.info(a))} and ${shapeText(to.info(c))}`,
      );
    to.where(condition, a, c, output, node);
  }
}

export const ifToWhere: Rewrite = {
  name: "if-to-where",
  about: "an If whose condition only a run knows becomes both branches, and Where between them",
  removes: "control flow",
  apply(graph: Graph, values: ReadonlyMap<string, Value>, refuse: Refuse): Graph {
    const nodes = graph.nodes.filter((node) => isOnnx(node, "If"));
    if (nodes.length === 0) return graph;
    const newName = namer(graph);
    const constants = constantNames(graph);
    const replace = new Map<Node, readonly Node[]>();
    const initializers = new Map<string, Tensor>();
    for (const node of nodes) {
      const to = new Opened(newName, new ConstantExpressions(graph, values), constants);
      try {
        openIf(node, to);
      } catch (error) {
        if (!(error instanceof Stays)) throw error;
        refuse(node, `its condition is known at run time only, and ${error.message}`);
        continue;
      }
      for (const [name, tensor] of to.initializers) initializers.set(name, tensor);
      replace.set(node, to.nodes);
    }
    return replace.size === 0 ? graph : edited(graph, { replace, initializers });
  },
};
