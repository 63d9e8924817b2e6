import { describe, expect, it } from "vitest";
import { canonicalize } from "../../src/canonicalize/canonicalize.ts";
import { GraphBuilder, type Tensor, type Value, int, int64Tensor, ints } from "../../src/onnx/index.ts";
import { sure } from "../../src/sure.ts";
import { expectCanonical, expectSameOutputs, graphOf, operators, random } from "./before-and-after.ts";
import { declared, ifNode, loopNode, nodeOf, sequenceNode, subgraph } from "./subgraphs.ts";

const image = { dataType: "float32", shape: ["N", 3, 4] } as const;
const truth = (value: boolean): Tensor => ({
  dataType: "bool",
  dims: [],
  bytes: Uint8Array.of(Number(value)),
});

describe("inline-if", () => {
  it("takes the branch that a constant chooses, under names of its own", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const yes = subgraph([], [declared("a")], [nodeOf("Add", [x.name, "c"], ["a"])], { c: random(4) });
      const no = subgraph([], [declared("a")], [nodeOf("Neg", [x.name], ["a"])]);
      const first = ifNode(b, b.constant(truth(true), "t"), [yes, no], image, "first");
      const second = ifNode(b, b.constant(truth(false), "f"), [yes, no], image, "second");
      // A name that a branch uses too.
      return b.op("Mul", [b.op("Mul", [first, second]), b.constant(random(4), "c_2")], {}, "a");
    });
    await expectCanonical(before, ["Add", "Neg", "Mul", "Affine"], 1e-6);
  });

  it("lets a branch give what it takes from outside, and looks into branches of branches", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const t = b.constant(truth(true), "t");
      const inner = nodeOf("If", ["own"], ["deep"], {
        then_branch: {
          type: "graph",
          value: subgraph([], [declared("z")], [nodeOf("Sigmoid", ["y"], ["z"])]),
        },
        else_branch: {
          type: "graph",
          value: subgraph([], [declared("e")], [nodeOf("Identity", ["y"], ["e"])]),
        },
      });
      const yes = subgraph(
        [],
        [declared("deep")],
        [nodeOf("Neg", [x.name], ["y"]), nodeOf("Not", [t.name], ["own"]), inner],
      );
      const no = subgraph([], [declared("n")], [nodeOf("Identity", [x.name], ["n"])]);
      const result = ifNode(b, t, [yes, no], image);
      return b.op("Relu", [result]);
    });
    await expectCanonical(before, ["Neg", "Relu"], 0);
  });

  it("knows the sizes that torch asks for before it squeezes", async () => {
    const before = graphOf(["N", 1, 4], (b, x) => {
      const size = b.op("Gather", [b.op("Shape", [x]), b.integer(1)]);
      const axes = { axes: int64Tensor([1]) };
      const yes = subgraph([], [declared("a")], [nodeOf("Squeeze", [x.name, "axes"], ["a"])], axes);
      const no = subgraph([], [declared("b")], [nodeOf("Identity", [x.name], ["b"])]);
      return b.op("Relu", [
        ifNode(b, b.op("Equal", [size, b.integer(1)]), [yes, no], { dataType: "float32", shape: ["N", 4] }),
      ]);
    });
    const graph = await expectCanonical(before, ["Squeeze", "Relu"], 0);
    expect(canonicalize(graph).values.get(graph.nodes[1]?.outputs[0] ?? "")?.shape).toEqual(["N", 4]);
  });

  it("says why an If stays, and keeps what its branches need", async () => {
    const before = graphOf([3], (b, x) => {
      const sum = b.op("ReduceSum", [x, b.integers([0])], { keepdims: int(0) });
      const weight = b.op("Mul", [b.constant(random(3), "w"), b.constant(random(3), "v")]);
      const yes = subgraph([], [declared("a")], [nodeOf("Add", [x.name, weight.name], ["a"])]);
      const twice = nodeOf("Concat", [x.name, x.name], ["b"], { axis: int(0) });
      const no = subgraph([], [declared("b")], [twice]);
      return ifNode(b, b.op("Greater", [sum, b.scalar(-99)]), [yes, no], { dataType: "float32", shape: [3] });
    });
    const { graph, notes } = canonicalize(before);
    expect(operators(graph)).toEqual(["ReduceSum", "Greater", "If"]);
    expect(notes.map(({ why }) => why)).toContain(
      "its condition is known at run time only, and its branches give different tensors, float32 [3] and float32 [6]",
    );
    await expectSameOutputs(before, graph, 0);
  });
});

