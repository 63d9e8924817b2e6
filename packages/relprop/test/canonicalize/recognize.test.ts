import { describe, expect, it } from "vitest";
import { recognizeExponentials } from "../../src/canonicalize/recognize-exponentials.ts";
import { recognizeGelu } from "../../src/canonicalize/recognize-gelu.ts";
import { recognizeNormalization } from "../../src/canonicalize/recognize-normalization.ts";
import { recognizeSigmoid } from "../../src/canonicalize/recognize-sigmoid.ts";
import { recognizeSilu } from "../../src/canonicalize/recognize-silu.ts";
import {
  type Graph,
  GraphBuilder,
  type Value,
  float,
  int,
  ints,
  intsAttribute,
  numberAttribute,
  stringAttribute,
} from "../../src/onnx/index.ts";
import { applied, expectRewrite, graphOf, operators, random } from "./before-and-after.ts";

type Make = (b: GraphBuilder, x: Value) => Value;

/** Between two Tanh, so that x is the output of a node and the pattern is inside of the graph. */
const within = (make: Make): Graph => graphOf(["N", 6], (b, x) => b.op("Neg", [make(b, b.op("Neg", [x]))]));

const onePlusErf: Make = (b, x) =>
  b.op("Add", [b.op("Erf", [b.op("Div", [x, b.scalar(Math.SQRT2)])]), b.scalar(1)]);

const erfForms: readonly (readonly [string, Make])[] = [
  ["x·(1+erf)·½", (b, x) => b.op("Mul", [b.op("Mul", [x, onePlusErf(b, x)]), b.scalar(0.5)])],
  ["(x·½)·(1+erf)", (b, x) => b.op("Mul", [b.op("Mul", [x, b.scalar(0.5)]), onePlusErf(b, x)])],
  ["(1+erf)·½·x", (b, x) => b.op("Mul", [b.op("Mul", [b.scalar(0.5), onePlusErf(b, x)]), x])],
  ["x·(1+erf)/2", (b, x) => b.op("Div", [b.op("Mul", [onePlusErf(b, x), x]), b.scalar(2)])],
  [
    "½x + ½x·erf(x·0.7071)",
    (b, x) => {
      const half = b.op("Mul", [x, b.scalar(0.5)]);
      return b.op("Add", [
        half,
        b.op("Mul", [half, b.op("Erf", [b.op("Mul", [b.scalar(Math.SQRT1_2), x])])]),
      ]);
    },
  ],
];

const tanhOf = (b: GraphBuilder, x: Value, argument: Value): Value =>
  b.op("Mul", [b.op("Mul", [b.scalar(0.5), x]), b.op("Add", [b.scalar(1), b.op("Tanh", [argument])])]);

const tanhForms: readonly (readonly [string, Make])[] = [
  [
    "Pow(x, 3)",
    (b, x) => {
      const cubic = b.op("Mul", [b.op("Pow", [x, b.scalar(3)]), b.scalar(0.044715)]);
      return tanhOf(b, x, b.op("Mul", [b.op("Add", [x, cubic]), b.scalar(Math.sqrt(2 / Math.PI))]));
    },
  ],
  [
    "x·0.79788·(1 + 0.044715·x·x)",
    (b, x) => {
      const square = b.op("Mul", [b.op("Mul", [b.scalar(0.044715), x]), x]);
      return tanhOf(
        b,
        x,
        b.op("Mul", [b.op("Mul", [x, b.scalar(0.7978845608)]), b.op("Add", [b.scalar(1), square])]),
      );
    },
  ],
];

