/**
 * Max pooling against captum 0.9 in float64, made by bench/peers/captum_vgg11.py: two inputs, noise, and the same with a left
 * half that is flat but for the last bit of its numbers. There float32 cannot tell which element of a window is the
 * largest, and relevance goes to another one than in float64; nowhere else does it differ.
 */

import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { compile } from "../../src/index.ts";
import { readModel, type Node } from "../../src/onnx/index.ts";
import { relativeDistance, runModel } from "../support/run.ts";

const side = 16;
const dims = [1, 3, side, side];
const sizes = {
  input: 3 * side ** 2,
  pooled: 8 * side ** 2,
  ofPooled: 8 * side ** 2,
  ofInput: 3 * side ** 2,
};
/** The explained class of five. */
const target = { data: Float32Array.of(0, 1, 0, 0, 0), dims: [1, 5] };

const file = (name: string): Buffer => readFileSync(new URL(name, import.meta.url));
const source = readModel(file("pooling.onnx"));
const pooling = source.graph.nodes.find(({ opType }) => opType === "MaxPool") as Node;

/** Input, what is pooled, and captum's relevance of both. */
type Reference = Record<keyof typeof sizes, Float64Array>;

const [clear, tied] = (() => {
  const numbers = new Float64Array(Uint8Array.from(file("pooling.bin")).buffer);
  let offset = 0;
  const next = (size: number): Float64Array => numbers.subarray(offset, (offset += size));
  const reference = (): Reference => ({
    input: next(sizes.input),
    pooled: next(sizes.pooled),
    ofPooled: next(sizes.ofPooled),
    ofInput: next(sizes.ofInput),
  });
  return [reference(), reference()];
})();

/** Our relevance of the input, or of a layer. */
async function relevanceOf({ input }: Reference, layer?: string): Promise<Float32Array> {
  const { model } = compile(source, { composite: "epsilon", dialect: "captum", ...(layer && { layer }) });
  const results = await runModel(model, { input: { data: Float32Array.from(input), dims }, target });
  return results["relevance"]!.data;
}

const largest = (numbers: ArrayLike<number>): number => Math.max(...Array.from(numbers, Math.abs));

/** The four elements of each window in [8, side, side], and where it lies. */
const windows = Array.from({ length: 8 * (side / 2) ** 2 }, (_, i) => {
  const [column, row] = [i % (side / 2), Math.floor(i / (side / 2))];
  const first = 2 * row * side + 2 * column;
  return { column, row: row % (side / 2), elements: [first, first + 1, first + side, first + side + 1] };
});

/** Whether a window depends on a row or column of the input: two convolutions of 3 by 3 are before the pooling. */
const sees = (at: number, window: number): boolean => at >= 2 * window - 2 && at <= 2 * window + 3;

/** Windows whose elements get another relevance than captum's; `sum`: that of the whole window. */
function unlike(found: Float32Array, { ofPooled }: Reference) {
  const limit = 5e-6 * largest(ofPooled);
  const differences = windows.map(({ column, row, elements }) => ({
    column,
    row,
    elements,
    by: elements.map((i) => (found[i] as number) - (ofPooled[i] as number)),
  }));
  const sum = Math.max(...differences.map(({ by }) => Math.abs(by.reduce((a, b) => a + b, 0))));
  return { sum: sum / largest(ofPooled), windows: differences.filter(({ by }) => largest(by) > limit) };
}

describe("max pooling agrees with captum", () => {
  it("where every window has a clear winner", async () => {
    expect(relativeDistance(await relevanceOf(clear), clear.ofInput)).toBeLessThan(5e-6);
    expect(unlike(await relevanceOf(clear, pooling.inputs[0]), clear).windows).toEqual([]);
  });

  it("and differs where float32 sees a tie, there alone", async () => {
    const { sum, windows: others } = unlike(await relevanceOf(tied, pooling.inputs[0]), tied);
    expect(others.length).toBeGreaterThan(0);
    // The window as a whole gets what it should.
    expect(sum).toBeLessThan(5e-6);
    // In float64 the elements that have gained or lost are the largest of their window, as nearly as float32 can tell.
    const rounding = 1e-6 * largest(tied.pooled);
    for (const { elements, by } of others) {
      const values = elements.map((i) => tied.pooled[i] as number);
      const changed = values.filter((_, i) => Math.abs(by[i] as number) > 5e-6 * largest(tied.ofPooled));
      expect(changed.length).toBeGreaterThan(1);
      expect(Math.max(...values) - Math.min(...changed)).toBeLessThan(rounding);
    }
  });

  it("so that at the input it differs only in what those windows see", async () => {
    const found = await relevanceOf(tied);
    const { windows: others } = unlike(await relevanceOf(tied, pooling.inputs[0]), tied);
    const isSeen = tied.ofInput.map((_, i) => {
      const [x, y] = [i % side, Math.floor(i / side) % side];
      return Number(others.some(({ column, row }) => sees(x, column) && sees(y, row)));
    });
    const unseen = (numbers: ArrayLike<number>): number[] =>
      Array.from(numbers).filter((_, i) => isSeen[i] === 0);
    const difference = (numbers: ArrayLike<number>): number => largest(numbers) / largest(tied.ofInput);
    const by = Array.from(found, (each, i) => each - (tied.ofInput[i] as number));
    expect(difference(by)).toBeGreaterThan(1e-3);
    expect(unseen(by).length).toBeGreaterThan(300);
    expect(difference(unseen(by))).toBeLessThan(5e-6);
  });
});
