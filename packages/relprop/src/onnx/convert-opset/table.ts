/**
 * The operators of ai.onnx whose form changed between opsets 7 and 28, apart from new element types. Whoever is not
 * here means the same in all of them. Source: https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */

import * as activations from "./activations.ts";
import { attention } from "./attention.ts";
import * as axes from "./axes.ts";
import { contribForms } from "./contrib.ts";
import type { Converter } from "./conversion.ts";
import * as images from "./images.ts";
import * as layers from "./layers.ts";
import * as norms from "./norms.ts";
import * as resize from "./resize.ts";
import { rotaryEmbedding } from "./rotary.ts";

/** A form of an operator: the opset that began or ended it, and the way to opset 17. */
export type Form = readonly [opset: number, convert: Converter];

/** Forms that ended with an opset up to 17, oldest first: the first row that ends after the model's opset applies. */
export const olderForms: Readonly<Record<string, readonly Form[]>> = {
  BatchNormalization: [[14, layers.batchNormalizationAtRest]],
  Clip: [[11, layers.clipToInputs]],
  Dropout: [[12, layers.dropoutAtRest]],
  Hardmax: [[13, axes.softmaxAlongOneAxis]],
  LogSoftmax: [[13, axes.softmaxAlongOneAxis]],
  Pad: [[11, axes.padToInputs]],
  ReduceSum: [[13, axes.axesToInput]],
  Resize: [
    [11, resize.resizeOf10],
    [13, resize.resizeOf11],
  ],
  RoiAlign: [[16, layers.roiAlignOf10]],
  Scan: [[9, layers.refuseAll]],
  Scatter: [[17, layers.rename("ScatterElements")]],
  Slice: [[10, axes.sliceToInputs]],
  Softmax: [[13, axes.softmaxAlongOneAxis]],
  Split: [[13, axes.splitToInput]],
  Squeeze: [[13, axes.axesToInput]],
  TopK: [[10, axes.countToInput]],
  Unsqueeze: [[13, axes.axesToInput]],
  Upsample: [[17, resize.upsampleToResize]],
};

const reductions = "L1 L2 LogSum LogSumExp Max Mean Min Prod SumSquare"
  .split(" ")
  .map((name) => `Reduce${name}`);
const newcomers18 = ["BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"];
const newcomers20 = ["AffineGrid", "ImageDecoder", "RegexFullMatch", "StringConcat", "StringSplit"];
const newcomers24 = ["TensorScatter"];
const newcomers26 = ["BitCast", "CumProd"];
const newcomers27 = ["CausalConvWithState", "LinearAttention"];

const all = (names: readonly string[], opset: number, convert: Converter): Record<string, readonly Form[]> =>
  Object.fromEntries(names.map((name) => [name, [[opset, convert]]]));

/** Forms that began with an opset after 17, oldest first: the last row that the model's opset has reached applies. */
export const newerForms: Readonly<Record<string, readonly Form[]>> = {
  ...all(reductions, 18, axes.axesToAttribute),
  ...all(newcomers18, 18, layers.refuseAll),
  ...all(newcomers20, 20, layers.refuseAll),
  ...all(newcomers24, 24, layers.refuseAll),
  ...all(newcomers26, 26, layers.refuseAll),
  ...all(newcomers27, 27, layers.refuseAll),
  Attention: [[23, attention]],
  AveragePool: [[19, layers.dropIfDefault({ dilations: 1 })]],
  Cast: [[19, layers.drop("saturate", "round_mode")]],
  CastLike: [[19, layers.drop("saturate", "round_mode")]],
  CenterCropPad: [[18, images.centerCropPad]],
  Col2Im: [[18, images.col2imOverBody]],
  DFT: [[20, layers.dftAxisToAttribute]],
  DeformConv: [[19, layers.refuseAll]],
  DequantizeLinear: [[21, layers.dequantizeLinearOf13]],
  Gelu: [[20, activations.geluOverBody]],
  GridSample: [[20, layers.gridSampleOf17]],
  GroupNormalization: [[18, norms.groupNormalizationOverBody]],
  LpPool: [[18, layers.dropIfDefault({ ceil_mode: 0, dilations: 1 })]],
  Mish: [[18, activations.mishOverBody]],
  Pad: [[18, axes.padAllAxes]],
  QuantizeLinear: [[19, layers.quantizeLinearOf13]],
  RMSNormalization: [[23, norms.rmsNormalizationOverBody]],
  Range: [[27, layers.drop("stash_type")]],
  Resize: [[18, resize.resizeOf18]],
  ScatterElements: [[18, layers.scatterOf17]],
  ScatterND: [[18, layers.scatterOf17]],
  RotaryEmbedding: [[23, rotaryEmbedding]],
  SpaceToDepth: [[28, layers.spaceToDepthOf13]],
  Split: [[18, axes.splitWithoutCount]],
  SwiGLU: [[28, activations.swiGlu]],
  Swish: [[24, activations.swishOverBody]],
};

/** The way from an operator's form in `version` to that in 17, or undefined if it is the same. */
export function converterOf(opType: string, version: number): Converter | undefined {
  if (version === 17) return undefined;
  const table = version < 17 ? olderForms : newerForms;
  const forms = Object.hasOwn(table, opType) ? (table[opType] ?? []) : [];
  const form =
    version < 17 ? forms.find(([end]) => version < end) : forms.findLast(([begin]) => version >= begin);
  return form?.[1];
}

/** ONNX Runtime's optimiser has put these into ai.onnx, which does not have them. */
const misplaced: ReadonlySet<string> = new Set(["SimplifiedLayerNormalization"]);

/** The way from an operator that ONNX Runtime's optimiser makes to those of opset 17, or undefined if there is none. */
export function contribConverterOf(opType: string, domain: string): Converter | undefined {
  const isContrib = domain === "com.microsoft" || (domain === "" && misplaced.has(opType));
  return isContrib && Object.hasOwn(contribForms, opType) ? contribForms[opType] : undefined;
}
