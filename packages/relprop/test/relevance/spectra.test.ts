/** Spectra under rules, against float64 sums of cosines and sines; the network's numbers are torch's, in float64. */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readNpy } from "../../src/heatmap/index.ts";
import { compile, inspect, type CompileOptions } from "../../src/index.ts";
import { float32Tensor, int, int64Tensor, readModel, type Model, type Tensor } from "../../src/onnx/index.ts";
import { nodeOf } from "../canonicalize/subgraphs.ts";
import { multiply, type Matrix } from "../replica/dense-operators.ts";
import * as rules from "../replica/rules.ts";
import { modelFrom, valueOf } from "../support/control-flow.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

const folder = new URL("../cases/networks/stft/", import.meta.url);
const network = readModel(readFileSync(new URL("model.onnx", folder)));
const signal = readNpy(readFileSync(new URL("input.npy", folder)));

/** What torch gives for the network, output by output: ΣR, Σ|R|, and R at the samples 100, 500, 777 and 1000. */
const torch = [
  [0.8586075566, 3.7289003413, 0.004694014057, 0.003703760788, 0.000556550426, 0.001163196248],
  [-1.7729564839, 4.6000934368, -0.009004962178, -0.004322093817, -0.000972725522, -0.002254199474],
  [-0.8486649419, 2.8303251011, -0.004395514559, -0.002464754802, -0.000469834084, -0.001026733002],
];
/** The same of its gradient, for output 1. */
const gradient = [0.5675406369, 3.6420552214, 0.0064955915, 0.0014434275, 0.0001822383, -0.0005996355];

async function measured(options: CompileOptions, index: number): Promise<number[]> {
  const { model } = compile(network, options);
  const data = Float32Array.from([0, 1, 2], (at) => Number(at === index));
  const { relevance } = await runModel(model, { input: signal, target: { data, dims: [1, 3] } });
  const R = Array.from(relevance?.data ?? []);
  const sums = [R.reduce((sum, r) => sum + r, 0), R.reduce((sum, r) => sum + Math.abs(r), 0)];
  return [...sums, ...[100, 500, 777, 1000].map((at) => R[at] ?? Number.NaN)];
}

describe("a network on spectra", () => {
  it.each([0, 1, 2])("has torch's relevance, output %i", async (index) => {
    const found = await measured({ composite: "epsilon" }, index);
    expect(relativeDistance(found, torch[index] ?? [])).toBeLessThan(1e-4);
  });

  it("has torch's gradient", async () => {
    const found = await measured({ composite: "gradient" }, 1);
    expect(relativeDistance(found, gradient)).toBeLessThan(1e-4);
  });

  it.each(["epsilon-plus", "fischer", "attnlrp", "epsilon-plus-flat", "wsquare"] as const)(
    "has finite relevance with %s",
    async (composite) => {
      for (const number of await measured({ composite, seed: "logit" }, 0))
        expect(number).toBeTypeOf("number");
      const found = await measured({ composite, seed: "logit" }, 0);
      expect(found.every(Number.isFinite)).toBe(true);
      expect(inspect(network, { composite }).canCompile).toBe(true);
    },
  );
});

/** Σ_n x_n exp(±2πi kn/L), real and imaginary part one after the other; `x` has pairs. */
function transform(x: readonly number[], length: number, count: number, isInverse: boolean): number[] {
  return Array.from({ length: count }, (_, k) => k).flatMap((k) => {
    let [re, im] = [0, 0];
    for (let n = 0; 2 * n < x.length && n < length; n++) {
      const angle = ((isInverse ? 2 : -2) * Math.PI * k * n) / length;
      const [a = 0, c = 0] = x.slice(2 * n, 2 * n + 2);
      re += a * Math.cos(angle) - c * Math.sin(angle);
      im += a * Math.sin(angle) + c * Math.cos(angle);
    }
    return isInverse ? [re / length, im / length] : [re, im];
  });
}

const pairs = (x: readonly number[]): number[] => x.flatMap((a) => [a, 0]);

interface Case {
  readonly title: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
  readonly model: Model;
  /** What the node gives for one sample, linear in it. */
  readonly apply: (x: readonly number[]) => number[];
}

function caseOf(
  title: string,
  op: string,
  shapes: Pick<Case, "x" | "y">,
  further: readonly Tensor[],
  attributes: Parameters<typeof nodeOf>[3],
  apply: Case["apply"],
): Case {
  const constants = Object.fromEntries(further.map((tensor, i) => [`c${i}`, tensor]));
  const node = nodeOf(op, ["x", ...Object.keys(constants)], ["y"], attributes);
  const { x, y } = shapes;
  const model = modelFrom([valueOf("x", ["N", ...x])], [valueOf("y", ["N", ...y])], [node], constants);
  return { title, x, y, model, apply };
}

const whole = (value: number): Tensor => int64Tensor([value], []);
const window = randomNumbers(8, 5).map((n) => n + 1.5);