describe("recognize-gelu", () => {
  it.each(erfForms)("sees a GELU in %s", async (_form, make) => {
    const after = await expectRewrite(recognizeGelu, within(make), ["Neg", "Gelu", "Neg"], 0);
    const gelu = after.nodes[1];
    expect(gelu && stringAttribute(gelu, "approximate", "")).toBe("none");
    expect(gelu?.inputs).toEqual(["Neg"]);
    expect(gelu?.body?.filter((node) => node.opType === "Erf")).toHaveLength(1);
  });

  it.each(tanhForms)("sees the approximation with %s", async (_form, make) => {
    const after = await expectRewrite(recognizeGelu, within(make), ["Neg", "Gelu", "Neg"], 0);
    expect(after.nodes[1] && stringAttribute(after.nodes[1], "approximate", "")).toBe("tanh");
  });

  it("sees it behind the bias of a residual sum, which is not part of it", async () => {
    const before = graphOf(
      ["N", 6],
      (b, x) => erfForms[0]?.[1](b, b.op("Add", [b.op("Add", [x, b.scalar(1)]), x])) as Value,
    );
    await expectRewrite(recognizeGelu, before, ["Add", "Add", "Gelu"], 0);
  });

  it("does not see one where a constant differs", () => {
    const before = within((b, x) => b.op("Mul", [b.op("Mul", [x, onePlusErf(b, x)]), b.scalar(0.6)]));
    expect(applied(recognizeGelu, before).after).toBe(before);
  });

  it("refuses when something inside is used elsewhere, and says what", () => {
    const before = within((b, x) => {
      const inside = onePlusErf(b, x);
      return b.op("Add", [b.op("Mul", [b.op("Mul", [x, inside]), b.scalar(0.5)]), inside]);
    });
    const { after, notes } = applied(recognizeGelu, before);
    expect(after).toBe(before);
    expect(notes[0]?.why).toMatch(/ends a Gelu spelled out, but "Add" inside of it is used elsewhere/);
  });
});

const gates: readonly (readonly [string, string, Make])[] = [
  ["Silu", "x·σ(x)", (b, x) => b.op("Mul", [x, b.op("Sigmoid", [x])])],
  ["Silu", "σ(x)·x", (b, x) => b.op("Mul", [b.op("Sigmoid", [x]), x])],
  [
    "HardSwish",
    "x·HardSigmoid(x)",
    (b, x) => b.op("Mul", [x, b.op("HardSigmoid", [x], { alpha: float(1 / 6), beta: float(0.5) })]),
  ],
  [
    "HardSwish",
    "x·(clip(x+3, 0, 6)/6)",
    (b, x) => {
      const clipped = b.op("Clip", [b.op("Add", [x, b.scalar(3)]), b.scalar(0), b.scalar(6)]);
      return b.op("Mul", [x, b.op("Div", [clipped, b.scalar(6)])]);
    },
  ],
  [
    "HardSwish",
    "(x·clip(3+x, 0, 6))/6",
    (b, x) => {
      const clipped = b.op("Clip", [b.op("Add", [b.scalar(3), x]), b.scalar(0), b.scalar(6)]);
      return b.op("Div", [b.op("Mul", [x, clipped]), b.scalar(6)]);
    },
  ],
  ["Mish", "x·tanh(softplus(x))", (b, x) => b.op("Mul", [x, b.op("Tanh", [b.op("Softplus", [x])])])],
];

describe("recognize-silu", () => {
  it.each(gates)("sees %s in %s", async (opType, _form, make) => {
    await expectRewrite(recognizeSilu, within(make), ["Neg", opType, "Neg"], 0);
  });

  it("does not take a gate computed from something else for an activation", () => {
    const before = within((b, x) => b.op("Mul", [x, b.op("Sigmoid", [b.op("Exp", [x])])]));
    expect(operators(applied(recognizeSilu, before).after)).toEqual(["Neg", "Exp", "Sigmoid", "Mul", "Neg"]);
  });
});

const clipped = (b: GraphBuilder, x: Value, high: number): Value =>
  b.op("Clip", [x, b.scalar(0), b.scalar(high)]);

const spelledGates: readonly (readonly [string, string, number | undefined, Make])[] = [
  [
    "HardSigmoid",
    "clip(x + 3, 0, 6)/6",
    1 / 6,
    (b, x) => b.op("Div", [clipped(b, b.op("Add", [x, b.scalar(3)]), 6), b.scalar(6)]),
  ],
  [
    "HardSigmoid",
    "clip(½ + x/6, 0, 1)",
    1 / 6,
    (b, x) => clipped(b, b.op("Add", [b.scalar(0.5), b.op("Div", [x, b.scalar(6)])]), 1),
  ],
  [
    "HardSigmoid",
    "clip(0.2·x + ½, 0, 1)",
    0.2,
    (b, x) => clipped(b, b.op("Add", [b.op("Mul", [b.scalar(0.2), x]), b.scalar(0.5)]), 1),
  ],
  [
    "Sigmoid",
    "½·(tanh(x/2) + 1)",
    undefined,
    (b, x) => {
      const tanh = b.op("Tanh", [b.op("Div", [x, b.scalar(2)])]);
      return b.op("Mul", [b.op("Add", [tanh, b.scalar(1)]), b.scalar(0.5)]);
    },
  ],
];

