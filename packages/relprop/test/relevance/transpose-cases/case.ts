/** What the tests of transposes are made of: a node on an input, and the constants it takes. */

import {
  float32Tensor,
  type Attributes,
  type GraphBuilder,
  type Shape,
  type Value,
} from "../../../src/onnx/index.ts";
import type { opTable } from "../../../src/relevance/op-table.ts";
import { randomNumbers } from "../../support/run.ts";

export interface Case {
  readonly op: keyof typeof opTable;
  readonly title?: string;
  /** Of the model. @default 17 */
  readonly opset?: number;
  /** Of the input, [2, 3, 6, 5] if nothing is said: then the case is also run with batch and image size open. */
  readonly shape?: readonly number[];
  /** What the model declares of the input where the sizes stay open. @default ["N", 3, "H", "W"] */
  readonly open?: Shape;
  readonly make: (b: GraphBuilder, x: Value) => Value;
}

export const image = [2, 3, 6, 5];

/** A constant of random numbers in [−1, 1). */
export const weights = (b: GraphBuilder, dims: readonly number[], seed = 3): Value =>
  b.constant(
    float32Tensor(
      randomNumbers(
        dims.reduce((a, n) => a * n, 1),
        seed,
      ),
      dims,
    ),
    `weights${seed}`,
  );

/** The operator on the input alone. */
export const unary = (op: Case["op"], attributes: Attributes = {}, title?: string): Case => ({
  op,
  ...(title !== undefined && { title }),
  make: (b, x) => b.like({ opType: op, attributes }, [x]),
});

/** A second tensor that depends on x and differs from it. */
export const other = (b: GraphBuilder, x: Value): Value => b.op("Tanh", [x]);

/** a·x + c: the input, which is in [−1, 1), moved to where a function is defined. */
export const moved = (b: GraphBuilder, x: Value, a: number, c: number): Value =>
  b.op("Add", [b.op("Mul", [x, b.scalar(a)]), b.scalar(c)]);