const cases: readonly Case[] = [
  caseOf("DFT", "DFT", { x: [6, 1], y: [6, 2] }, [], { axis: int(1) }, (x) =>
    transform(pairs(x), 6, 6, false),
  ),
  caseOf(
    "half of a longer one",
    "DFT",
    { x: [6, 1], y: [5, 2] },
    [whole(9)],
    { axis: int(1), onesided: int(1) },
    (x) => transform(pairs(x), 9, 5, false),
  ),
  caseOf("inverse DFT", "DFT", { x: [5, 2], y: [5, 2] }, [], { axis: int(1), inverse: int(1) }, (x) =>
    transform(x, 5, 5, true),
  ),
  caseOf(
    "STFT",
    "STFT",
    { x: [21, 1], y: [5, 5, 2] },
    [whole(3), float32Tensor(window, [8])],
    { onesided: int(1) },
    (x) =>
      [0, 3, 6, 9, 12].flatMap((from) =>
        transform(pairs(x.slice(from, from + 8).map((n, i) => n * (window[i] ?? 0))), 8, 5, false),
      ),
  ),
];

const size = (dims: readonly number[]): number => dims.reduce((a, n) => a * n, 1);

function matrixOf({ x, y, apply }: Case): Matrix {
  const [rows, columns] = [size(y), size(x)];
  const data = new Float64Array(rows * columns);
  for (let column = 0; column < columns; column++) {
    const unit = Array.from({ length: columns }, (_, i) => Number(i === column));
    for (const [row, number] of apply(unit).entries()) data[row * columns + column] = number;
  }
  return { rows, columns, data };
}

describe.each(cases.map((each) => [each.title, each] as const))("%s", (_title, each) => {
  it.each([
    ["epsilon", rules.epsilon()],
    ["zplus", rules.zplus()],
    ["gamma", rules.gamma(0.25)],
  ] as const)("%s agrees with float64", async (composite, rule) => {
    const matrix = matrixOf(each);
    const samples = 2;
    const x = randomNumbers(samples * size(each.x), 1);
    const R = randomNumbers(samples * size(each.y), 2);
    const parts = Array.from({ length: samples }, (_, i) => ({
      x: Float64Array.from(x.subarray(i * size(each.x), (i + 1) * size(each.x))),
      at: i * size(each.y),
    }));
    // Where an output is next to 0, as the imaginary part of the mean is, shares are not what is tested.
    for (const part of parts)
      for (const [i, z] of multiply(matrix, part.x).entries()) if (Math.abs(z) < 0.05) R[part.at + i] = 0;
    const compiled = compile(each.model, { composite, seed: "one" });
    const { relevance, y } = await runModel(compiled.model, {
      x: { data: x, dims: [samples, ...each.x] },
      target: { data: R, dims: [samples, ...each.y] },
    });
    const forward = parts.flatMap((part) => [...multiply(matrix, part.x)]);
    expect(relativeDistance(y?.data ?? [], forward)).toBeLessThan(1e-5);
    const expected = parts.flatMap((part) => {
      const layer = {
        x: part.x,
        weights: matrix.data,
        bias: new Float64Array(matrix.rows),
        matrix: (data: ArrayLike<number>): Matrix => ({ ...matrix, data: Float64Array.from(data) }),
      };
      return Array.from(rule(layer, Float64Array.from(R.subarray(part.at, part.at + size(each.y)))));
    });
    expect(relativeDistance(relevance?.data ?? [], expected)).toBeLessThan(1e-4);
  });
});

const refusal = (model: Model): string | undefined => inspect(model, {}).obstacles[0]?.why;
const dft = (x: readonly (number | string)[], further: readonly string[] = [], attributes = {}): Model =>
  modelFrom(
    [valueOf("x", x), ...further.map((name) => valueOf(name, [], "int64"))],
    [valueOf("y", [1, "bins", 2])],
    [nodeOf("DFT", ["x", ...further], ["y"], { axis: int(1), ...attributes })],
  );

describe("spectra are refused", () => {
  it("where only a run knows how long they are, until that is fixed", () => {
    expect(refusal(dft([1, "n", 1]))).toContain("how many samples it transforms is known at run time only");
    const model = dft([1, 8, 1], ["length"]);
    expect(refusal(model)).toContain("how many samples it transforms");
    expect(inspect(model, { set: { length: 4 } }).canCompile).toBe(true);
  });

  it("of complex signals in frames, which a runtime gets wrong", () => {
    const node = nodeOf("STFT", ["x", "step", "", "length"], ["y"], { onesided: int(0) });
    const constants = { step: whole(4), length: whole(8) };
    const model = modelFrom([valueOf("x", [1, 20, 2])], [valueOf("y", [1, 4, 8, 2])], [node], constants);
    expect(refusal(model)).toContain("complex signals");
  });

  it("where their matrix would be huge", () => {
    expect(refusal(dft([1, 16000, 1]))).toContain("it is a matrix of 512,000,000 numbers");
  });

  it("where runtimes differ on what is meant", () => {
    const half = { inverse: int(1), onesided: int(1) };
    expect(refusal(dft([1, 6, 2], ["length"], half))).toBeDefined();
    const cut = modelFrom(
      [valueOf("x", [1, 6, 2])],
      [valueOf("y", [1, 4, 1])],
      [nodeOf("DFT", ["x", "length"], ["y"], { axis: int(1), ...half })],
      { length: whole(4) },
    );
    expect(refusal(cut)).toContain("6 bins are no half of a spectrum of 4");
  });
});
