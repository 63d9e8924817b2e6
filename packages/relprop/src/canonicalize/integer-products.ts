/**
 * Products of whole numbers as the products of real ones that they stand for:
 *
 *     y = s · Cast(MatMulInteger(q, W; o, p))   with s = s_x s_W   is   y = x · W′,  x = s_x (q − o),  W′ = s_W (W − p)
 *
 * and likewise ConvInteger, MatMulIntegerToFloat and DynamicQuantizeMatMul. The node on real numbers has the model's own last
 * node as its body, so y is the model's own, to the bit.
 */

import type { Attributes, Node, Tensor } from "../onnx/graph.ts";
import { onnxNode } from "../onnx/operator-node.ts";
import { float32Tensor, isFloat, numbersOf, sizeOf } from "../onnx/tensor.ts";
import { forChannel } from "./channel-affine.ts";
import { linearOver } from "./matmul-add-to-linear.ts";
import type { Real, RealValues } from "./real-values.ts";
import { isOnnx } from "./rewrite.ts";

/** The factors that a product of scales consists of, by name. */
function factorsOf(name: string, real: RealValues): string[] {
  const maker = real.uses.producer.get(name);
  return maker && isOnnx(maker, "Mul") ? maker.inputs.flatMap((each) => factorsOf(each, real)) : [name];
}

/** The product of constants as one scale, or one for each channel at `axis` from the end; undefined if it is neither. */
function scaleOf(names: readonly string[], real: RealValues, fromEnd: number): Float32Array | undefined {
  let scales = Float32Array.of(1);
  for (const name of names) {
    const tensor = real.constant(name);
    if (!tensor || !isFloat(tensor.dataType)) return undefined;
    const numbers = numbersOf(tensor);
    const isAlong = tensor.dims.every((dim, i) => dim === 1 || tensor.dims.length - 1 - i === fromEnd);
    if (sizeOf(tensor.dims) !== 1 && !isAlong) return undefined;
    const length = Math.max(scales.length, numbers.length);
    scales = Float32Array.from({ length }, (_, i) => forChannel(scales, i) * forChannel(numbers, i));
  }
  return scales;
}

/** What a Cast turns into real numbers: an integer product, and the name of its bias of whole numbers. */
interface Head {
  readonly product: Node;
  readonly bias?: string;
}

/** The integer product that a value is, or that a bias is added to. */
function productAt(name: string, real: RealValues): Head | undefined {
  const node = real.uses.producer.get(name);
  if (!node) return undefined;
  if (isIntegerProduct(node)) return { product: node };
  const [a = "", b = ""] = isOnnx(node, "Add") ? node.inputs : [];
  for (const [sum, bias] of [
    [a, b],
    [b, a],
  ] as const) {
    const product = real.uses.producer.get(sum);
    if (product && isIntegerProduct(product)) return { product, bias };
  }
  return undefined;
}

/**
 * The real numbers of a bias that the network rounds to the scale of the product, as ONNX Runtime's first quantizer wrote it:
 *
 *     Reshape(Cast(Floor(bias / s)))   with the product's scale s
 */
function realBias(name: string, factors: readonly string[], real: RealValues): string | undefined {
  const chain: Node[] = [];
  let at = name;
  for (;;) {
    const node = real.uses.producer.get(at);
    if (!node || !isOnnx(node, "Reshape", "Cast", "Floor", "Round", "Div")) return undefined;
    chain.push(node);
    at = node.inputs[0] ?? "";
    if (isOnnx(node, "Div")) break;
  }
  const scales = factorsOf(chain.at(-1)?.inputs[1] ?? "", real);
  const isScale = scales.toSorted().join("\n") === factors.toSorted().join("\n");
  return isScale && real.constant(at)?.dims.length === 1 ? at : undefined;
}

/** The integer product at the head of a chain of Cast and Mul that ends in `last`. */
function headOf(last: Node, real: RealValues): (Head & { factors: string[] }) | undefined {
  const factors: string[] = [];
  let node: Node | undefined = last;
  while (node && isOnnx(node, "Mul")) {
    const [a = "", b = ""]: readonly string[] = node.inputs;
    const isChain: boolean = leadsToProduct(a, real);
    factors.push(isChain ? b : a);
    node = real.uses.producer.get(isChain ? a : b);
  }
  const head = node && isOnnx(node, "Cast") ? productAt(node.inputs[0] ?? "", real) : undefined;
  return head && { ...head, factors: factors.flatMap((name) => factorsOf(name, real)) };
}