describe("recognize-sigmoid", () => {
  it.each(spelledGates)("sees %s in %s", async (opType, _form, alpha, make) => {
    const after = await expectRewrite(recognizeSigmoid, within(make), ["Neg", opType, "Neg"], 0);
    const node = after.nodes[1];
    if (alpha !== undefined) expect(node && numberAttribute(node, "alpha", 0)).toBeCloseTo(alpha, 7);
  });

  it.each([
    ["clip(x + 3, 0, 6), which is not divided", (b, x) => clipped(b, b.op("Add", [x, b.scalar(3)]), 6)],
    ["clip(x + 2, 0, 1)", (b, x) => clipped(b, b.op("Add", [x, b.scalar(2)]), 1)],
    [
      "½ + ½·tanh(x)",
      (b, x) => {
        const half = b.op("Mul", [b.op("Tanh", [x]), b.scalar(0.5)]);
        return b.op("Add", [half, b.scalar(0.5)]);
      },
    ],
  ] as const satisfies readonly (readonly [string, Make])[])("sees none in %s", (_form, make) => {
    const before = within(make);
    expect(applied(recognizeSigmoid, before).after).toBe(before);
  });
});

const normalised = (b: GraphBuilder, x: Value, axes: number[]): { y: Value; deviation: Value } => {
  const mean = (value: Value): Value => b.op("ReduceMean", [value], { axes: ints(axes) });
  const deviation = b.op("Sub", [x, mean(x)]);
  const variance = b.op("Add", [mean(b.op("Pow", [deviation, b.scalar(2)])), b.scalar(1e-6)]);
  return { y: b.op("Div", [deviation, b.op("Sqrt", [variance])]), deviation };
};

describe("recognize-normalization", () => {
  it.each([
    [[-1], [5]],
    [
      [1, 2],
      [3, 5],
    ],
  ])("sees one over the axes %j", async (axes, dims) => {
    const before = graphOf(["N", 3, 5], (b, x) => {
      const { y } = normalised(b, x, axes);
      return b.op("Add", [
        b.op("Mul", [y, b.constant(random(...dims), "γ")]),
        b.constant(random(...dims), "β"),
      ]);
    });
    const after = await expectRewrite(recognizeNormalization, before, ["LayerNormalization"], 0);
    const [node] = after.nodes;
    expect(node?.inputs).toEqual(["x", "γ", "β"]);
    expect(node && numberAttribute(node, "epsilon", 0)).toBeCloseTo(1e-6, 12);
    expect(node && intsAttribute(node, "axes")).toEqual(dims.map((_, i) => 3 - dims.length + i));
  });

  it("sees one without scale, over any axes", async () => {
    const bare = graphOf(["N", 3, 5], (b, x) => b.op("Neg", [normalised(b, x, [1]).y]));
    const after = await expectRewrite(recognizeNormalization, bare, ["LayerNormalization", "Neg"], 0);
    expect(after.nodes[0]?.inputs).toEqual(["x"]);
  });

  it.each(["Div", "Reciprocal", "Pow"] as const)("sees x / √(mean(x²) + ε) written with %s", async (how) => {
    const before = graphOf(["N", 3, 5], (b, x) => {
      const mean = b.op("ReduceMean", [b.op("Mul", [x, x])], { axes: ints([-1]) });
      const variance = b.op("Add", [mean, b.scalar(1e-6)]);
      const root = (): Value => b.op("Sqrt", [variance]);
      const y = {
        Div: () => b.op("Div", [x, root()]),
        Reciprocal: () => b.op("Mul", [x, b.op("Reciprocal", [root()])]),
        Pow: () => b.op("Mul", [b.op("Pow", [variance, b.scalar(-0.5)]), x]),
      }[how]();
      return b.op("Mul", [y, b.constant(random(5), "γ")]);
    });
    const after = await expectRewrite(recognizeNormalization, before, ["RMSNormalization"], 0);
    expect(after.nodes[0]?.inputs).toEqual(["x", "γ"]);
  });

  it("refuses where its deviation is used elsewhere", () => {
    const leaking = graphOf(["N", 3, 5], (b, x) => {
      const { y, deviation } = normalised(b, x, [-1]);
      return b.op("Add", [b.op("Mul", [y, b.constant(random(5), "γ")]), deviation]);
    });
    const { after, notes } = applied(recognizeNormalization, leaking);
    expect(after).toBe(leaking);
    expect(notes[0]?.why).toMatch(/"Sub" inside of it is used elsewhere/);
  });
});

