/** The operators of an explanation: those of the op table, and those that the caller adds. */

import { OptionError } from "../errors.ts";
import { capturedBy } from "../onnx/captures.ts";
import { operatorKey, type Node, type OperatorShapes, type ShapeOf } from "../onnx/graph.ts";
import { opTable } from "./op-table.ts";
import { endsRelevance } from "./other-operators.ts";
import type { Forms, Row } from "./row-kinds.ts";

/** An operator that the caller adds. */
export interface OwnOperator {
  /** Returns type and sizes of each output; undefined if even the rank is unknown. */
  readonly shape: ShapeOf;
  /** How relevance crosses it. Use `forms` if its kind depends on attributes. */
  readonly row: Row | Forms;
}

/** The shape rule for outputs with the type and sizes of the first input, as of activations and normalisations. */
export const likeFirstInput: ShapeOf = (_node, [first]) =>
  first && [{ dataType: first.dataType, shape: first.shape }];

/**
 * Operators by "domain/OpType".
 * @example { "my.lab/SwiReLU": { shape: likeFirstInput, row: activation(slope((c, x, y) => …)) } }
 */
export type OwnOperators = Readonly<Record<string, OwnOperator>>;

/** The part of a node that identifies its operator and inputs. */
type Named = Pick<Node, "opType" | "domain" | "attributes">;

const builtIn: Readonly<Record<string, Row | Forms>> = opTable;

/** The row of the op table. Other domains may use the same names for other operators. */
function builtInRow(opType: string, domain: string): Row | Forms | undefined {
  const isOurs = (domain === "" || domain === "relprop") && Object.hasOwn(builtIn, opType);
  return isOurs ? builtIn[opType] : undefined;
}

/** Rows by operator, for one explanation. */
export class Operators {
  /** Shape rules of the operators that the caller added. */
  readonly shapes: OperatorShapes;
  readonly #own: ReadonlyMap<string, Row | Forms>;

  /** @throws OptionError for a key that is not a domain and operator, or one that relprop has */
  constructor(own: OwnOperators = {}) {
    for (const [key, { shape, row }] of Object.entries(own)) check(key, shape, row);
    this.shapes = new Map(Object.entries(own).map(([key, { shape }]) => [key, shape]));
    this.#own = new Map(Object.entries(own).map(([key, { row }]) => [key, row]));
  }

  /** The row of a node's operator, or undefined if there is none. */
  rowOf = (node: Named): Row | undefined => {
    const row = this.#own.get(operatorKey(node)) ?? builtInRow(node.opType, node.domain);
    return row?.kind === "forms" ? row.rows[row.formOf(node)] : row;
  };

  /** Names of the inputs that can get relevance: no sizes, indices or conditions. */
  relevantInputs = (node: Node): readonly string[] => {
    const parts = this.rowOf(node)?.parts;
    // What a body reads besides is no part of the operator that it stands for: it is where the model's own number comes from.
    const captured = parts ? [] : capturedBy(node);
    const all = parts ? node.inputs.filter((_, index) => parts.includes(index)) : node.inputs;
    const names = captured.length === 0 ? all : [...new Set([...all, ...captured])];
    return names.filter((name) => name !== "");
  };

  /** Names of the outputs that can have relevance: no indices or masks. */
  relevantOutputs = (node: Node): readonly string[] => {
    const gives = this.rowOf(node)?.gives;
    return node.outputs.filter((name, index) => name !== "" && (gives?.includes(index) ?? true));
  };

  /** Whether relevance ends at the node because its derivative is zero. */
  endsRelevance = (node: Node): boolean => endsRelevance(node) && !this.#own.has(operatorKey(node));
}

function check(key: string, shape: unknown, row: unknown): void {
  const fail = (why: string, fix: string): OptionError =>
    new OptionError({ what: `cannot take the operator "${key}"`, why, fix });
  const [domain = "", opType = "", ...more] = key.split("/");
  if (domain === "" || opType === "" || more.length > 0)
    throw fail('its key is not "domain/OpType"', 'write for example "my.lab/SwiReLU", or "ai.onnx/Det"');
  if (builtInRow(opType, domain === "ai.onnx" ? "" : domain))
    throw fail("relprop has a row for it", "leave it out; how relevance crosses it is for `rules` to say");
  if (typeof shape !== "function" || typeof row !== "object" || row === null)
    throw fail(
      "it is not of the form { shape, row }",
      "shape is a function of the node and what is known of its inputs, row comes from @relprop/core/rules",
    );
}