/** Records why an integer product stays whose result nothing scales. */
export function refuseUnscaled(node: Node, real: RealValues): void {
  const usersOf = (each: Node): readonly Node[] =>
    each.outputs.flatMap((name) => real.uses.consumers.get(name) ?? []);
  const sums = usersOf(node).filter((user) => isOnnx(user, "Add"));
  const casts = [...usersOf(node), ...sums.flatMap(usersOf)].filter((user) => isOnnx(user, "Cast"));
  const isScaled = casts.flatMap(usersOf).some((user) => isOnnx(user, "Mul") || user.body !== undefined);
  if (!isScaled) real.refuse(node, "its result is not scaled by the scales of its factors");
}

/** Whether a node multiplies whole numbers, and gives whole numbers. */
export const isIntegerProduct = (node: Node): boolean => isOnnx(node, "MatMulInteger", "ConvInteger");

function leadsToProduct(name: string, real: RealValues): boolean {
  const node = real.uses.producer.get(name);
  if (!node) return false;
  if (isOnnx(node, "Mul")) return node.inputs.some((each) => leadsToProduct(each, real));
  return isOnnx(node, "Cast") && productAt(node.inputs[0] ?? "", real) !== undefined;
}

/** Whether a Mul scales an integer product, and no Mul behind it does so, too. */
export function endsIntegerProduct(node: Node, real: RealValues): boolean {
  if (!isOnnx(node, "Mul")) return false;
  const [y = ""] = node.outputs;
  if (!node.inputs.some((name) => leadsToProduct(name, real))) return false;
  const users = real.uses.consumers.get(y) ?? [];
  // What only bodies read was found in an earlier round.
  if (users.length > 0 && !users.some((user) => user.inputs.includes(y))) return false;
  const goesOn = users.length === 1 && !real.uses.isOutput(y) && users[0] && isOnnx(users[0], "Mul");
  return !(goesOn && isScale(users[0] as Node, y, real));
}

/** Whether a Mul behind a product scales it further: its other factor depends on no element of the input. */
function isScale(mul: Node, y: string, real: RealValues): boolean {
  const other = mul.inputs.find((name) => name !== y) ?? y;
  return factorsOf(other, real).every((name) => real.constant(name) !== undefined || isStep(name, real));
}

/** Whether a value is the scale of a DynamicQuantizeLinear. */
const isStep = (name: string, real: RealValues): boolean => {
  const maker = real.uses.producer.get(name);
  return maker !== undefined && isOnnx(maker, "DynamicQuantizeLinear") && maker.outputs[1] === name;
};

/** Replaces the product that ends in this Mul. */
export function realProduct(last: Node, real: RealValues): void {
  const found = headOf(last, real);
  if (!found) return;
  const { product, factors, bias: rounded } = found;
  const bias = rounded === undefined ? undefined : realBias(rounded, factors, real);
  if (rounded !== undefined && bias === undefined)
    return real.refuse(product, "its bias is no constant that was divided by the scale of the product");
  const [a = "", , aZero = ""] = product.inputs;
  const x = real.of(a);
  if (!x) return;
  if (!isSame(aZero, x, real)) return real.refuse(product, "its zero point is not that of its input");
  const isConv = isOnnx(product, "ConvInteger");
  const weights = secondOf(product, factors, x, last, real);
  if (weights === undefined)
    return real.refuse(product, "its result is not scaled by the scales of both of its factors");
  const attributes: Attributes = isConv ? product.attributes : {};
  if (bias !== undefined && !isConv) {
    real.replace.set(product, [real.whole(product)]);
    real.replace.set(last, [denseNode({ ...last, name: product.name }, [x.x, weights, bias])]);
    return;
  }
  const opType = isConv ? "Conv" : "MatMul";
  const view: Node = {
    name: product.name,
    opType,
    domain: "",
    inputs: [x.x, weights, ...(bias === undefined ? [] : [bias])],
    outputs: last.outputs,
    attributes,
    body: [last],
  };
  real.replace.set(product, [real.whole(product)]);
  real.replace.set(last, [view]);
}