const along = (b: GraphBuilder, opType: "ReduceSum" | "ReduceMax" | "ReduceLogSumExp", x: Value): Value =>
  opType === "ReduceSum"
    ? b.op(opType, [x, b.integers([1])], { keepdims: int(1) })
    : b.op(opType, [x], { axes: ints([-1]), keepdims: int(1) });
const exp = (b: GraphBuilder, x: Value): Value => b.op("Exp", [x]);
const shifted = (b: GraphBuilder, x: Value): Value => b.op("Sub", [x, along(b, "ReduceMax", x)]);
const logSum = (b: GraphBuilder, x: Value): Value => b.op("Log", [along(b, "ReduceSum", exp(b, x))]);

const exponentials: readonly (readonly [string, string, Make])[] = [
  ["Softmax", "exp z / Σ exp z", (b, x) => b.op("Div", [exp(b, x), along(b, "ReduceSum", exp(b, x))])],
  [
    "Softmax",
    "the maximum taken off",
    (b, x) => b.op("Div", [exp(b, shifted(b, x)), along(b, "ReduceSum", exp(b, shifted(b, x)))]),
  ],
  ["LogSoftmax", "z − logsumexp z", (b, x) => b.op("Sub", [x, along(b, "ReduceLogSumExp", x)])],
  ["LogSoftmax", "z − log Σ exp z", (b, x) => b.op("Sub", [x, logSum(b, x)])],
  [
    "LogSoftmax",
    "the maximum taken off both",
    (b, x) => b.op("Sub", [shifted(b, x), logSum(b, shifted(b, x))]),
  ],
  [
    "LogSoftmax",
    "the maximum put back",
    (b, x) => b.op("Sub", [x, b.op("Add", [along(b, "ReduceMax", x), logSum(b, shifted(b, x))])]),
  ],
  [
    "Sigmoid",
    "1 / (1 + exp −z)",
    (b, x) => b.op("Div", [b.scalar(1), b.op("Add", [b.scalar(1), exp(b, b.op("Neg", [x]))])]),
  ],
  [
    "Sigmoid",
    "the reciprocal of exp(−1·z) + 1",
    (b, x) => b.op("Reciprocal", [b.op("Add", [exp(b, b.op("Mul", [x, b.scalar(-1)])), b.scalar(1)])]),
  ],
];

describe("recognize-exponentials", () => {
  it.each(exponentials)("sees a %s in %s", async (opType, _form, make) => {
    await expectRewrite(
      recognizeExponentials,
      graphOf(["N", 6], (b, x) => b.op("Abs", [make(b, b.op("Abs", [x]))])),
      ["Abs", opType, "Abs"],
      2e-6,
    );
  });

  it("leaves what is none", () => {
    const others: readonly Make[] = [
      // Sums of other powers, along another axis, of something else.
      (b, x) => b.op("Div", [exp(b, x), along(b, "ReduceSum", x)]),
      (b, x) =>
        b.op("Div", [exp(b, x), b.op("ReduceSum", [exp(b, x), b.integers([0, 1])], { keepdims: int(1) })]),
      (b, x) => b.op("Sub", [b.op("Neg", [x]), along(b, "ReduceLogSumExp", x)]),
      (b, x) => b.op("Div", [b.scalar(2), b.op("Add", [b.scalar(1), exp(b, b.op("Neg", [x]))])]),
      (b, x) => b.op("Div", [b.scalar(1), b.op("Add", [b.scalar(1), exp(b, x)])]),
    ];
    for (const make of others) {
      const graph = graphOf(["N", 6], (b, x) => b.op("Abs", [make(b, b.op("Abs", [x]))]));
      expect(applied(recognizeExponentials, graph).after).toBe(graph);
    }
  });
});
