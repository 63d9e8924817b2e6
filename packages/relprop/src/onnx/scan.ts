/** Adds a Scan: a graph that runs once for each step of a sequence, and hands its state on. */

import { toBinary } from "@bufbuild/protobuf";
import { type Subgraph, type SubgraphValue, type Value, int, ints } from "./graph.ts";
import type { GraphBuilder } from "./graph-builder.ts";
import { ValueInfoProtoSchema } from "./onnx_pb.ts";
import { typeProto } from "./write/protos.ts";

/** What a round of a {@link scan} gives. */
export interface Round {
  /** The state after it, in the order and shapes of the state before it. */
  readonly state: readonly Value[];
  /** What is collected of it. Sizes must follow from state and slices, not from values of the graph around. */
  readonly collected: readonly Value[];
}

/** What a {@link scan} has to run over. */
export interface Scanned {
  /** The state before the first round. */
  readonly state: readonly Value[];
  /** Sequences [T, …]: each round gets a slice of each. */
  readonly sequences: readonly Value[];
  /** Whether it runs from the last step to the first. What is collected stands at its step either way. */
  readonly isBackward: boolean;
}

/**
 * Runs a round for each step of sequences.
 * @param build adds the nodes of a round to `inner`, which may also use values of the graph around it
 * @returns the last state, and what was collected as [T, …]
 */
export function scan(
  b: GraphBuilder,
  { state, sequences, isBackward }: Scanned,
  build: (inner: GraphBuilder, state: readonly Value[], slices: readonly Value[]) => Round,
): Round {
  const inner = b.inner("round");
  const takes = (value: Value, shape: Value["shape"]): Value => inner.input("state", value.dataType, shape);
  const before = state.map((value) => takes(value, value.shape));
  const slices = sequences.map((value) => takes(value, value.shape.slice(1)));
  const round = build(inner, before, slices);
  const given = [...round.state, ...round.collected];
  // An output must be a node's, and each output another's.
  const outputs = given.map((value, i) =>
    inner.inputs.includes(value) || given.indexOf(value) < i ? inner.copy(value) : value,
  );
  const { initializers, nodes } = inner.graph("round");
  const body: Subgraph = {
    name: "round",
    inputs: inner.inputs.map(declared),
    outputs: outputs.map(declared),
    initializers,
    nodes,
  };
  const direction = isBackward ? 1 : 0;
  const results: readonly Value[] = b.ops(
    "Scan",
    [...state, ...sequences],
    {
      body: { type: "graph", value: body },
      num_scan_inputs: int(sequences.length),
      scan_input_directions: ints(sequences.map(() => direction)),
      scan_output_directions: ints(round.collected.map(() => direction)),
    },
    given.length,
  );
  return { state: results.slice(0, state.length), collected: results.slice(state.length) };
}

/** Only the type: sizes are the runtime's to find. */
const declared = ({ name, dataType }: Value): SubgraphValue => ({
  name,
  declaration: toBinary(ValueInfoProtoSchema, typeProto(name, dataType)),
});