const isSame = (zero: string, x: Real, real: RealValues): boolean =>
  real.areSame({ scale: x.scale, zero }, { scale: x.scale, zero: x.zero });

/** The real values of the second factor, which has all scales but that of the first. */
function secondOf(
  product: Node,
  factors: readonly string[],
  x: Real,
  last: Node,
  real: RealValues,
): string | undefined {
  const [, b = "", , zero = ""] = product.inputs;
  const isConv = isOnnx(product, "ConvInteger");
  const at = factors.findIndex((name) =>
    real.areSame({ scale: name, zero: "" }, { scale: x.scale, zero: "" }),
  );
  const rest = factors.filter((_, i) => i !== at);
  const [scale = ""] = rest;
  if (at !== -1 && rest.length === 1 && real.constant(scale) === undefined)
    return real.of(b, { scale, zero, axis: 1 })?.x;
  // One constant may be the product of both scales.
  const own = at === -1 ? oneNumber(real.constant(x.scale)) : 1;
  const scales = scaleOf(rest, real, fromEnd(last, isConv, real));
  if (own === undefined || !scales) return undefined;
  return weightsBy(
    b,
    zero,
    scales.map((each) => each / own),
    isConv,
    real,
  );
}

const oneNumber = (tensor: Tensor | undefined): number | undefined =>
  tensor && sizeOf(tensor.dims) === 1 ? numbersOf(tensor)[0] : undefined;

/** How far from the last axis the channels of the output are. */
const fromEnd = (last: Node, isConv: boolean, real: RealValues): number =>
  isConv ? (real.value(last.outputs[0] ?? "")?.shape.length ?? 4) - 2 : 0;

function weightsBy(
  b: string,
  zero: string,
  scales: Float32Array,
  isConv: boolean,
  real: RealValues,
): string | undefined {
  // Several zero points need as many scales.
  const count = Math.max(scales.length, sizeOf(real.constant(zero)?.dims ?? []));
  const each = Float32Array.from({ length: count }, (_, i) => forChannel(scales, i));
  const scale = real.add(`${b}_scale`, float32Tensor(each, count === 1 ? [] : [count]));
  return real.of(b, { scale, zero, axis: isConv ? 0 : -1 })?.x;
}

/** Replaces a MatMulIntegerToFloat, whose inputs are whole numbers, or a DynamicQuantizeMatMul, which rounds its own. */
export function realFusedProduct(node: Node, real: RealValues): void {
  const [a = "", b = ""] = node.inputs;
  const isDynamic = node.opType === "DynamicQuantizeMatMul";
  const [scale = "", zero = "", bias = ""] = isDynamic
    ? node.inputs.slice(2)
    : [node.inputs[3], node.inputs[5], node.inputs[6]];
  const before: Node[] = [];
  let x = a;
  if (isDynamic) {
    const parts = ["quantized", "scale", "zero_point", "float"].map((word) => real.name(`${a}_${word}`));
    const [q = "", ownScale = "", ownZero = "", rounded = ""] = parts;
    const body = [
      onnxNode("DynamicQuantizeLinear", [a], [q, ownScale, ownZero]),
      onnxNode("DequantizeLinear", [q, ownScale, ownZero], [rounded]),
    ];
    const name = real.name(`${node.name}_rounded`);
    before.push({
      name,
      opType: "DynamicFakeQuantize",
      domain: "relprop",
      inputs: [a],
      outputs: [rounded],
      attributes: {},
      body,
    });
    x = rounded;
  } else {
    const found = real.of(a, { scale: node.inputs[2] ?? "", zero: node.inputs[4] ?? "", axis: 1 });
    if (!found) return;
    x = found.x;
  }
  const weights = real.of(b, { scale, zero, axis: -1 });
  if (!weights) return real.refuse(node, "its weights, or their scale, are computed at run time");
  real.replace.set(node, [...before, denseNode(node, [x, weights.x, bias])]);
}

/** A matrix product and its bias, which are computed by `node`. */
export function denseNode(node: Node, [x, weights, bias]: readonly [string, string, string]): Node {
  const { name, outputs } = node;
  if (bias !== "") return { ...linearOver([node], [x, weights, bias]), name };
  return { name, opType: "MatMul", domain: "", inputs: [x, weights], outputs, attributes: {}, body: [node] };
}
