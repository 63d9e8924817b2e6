/** Recurrent layers that compute with integers. */

import type { Node, Tensor } from "../graph.ts";
import { float32Tensor, numbersOf } from "../tensor.ts";
import type { Conversion, Converter } from "./conversion.ts";

/**
 * The numbers that weights stand for, (q − zero) · scale, as [directions, gates, inputs]: they are stored as [directions, inputs,
 * gates], with a scale and a zero for each direction, or for each of its gates. Undefined if their sizes do not fit.
 */
function weightsOf(q: Tensor, scale: Tensor, zero: Tensor | undefined): Tensor | undefined {
  const [directions = 0, inputs = 0, gates = 0] = q.dims;
  const [numbers, scales, zeros] = [numbersOf(q), numbersOf(scale), zero && numbersOf(zero)];
  const perGate = scales.length === directions * gates;
  const isWhole = q.dims.length === 3 && (perGate || scales.length === directions);
  if (!isWhole || (zeros && zeros.length !== scales.length)) return undefined;
  const out = new Float32Array(numbers.length);
  for (let i = 0; i < out.length; i++) {
    const [direction, input, gate] = [
      Math.floor(i / (inputs * gates)),
      Math.floor(i / gates) % inputs,
      i % gates,
    ];
    const at = perGate ? direction * gates + gate : direction;
    const number = ((numbers[i] ?? 0) - (zeros?.[at] ?? 0)) * (scales[at] ?? 0);
    out[(direction * gates + gate) * inputs + input] = number;
  }
  return float32Tensor(out, [directions, gates, inputs]);
}

function floatWeights(node: Node, to: Conversion, index: number, scaleAt: number): string | undefined {
  const constant = (at: number): Tensor | undefined => to.info(node.inputs[at])?.constant;
  const [q, scale, zero] = [constant(index), constant(scaleAt), constant(scaleAt + 1)];
  const hasZero = (node.inputs[scaleAt + 1] ?? "") !== "";
  if (!q || !scale || (hasZero && !zero)) return undefined;
  const weights = weightsOf(q, scale, zero);
  return weights && to.constant(node, index === 1 ? "W" : "R", weights);
}

/**
 * DynamicQuantizeLSTM: an LSTM with the numbers that its weights stand for. The model's own outputs stay those of the integers. It
 * stays as it is if its weights are computed.
 */
export const lstmOverIntegers: Converter = (node, to) => {
  const [x = "", , , bias = "", lengths = "", state = "", memory = "", peepholes = ""] = node.inputs;
  const weights = floatWeights(node, to, 1, 8);
  const recurrence = floatWeights(node, to, 2, 10);
  if (weights === undefined || recurrence === undefined) return [node];
  const inputs = [x, weights, recurrence, bias, lengths, state, memory, peepholes];
  return [{ ...node, opType: "LSTM", domain: "", inputs, body: [node] }];
};