const index = declared("i", "int64", "scalar");
const goesOn = declared("on", "bool", "scalar");
const still = declared("still", "bool", "scalar");
const whole = { dataType: "int64", shape: [] } as const;
const asBefore = nodeOf("Identity", ["on"], ["still"]);

/** A loop that goes on as long as a value does. */
const endless = (end: string): ReturnType<typeof subgraph> =>
  subgraph(
    [index, goesOn, declared("state")],
    [still, declared("next")],
    [nodeOf("Identity", [end], ["still"]), nodeOf("Neg", ["state"], ["next"])],
  );

const whyItStays = (make: (b: GraphBuilder) => readonly string[], end: string): string[] => {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", [3]);
  b.input("count", "int64", []);
  b.input("test", "bool", []);
  const [y] = loopNode(b, "Loop", [...make(b), x.name], { y: x }, endless(end));
  b.output(b.op("Relu", [sure(y)]));
  return canonicalize(b.graph("g")).notes.map((note) => note.why);
};

describe("unroll-loops", () => {
  it("runs a loop over constants, what it collects included", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const body = subgraph(
        [index, goesOn, declared("sum", "int64")],
        [still, declared("next", "int64"), declared("row")],
        [
          asBefore,
          nodeOf("Add", ["sum", "i"], ["next"]),
          nodeOf("Cast", ["next"], ["number"], { to: int(1) }),
          nodeOf("Mul", ["number", "w"], ["row"]),
        ],
        { w: random(4) },
      );
      const inputs = [b.integer(3).name, b.constant(truth(true), "t").name, b.integer(5).name];
      const outputs = { total: whole, rows: { dataType: "float32", shape: [3, 4] } } as const;
      const [, rows] = loopNode(b, "Loop", inputs, outputs, body);
      return b.op("Add", [x, sure(rows)]);
    });
    await expectCanonical(before, ["Add"], 0);
  });

  it("repeats the body where rounds depend on the input", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const body = subgraph(
        [index, goesOn, declared("state")],
        [still, declared("next")],
        [asBefore, nodeOf("Relu", ["state"], ["hidden"]), nodeOf("Add", ["hidden", x.name], ["next"])],
      );
      const [last] = loopNode(b, "Loop", [b.integer(2).name, "", x.name], { last: image }, body);
      return b.op("Neg", [sure(last)]);
    });
    await expectCanonical(before, ["Relu", "Add", "Relu", "Add", "Neg"], 0);
  });

  it("ends when a condition of constants says so, and makes no round if it never holds", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const body = subgraph(
        [index, goesOn, declared("n", "int64"), declared("state")],
        [still, declared("m", "int64"), declared("next")],
        [
          nodeOf("Add", ["n", "n"], ["m"]),
          nodeOf("Less", ["m", "end"], ["still"]),
          nodeOf("Neg", ["state"], ["next"]),
        ],
        { end: int64Tensor([16], []) },
      );
      const [t, f] = [b.constant(truth(true), "t").name, b.constant(truth(false), "f").name];
      const two = b.integer(2).name;
      const [, three] = loopNode(b, "Loop", ["", t, two, x.name], { n: whole, three: image }, body);
      const inputs = [b.integer(9).name, f, two, three?.name ?? ""];
      const [, same] = loopNode(b, "Loop", inputs, { n2: whole, same: image }, body);
      return b.op("Mul", [sure(same), sure(three)]);
    });
    await expectCanonical(before, ["Neg", "Neg", "Neg", "Pow"], 0);
  });

  it("scans, in both directions", async () => {
    const before = graphOf([2, 3, 4], (b, x) => {
      const body = subgraph(
        [declared("state"), declared("slice")],
        [declared("next"), declared("kept")],
        [nodeOf("Add", ["state", "slice"], ["next"]), nodeOf("Identity", ["next"], ["kept"])],
      );
      const start = b.constant(random(2, 4), "start").name;
      const outputs = {
        last: { dataType: "float32", shape: [2, 4] },
        sums: { dataType: "float32", shape: [2, 3, 4] },
      } as const;
      const [, sums] = loopNode(b, "Scan", [start, x.name], outputs, body, {
        num_scan_inputs: int(1),
        scan_input_axes: ints([1]),
        scan_input_directions: ints([1]),
        scan_output_axes: ints([1]),
        scan_output_directions: ints([1]),
      });
      return b.op("Relu", [sure(sums)]);
    });
    const { graph, values } = canonicalize(before);
    expect(operators(graph)).not.toContain("Scan");
    expect(values.get(graph.outputs[0]?.name ?? "")?.shape).toEqual([2, 3, 4]);
    await expectSameOutputs(before, graph, 0);
  });

  /** Loops inside of each other, each with `rounds` rounds at most, or as many as its condition says. */
  const nested = (depth: number, rounds: string, end: string): ReturnType<typeof subgraph> =>
    subgraph(
      [index, goesOn, declared("state")],
      [still, declared("next")],
      [
        nodeOf("Identity", [end], ["still"]),
        depth === 1
          ? nodeOf("Neg", ["state"], ["next"])
          : nodeOf("Loop", [rounds, "", "state"], ["next"], {
              body: { type: "graph", value: nested(depth - 1, rounds, end) },
            }),
      ],
    );
  const nest = (depth: number, rounds: number | bigint, end = "on") =>
    graphOf([3], (b, x) => {
      const limit = {
        dataType: "int64",
        dims: [],
        bytes: new Uint8Array(BigInt64Array.of(BigInt(rounds)).buffer),
      };
      const count = b.constant(limit as Tensor, "count").name;
      b.constant(truth(false), "never");
      const [y] = loopNode(b, "Loop", [count, "", x.name], { y: x }, nested(depth, count, end));
      return b.op("Relu", [y as Value]);
    });

  it("counts the rounds of loops inside of a loop before it unrolls any", async () => {
    expect(operators(canonicalize(nest(3, 3)).graph)).toEqual([
      ...Array.from({ length: 27 }, () => "Neg"),
      "Relu",
    ]);
    const { graph, notes } = canonicalize(nest(6, 20));
    expect(operators(graph)).toEqual(["Loop", "Relu"]);
    expect(notes.map(({ why }) => why)).toEqual(["the nodes of all its rounds are more than 20000 nodes"]);
  });

  it("takes a limit that no loop reaches for none", () => {
    const graph = nest(3, 2n ** 63n - 1n, "never");
    expect(operators(canonicalize(graph).graph)).toEqual(["Neg", "Relu"]);
  });

  it("says why a loop stays", () => {
    expect(whyItStays(() => ["count", ""], "on")).toEqual(["its number of rounds is computed at run time"]);
    expect(whyItStays((b) => [b.integer(3).name, ""], "test")).toEqual([
      "whether it goes on is computed at run time",
    ]);
    expect(whyItStays(() => ["", ""], "on")).toEqual([expect.stringContaining("are more than 20000 nodes")]);
  });
});

