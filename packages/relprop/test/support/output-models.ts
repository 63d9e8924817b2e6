/**
 * Small networks of every kind of output. Each can be built with its response functions (softmax, sigmoid and their kin) or
 * without: then its output is the logits, in the same shape, which is where relevance has to start.
 */

import type { OutputKind } from "../../src/index.ts";
import {
  float,
  float32Tensor,
  GraphBuilder,
  int,
  ints,
  type Model,
  type Value,
} from "../../src/onnx/index.ts";
import { randomNumbers } from "./run.ts";

/** Builds with weights that are the same each time. */
export class NetBuilder extends GraphBuilder {
  #seed = 1;

  random(dims: readonly number[], scale = 1): Value {
    const size = dims.reduce((a, n) => a * n, 1);
    const data = randomNumbers(size, (this.#seed += 7919)).map((n) => n * scale);
    return this.constant(float32Tensor(data, dims), "W");
  }
  dense(x: Value, from: number, to: number): Value {
    const weights = this.random([to, from], 2 / Math.sqrt(from));
    return this.op("Gemm", [x, weights, this.random([to], 0.3)], { transB: int(1) });
  }
  conv(x: Value, from: number, to: number, kernel: readonly number[] = [3, 3]): Value {
    const weights = this.random([to, from, ...kernel], 2 / Math.sqrt(from * kernel.length * 3));
    const pads = [...kernel, ...kernel].map((size) => Math.floor(size / 2));
    return this.op("Conv", [x, weights, this.random([to], 0.3)], {
      kernel_shape: ints(kernel),
      pads: ints(pads),
    });
  }
  relu(x: Value): Value {
    return this.op("Relu", [x]);
  }
  reshape(x: Value, dims: readonly number[]): Value {
    return this.op("Reshape", [x, this.integers(dims)]);
  }
  transpose(x: Value, perm: readonly number[]): Value {
    return this.op("Transpose", [x], { perm: ints(perm) });
  }
  concat(parts: readonly Value[], axis: number): Value {
    return this.op("Concat", parts, { axis: int(axis) });
  }
  slice(x: Value, axis: number, from: number, to: number): Value {
    return this.op("Slice", [x, this.integers([from]), this.integers([to]), this.integers([axis])]);
  }
}

/** Applies a response function, or leaves it out. */
export type Respond = (x: Value, ...functions: readonly ((x: Value) => Value)[]) => Value;

export interface OutputModel {
  readonly name: string;
  /** Sizes of the input, the batch first; none for graphs. */
  readonly input: readonly number[];
  readonly build: (
    b: NetBuilder,
    x: Value,
    respond: Respond,
    responds: boolean,
  ) => Value | Readonly<Record<string, Value>>;
  readonly kind: OutputKind;
  /** What the numbers are read as: kind and, of probabilities and logits, what made them. */
  readonly scale: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** The output's name. @default "output" */
  readonly output?: string;
}

/** The model, with its response functions or ending in the logits. */
export function modelOf(
  { input, build, metadata = {}, output = "output" }: OutputModel,
  responds = true,
): Model {
  const b = new NetBuilder();
  const [batch = 1, ...rest] = input;
  const x = b.input("input", "float32", [batch === 1 ? "N" : batch, ...rest]);
  const respond: Respond = (value, ...functions) =>
    responds ? functions.reduce((y, apply) => apply(y), value) : value;
  const built = build(b, x, respond, responds);
  const outputs = "name" in built && "shape" in built ? { [output]: built as Value } : built;
  for (const [name, value] of Object.entries(outputs)) b.output(value, name);
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata, graph: b.graph("test") };
}

const flat = [1, 6] as const;
const picture = [1, 3, 8, 8] as const;

const trunk = (b: NetBuilder, x: Value): Value => b.relu(b.dense(x, 6, 10));
const features = (b: NetBuilder, x: Value): Value => b.relu(b.conv(x, 3, 6));

/** 64 places of `count` numbers: [N, count, 64]. */
const places = (b: NetBuilder, x: Value, count: number): Value =>
  b.reshape(b.conv(x, 6, count), [0, count, -1]);

export const outputModels: readonly OutputModel[] = [
  {
    name: "softmax",
    input: flat,
    kind: "classes",
    scale: "probability by softmax",
    build: (b, x, respond) =>
      respond(b.dense(trunk(b, x), 10, 5), (z) => b.op("Softmax", [z], { axis: int(-1) })),
  },
  {
    name: "log-softmax",
    input: flat,
    kind: "classes",
    scale: "log-probability by softmax",
    build: (b, x, respond) =>
      respond(b.dense(trunk(b, x), 10, 5), (z) => b.op("LogSoftmax", [z], { axis: int(-1) })),
  },
  {
    name: "the logarithm of a softmax",
    input: flat,
    kind: "classes",
    scale: "log-probability by softmax",
    build: (b, x, respond) =>
      respond(
        b.dense(trunk(b, x), 10, 5),
        (z) => b.op("Softmax", [z], { axis: int(-1) }),
        (p) => b.op("Log", [p]),
      ),
  },
  {
    name: "logits called logits",
    input: flat,
    kind: "classes",
    scale: "logit by softmax",
    output: "logits",
    build: (b, x) => b.dense(trunk(b, x), 10, 5),
  },
  {
    name: "logits with class names",
    input: flat,
    kind: "classes",
    scale: "logit by softmax",
    metadata: { names: "{0: 'a', 1: 'b', 2: 'c'}" },
    build: (b, x) => b.dense(trunk(b, x), 10, 3),
  },
  {
    name: "one sigmoid",
    input: flat,
    kind: "binary",
    scale: "probability by sigmoid",
    build: (b, x, respond) => respond(b.dense(trunk(b, x), 10, 1), (z) => b.op("Sigmoid", [z])),
  },
  {
    name: "one sigmoid, squeezed",
    input: flat,
    kind: "binary",
    scale: "probability by sigmoid",
    build: (b, x, respond) =>
      b.op("Squeeze", [respond(b.dense(trunk(b, x), 10, 1), (z) => b.op("Sigmoid", [z])), b.integers([1])]),
  },
  {
    name: "one log-sigmoid",
    input: flat,
    kind: "binary",
    scale: "log-probability by sigmoid",
    build: (b, x, respond) =>
      respond(
        b.dense(trunk(b, x), 10, 1),
        (z) => b.op("Sigmoid", [z]),
        (p) => b.op("Log", [p]),
      ),
  },
  {
    name: "one sigmoid clipped short of 0 and 1",
    input: flat,
    kind: "binary",
    scale: "probability by sigmoid",
    build: (b, x, respond) =>
      respond(
        b.dense(trunk(b, x), 10, 1),
        (z) => b.op("Sigmoid", [z]),
        (p) => b.op("Clip", [p, b.scalar(1e-7), b.scalar(1 - 1e-7)]),
      ),
  },
  {
    name: "two sigmoids",
    input: flat,
    kind: "multi-label",
    scale: "probability by sigmoid",
    build: (b, x, respond) => respond(b.dense(trunk(b, x), 10, 2), (z) => b.op("Sigmoid", [z])),
  },
  {
    name: "four sigmoids",
    input: flat,
    kind: "multi-label",
    scale: "probability by sigmoid",
    build: (b, x, respond) => respond(b.dense(trunk(b, x), 10, 4), (z) => b.op("Sigmoid", [z])),
  },
  {
    name: "hard sigmoids",
    input: flat,
    kind: "multi-label",
    scale: "probability by sigmoid",
    build: (b, x, respond) =>
      respond(b.dense(trunk(b, x), 10, 4), (z) => b.op("HardSigmoid", [z], { alpha: float(1 / 6) })),
  },
  {
    name: "heads of one sigmoid each, put side by side",
    input: flat,
    kind: "multi-label",
    scale: "probability by sigmoid",
    build: (b, x, respond) => {
      const h = trunk(b, x);
      const head = (): Value => respond(b.dense(h, 10, 1), (z) => b.op("Sigmoid", [z]));
      return b.concat([head(), head(), head()], 1);
    },
  },
  {
    name: "sigmoids before a reshape, put side by side",
    input: flat,
    kind: "multi-label",
    scale: "probability by sigmoid",
    build: (b, x, respond) => {
      const h = trunk(b, x);
      const head = (): Value =>
        b.reshape(
          respond(b.reshape(b.dense(h, 10, 4), [0, 2, 2]), (z) => b.op("Sigmoid", [z])),
          [0, 4],
        );
      return b.concat([head(), head()], 1);
    },
  },
  {
    name: "two members of an ensemble, averaged",
    input: flat,
    kind: "classes",
    scale: "probability by softmax",
    build: (b, x, respond) => {
      const member = (): Value =>
        respond(b.dense(trunk(b, x), 10, 5), (z) => b.op("Softmax", [z], { axis: int(-1) }));
      return b.op("Mean", [member(), member()]);
    },
  },
  {
    name: "three members of an ensemble, stacked and averaged",
    input: flat,
    kind: "multi-label",
    scale: "probability by sigmoid",
    build: (b, x, respond) => {
      const member = (): Value => {
        const p = respond(b.dense(trunk(b, x), 10, 4), (z) => b.op("Sigmoid", [z]));
        return b.op("Unsqueeze", [p, b.integers([0])]);
      };
      return b.op("ReduceMean", [b.concat([member(), member(), member()], 0)], {
        axes: ints([0]),
        keepdims: int(0),
      });
    },
  },
  {
    name: "an objectness times classes",
    input: flat,
    kind: "multi-label",
    scale: "probability by sigmoid",
    build: (b, x, respond, responds) => {
      const h = trunk(b, x);
      const sigmoid = (z: Value): Value => respond(z, (each) => b.op("Sigmoid", [each]));
      return b.op(responds ? "Mul" : "Add", [sigmoid(b.dense(h, 10, 1)), sigmoid(b.dense(h, 10, 4))]);
    },
  },
  {
    name: "the highest of a softmax",
    input: flat,
    kind: "scores",
    scale: "probability by softmax",
    build: (b, x, respond) => {
      const p = respond(b.dense(trunk(b, x), 10, 5), (z) => b.op("Softmax", [z], { axis: int(-1) }));
      return b.ops("TopK", [p, b.integers([2])], {}, 2)[0] as Value;
    },
  },
  {
    name: "an index beside a softmax",
    input: flat,
    kind: "classes",
    scale: "probability by softmax",
    build: (b, x, respond) => {
      const p = respond(b.dense(trunk(b, x), 10, 5), (z) => b.op("Softmax", [z], { axis: int(-1) }));
      return { label: b.op("ArgMax", [p], { axis: int(1), keepdims: int(0) }), probabilities: p };
    },
  },
  {
    name: "minus the softplus of a negative logit",
    input: flat,
    kind: "binary",
    scale: "log-probability by sigmoid",
    build: (b, x, respond) =>
      respond(b.dense(trunk(b, x), 10, 1), (z) => b.op("Neg", [b.op("Softplus", [b.op("Neg", [z])])])),
  },
  {
    name: "a sigmoid times 100",
    input: flat,
    kind: "values",
    scale: "value",
    build: (b, x, respond) =>
      respond(b.dense(trunk(b, x), 10, 1), (z) => b.op("Mul", [b.op("Sigmoid", [z]), b.scalar(100)])),
  },
  {
    name: "σ(z) beside 1 − σ(z)",
    input: flat,
    kind: "classes",
    scale: "probability by sigmoid",
    build: (b, x, respond, responds) => {
      const z = b.dense(trunk(b, x), 10, 1);
      const p = respond(z, (each) => b.op("Sigmoid", [each]));
      return b.concat([responds ? b.op("Sub", [b.scalar(1), p]) : b.op("Neg", [z]), p], 1);
    },
  },
  {
    name: "a softmax spelled out",
    input: flat,
    kind: "classes",
    scale: "probability by softmax",
    build: (b, x, respond) =>
      respond(b.dense(trunk(b, x), 10, 5), (z) => {
        const powers = b.op("Exp", [z]);
        return b.op("Div", [powers, b.op("ReduceSum", [powers, b.integers([1])], { keepdims: int(1) })]);
      }),
  },
  {
    name: "the exponential of a log-softmax",
    input: flat,
    kind: "classes",
    scale: "probability by softmax",
    build: (b, x, respond) =>
      respond(
        b.dense(trunk(b, x), 10, 5),
        (z) => b.op("LogSoftmax", [z], { axis: int(-1) }),
        (p) => b.op("Exp", [p]),
      ),
  },
  {
    name: "a sigmoid spelled out",
    input: flat,
    kind: "binary",
    scale: "probability by sigmoid",
    build: (b, x, respond) =>
      respond(b.dense(trunk(b, x), 10, 1), (z) =>
        b.op("Reciprocal", [b.op("Add", [b.op("Exp", [b.op("Neg", [z])]), b.scalar(1)])]),
      ),
  },
  {
    name: "one value",
    input: flat,
    kind: "values",
    scale: "value",
    build: (b, x) => b.dense(trunk(b, x), 10, 1),
  },
  {
    name: "one value in a vector of samples",
    input: flat,
    kind: "values",
    scale: "value",
    build: (b, x) => b.op("Squeeze", [b.dense(trunk(b, x), 10, 1), b.integers([1])]),
  },
  {
    name: "a tanh",
    input: flat,
    kind: "values",
    scale: "value",
    build: (b, x) => b.op("Tanh", [b.dense(trunk(b, x), 10, 1)]),
  },
  {
    name: "one softplus",
    input: flat,
    kind: "values",
    scale: "value",
    build: (b, x, respond) => respond(b.dense(trunk(b, x), 10, 1), (z) => b.op("Softplus", [z])),
  },
  {
    name: "a softplus as one exporter writes it",
    input: flat,
    kind: "values",
    scale: "value",
    build: (b, x, respond) =>
      respond(b.dense(trunk(b, x), 10, 1), (z) =>
        b.op("Where", [b.op("Greater", [z, b.scalar(20)]), z, b.op("Softplus", [z])]),
      ),
  },
  {
    name: "three numbers",
    input: flat,
    kind: "scores",
    scale: "value",
    build: (b, x) => b.dense(trunk(b, x), 10, 3),
  },
  {
    name: "an embedding of length 1",
    input: flat,
    kind: "embedding",
    scale: "value",
    build: (b, x) => {
      const e = b.dense(trunk(b, x), 10, 16);
      return b.op("Div", [e, b.op("ReduceL2", [e], { axes: ints([1]), keepdims: int(1) })]);
    },
  },
  {
    name: "an embedding called embedding",
    input: flat,
    kind: "embedding",
    scale: "value",
    output: "embedding",
    build: (b, x) => b.dense(trunk(b, x), 10, 16),
  },
  {
    name: "a U-Net of one class",
    input: picture,
    kind: "map",
    scale: "probability by sigmoid",
    build: (b, x, respond) => respond(b.conv(features(b, x), 6, 1), (z) => b.op("Sigmoid", [z])),
  },
  {
    name: "a U-Net of two classes",
    input: picture,
    kind: "map",
    scale: "probability by softmax",
    build: (b, x, respond) =>
      respond(b.conv(features(b, x), 6, 2), (z) => b.op("Softmax", [z], { axis: int(1) })),
  },
  {
    name: "a map of logits",
    input: picture,
    kind: "map",
    scale: "value",
    build: (b, x) => b.conv(features(b, x), 6, 5),
  },
  {
    name: "a map of two values named flow",
    input: picture,
    kind: "value-map",
    scale: "value",
    output: "optical_flow",
    build: (b, x) => b.conv(features(b, x), 6, 2),
  },
  {
    name: "a map of one value behind a softplus",
    input: picture,
    kind: "value-map",
    scale: "value",
    build: (b, x, respond) => respond(b.conv(features(b, x), 6, 1), (z) => b.op("Softplus", [z])),
  },
  {
    name: "a picture behind a tanh",
    input: picture,
    kind: "value-map",
    scale: "value",
    build: (b, x) => b.op("Tanh", [b.conv(features(b, x), 6, 3)]),
  },
  {
    name: "a map with the classes last",
    input: picture,
    kind: "map",
    scale: "probability by softmax",
    build: (b, x, respond) =>
      respond(b.transpose(b.conv(features(b, x), 6, 3), [0, 2, 3, 1]), (z) =>
        b.op("Softmax", [z], { axis: int(-1) }),
      ),
  },
  {
    name: "a map over a signal",
    input: [1, 3, 32],
    kind: "map",
    scale: "probability by softmax",
    build: (b, x, respond) =>
      respond(b.conv(b.relu(b.conv(x, 3, 6, [3])), 6, 4, [3]), (z) => b.op("Softmax", [z], { axis: int(1) })),
  },
  {
    name: "a map over a volume",
    input: [1, 1, 4, 4, 4],
    kind: "map",
    scale: "probability by sigmoid",
    build: (b, x, respond) =>
      respond(b.conv(b.relu(b.conv(x, 1, 4, [3, 3, 3])), 4, 2, [3, 3, 3]), (z) => b.op("Sigmoid", [z])),
  },
  {
    name: "boxes beside scores, anchors last",
    input: picture,
    kind: "detections",
    scale: "probability by sigmoid",
    build: (b, x, respond) => {
      const h = features(b, x);
      // The logit of a coordinate, too, is what stands before its sigmoid.
      const boxes = respond(
        places(b, h, 4),
        (z) => b.op("Sigmoid", [z]),
        (p) => b.op("Mul", [p, b.scalar(8)]),
      );
      return b.concat([boxes, respond(places(b, h, 5), (z) => b.op("Sigmoid", [z]))], 1);
    },
  },
  {
    name: "boxes beside scores, anchors first",
    input: picture,
    kind: "detections",
    scale: "probability by sigmoid",
    build: (b, x, respond) => {
      const h = features(b, x);
      const boxes = b.op("Mul", [b.relu(places(b, h, 4)), b.scalar(8)]);
      return b.transpose(
        b.concat([boxes, respond(places(b, h, 5), (z) => b.op("Sigmoid", [z]))], 1),
        [0, 2, 1],
      );
    },
  },
  {
    name: "boxes from distributions beside scores",
    input: picture,
    kind: "detections",
    scale: "probability by sigmoid",
    build: (b, x, respond) => {
      const h = features(b, x);
      const bins = 4;
      const distributions = b.transpose(b.reshape(places(b, h, 4 * bins), [0, 4, bins, 64]), [0, 2, 1, 3]);
      const shares = b.op("Softmax", [distributions], { axis: int(1) });
      const projected = b.op("Conv", [
        shares,
        b.constant(float32Tensor([0, 1, 2, 3], [1, bins, 1, 1]), "bins"),
      ]);
      const distances = b.reshape(projected, [0, 4, 64]);
      const anchors = b.random([1, 2, 64], 4);
      const corner = b.op("Sub", [anchors, b.slice(distances, 1, 0, 2)]);
      const other = b.op("Add", [anchors, b.slice(distances, 1, 2, 4)]);
      const centre = b.op("Mul", [b.op("Add", [corner, other]), b.scalar(0.5)]);
      const boxes = b.concat([centre, b.op("Sub", [other, corner])], 1);
      return b.concat([boxes, respond(places(b, h, 5), (z) => b.op("Sigmoid", [z]))], 1);
    },
  },
  {
    name: "boxes put together anew beside slices of the scores",
    input: picture,
    kind: "detections",
    scale: "probability by sigmoid",
    build: (b, x, respond) => {
      const h = features(b, x);
      const sigmoid = (z: Value): Value => respond(z, (each) => b.op("Sigmoid", [each]));
      const all = b.concat([places(b, h, 4), sigmoid(places(b, h, 1)), sigmoid(places(b, h, 5))], 1);
      const rows = b.transpose(all, [0, 2, 1]);
      const centres = b.op("Mul", [b.slice(rows, 2, 0, 2), b.scalar(4)]);
      const sizes = respond(b.slice(rows, 2, 2, 4), (z) => b.op("Exp", [z]));
      return b.concat([centres, sizes, b.slice(rows, 2, 4, 10)], 2);
    },
  },
  {
    name: "boxes and scores apart",
    input: picture,
    kind: "detections",
    scale: "probability by softmax",
    build: (b, x, respond) => {
      const h = features(b, x);
      const rows = (count: number): Value => b.transpose(places(b, h, count), [0, 2, 1]);
      const scores = respond(rows(4), (z) => b.op("Softmax", [z], { axis: int(-1) }));
      return { scores, boxes: rows(4) };
    },
  },
  {
    name: "a tagger",
    input: [1, 7, 6],
    kind: "sequence",
    scale: "probability by softmax",
    build: (b, x, respond) => {
      const h = b.relu(b.op("MatMul", [x, b.random([6, 10], 0.8)]));
      return respond(b.op("MatMul", [h, b.random([10, 4], 0.6)]), (z) =>
        b.op("Softmax", [z], { axis: int(-1) }),
      );
    },
  },
  {
    name: "nodes of a graph",
    input: [9, 6],
    kind: "nodes",
    scale: "probability by softmax",
    build: (b, x, respond) => {
      const mixed = b.op("MatMul", [b.random([9, 9], 0.5), x]);
      const h = b.relu(b.op("MatMul", [mixed, b.random([6, 10], 0.8)]));
      return respond(b.op("MatMul", [h, b.random([10, 4], 0.6)]), (z) =>
        b.op("Softmax", [z], { axis: int(-1) }),
      );
    },
  },
];