describe("resolve-sequences", () => {
  it("makes plain operators of sequences whose structure is known", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const parts = sequenceNode(b, "SplitToSequence", [x.name], "parts", { axis: int(1), keepdims: int(0) });
      const more = sequenceNode(b, "SequenceInsert", [parts.name, "extra", b.integer(-1).name], "more");
      b.constant(random(1, 4), "extra_weight");
      const erased = sequenceNode(b, "SequenceErase", [more.name, b.integer(0).name], "erased");
      const joined = sequenceNode(b, "ConcatFromSequence", [erased.name], "joined", { axis: int(0) });
      const count = sequenceNode(b, "SequenceLength", [erased.name], "count");
      return b.op("Mul", [joined, b.op("Cast", [{ ...count, dataType: "int64" }], { to: int(1) })]);
    });
    // The inserted tensor must come before the node that inserts it.
    const extra = nodeOf("ReduceSum", ["x", "axis"], ["extra"], { keepdims: int(0) });
    const nodes = [extra, ...before.nodes];
    const graph = {
      ...before,
      nodes,
      initializers: new Map([...before.initializers, ["axis", int64Tensor([1])]]),
    };
    await expectCanonical(graph, ["ReduceSum", "Split", "Squeeze", "Squeeze", "Concat", "Affine"], 0);
  });

  it("picks, stacks and makes sequences of equal parts, the last one smaller", async () => {
    const before = graphOf(["N", 5], (b, x) => {
      const parts = sequenceNode(b, "SplitToSequence", [x.name, b.integer(2).name], "parts", {
        axis: int(1),
      });
      const first = sequenceNode(b, "SequenceAt", [parts.name, b.integer(0).name], "first");
      const last = sequenceNode(b, "SequenceAt", [parts.name, b.integer(-1).name], "last");
      const doubled = nodeOf("Add", [first.name, last.name], ["doubled"]);
      b.adopt({ name: "", inputs: [], outputs: [], initializers: new Map(), nodes: [doubled] }, new Map());
      const list = sequenceNode(b, "SequenceConstruct", ["doubled", first.name], "list");
      const stacked = sequenceNode(b, "ConcatFromSequence", [list.name], "stacked", {
        axis: int(1),
        new_axis: int(1),
      });
      return b.op("Relu", [{ ...stacked, shape: ["N", 2, 2] }]);
    });
    await expectCanonical(before, ["Split", "Add", "Unsqueeze", "Unsqueeze", "Concat", "Relu"], 0);
  });

  it("follows a sequence through a loop, and through the If in it", async () => {
    const before = graphOf(["N", 3, 4], (b, x) => {
      const empty = sequenceNode(b, "SequenceEmpty", [], "empty");
      const first = subgraph([], [declared("s")], [nodeOf("Identity", [x.name], ["s"])]);
      const later = subgraph(
        [],
        [declared("s")],
        [nodeOf("SequenceAt", ["list", "minus"], ["before"]), nodeOf("Add", ["before", "c"], ["s"])],
        { minus: int64Tensor([-1], []), c: random(4) },
      );
      const body = subgraph(
        [index, goesOn, declared("list", "float32", "sequence")],
        [still, declared("longer", "float32", "sequence")],
        [
          asBefore,
          nodeOf("Equal", ["i", "zero"], ["isFirst"]),
          nodeOf("If", ["isFirst"], ["item"], {
            then_branch: { type: "graph", value: first },
            else_branch: { type: "graph", value: later },
          }),
          nodeOf("SequenceInsert", ["list", "item"], ["longer"]),
        ],
        { zero: int64Tensor([0], []) },
      );
      loopNode(b, "Loop", [b.integer(3).name, "", empty.name], { all: image }, body);
      const info = { dataType: "float32", shape: ["N", 3, 12] } as const;
      return b.op("Relu", [sequenceNode(b, "ConcatFromSequence", ["all"], "joined", { axis: int(2) }, info)]);
    });
    await expectCanonical(before, ["Add", "Add", "Concat", "Relu"], 0);
  });

  it("says why a sequence stays", () => {
    const b = new GraphBuilder();
    const x = b.input("x", "float32", ["N", 3]);
    const parts = sequenceNode(b, "SplitToSequence", [x.name], "parts");
    b.output(b.op("Relu", [sequenceNode(b, "SequenceAt", [parts.name, b.integer(0).name], "first")]));
    const { graph, notes } = canonicalize(b.graph("g"));
    expect(operators(graph)).toEqual(["SplitToSequence", "SequenceAt", "Relu"]);
    expect(new Set(notes.map(({ why }) => why))).toEqual(
      new Set(["the length of its sequence is known at run time only"]),
    );
  });
});

it("makes a CastLike a Cast", () => {
  const graph = graphOf(["N", 3], (b, x) => {
    const test = b.op("Greater", [x, b.scalar(0)]);
    const cast = b.op("CastLike", [b.op("Relu", [x]), test]);
    return b.op("And", [cast, test]);
  });
  const { nodes } = canonicalize(graph).graph;
  expect(nodes.map(({ opType }) => opType)).toEqual(["Greater", "Relu", "Cast", "And"]);
  expect(nodes[2]?.inputs).toHaveLength(1);
  expect(nodes[2]?.attributes["to"]).toEqual(int(9));
});
