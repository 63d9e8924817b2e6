/**
 * The operators of ai.onnx whose form changed between opsets 7 and 28, apart from new element types. All others are the same
 * in all of these opsets. Source: https://github.com/onnx/onnx/blob/main/docs/Changelog.md
 */

import * as activations from "./activations.ts";
import { attention } from "./attention.ts";
import * as axes from "./axes.ts";
import { classicForms } from "./classic-ml.ts";
import { contribForms } from "./contrib.ts";
import type { Converter } from "./conversion.ts";
import { deformConv } from "./deform-conv.ts";
import * as images from "./images.ts";
import * as layers from "./layers.ts";
import * as norms from "./norms.ts";
import * as resize from "./resize.ts";
import { rotaryEmbedding } from "./rotary.ts";
import { tensorScatter } from "./tensor-scatter.ts";

/** A form of an operator: the opset that began or ended it, and its converter to opset 17. */
type Form = readonly [opset: number, convert: Converter];

/** Forms that ended with an opset up to 17, oldest first: the first one that ends after the model's opset applies. */
const olderForms: Readonly<Record<string, readonly Form[]>> = {
  BatchNormalization: [[14, layers.batchNormalizationAtInference]],
  Clip: [[11, layers.clipToInputs]],
  Dropout: [[12, layers.dropoutAtInference]],
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
const addedIn18 = ["BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor"];
const addedIn20 = ["AffineGrid", "ImageDecoder", "RegexFullMatch", "StringConcat", "StringSplit"];
const addedIn26 = ["BitCast", "CumProd"];
const addedIn27 = ["CausalConvWithState", "LinearAttention"];

const all = (names: readonly string[], opset: number, convert: Converter): Record<string, readonly Form[]> =>
  Object.fromEntries(names.map((name) => [name, [[opset, convert]]]));

/** Forms that began with an opset after 17, oldest first: the last one that began by the model's opset applies. */
const newerForms: Readonly<Record<string, readonly Form[]>> = {
  ...all(reductions, 18, axes.axesToAttribute),
  ...all(addedIn18, 18, layers.refuseAll),
  ...all(addedIn20, 20, layers.refuseAll),
  ...all(addedIn26, 26, layers.refuseAll),
  ...all(addedIn27, 27, layers.refuseAll),
  Attention: [[23, attention]],
  AveragePool: [[19, layers.dropIfDefault({ dilations: 1 })]],
  Cast: [[19, layers.drop("saturate", "round_mode")]],
  CastLike: [[19, layers.drop("saturate", "round_mode")]],
  CenterCropPad: [[18, images.centerCropPad]],
  Col2Im: [[18, images.col2imOverBody]],
  DFT: [[20, layers.dftAxisToAttribute]],
  DeformConv: [[19, deformConv]],
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
  TensorScatter: [[24, tensorScatter]],
  Swish: [[24, activations.swishOverBody]],
};

/** The converter of an operator from opset `version` to 17; undefined if its form is the same. */
export function converterOf(opType: string, version: number): Converter | undefined {
  if (version === 17) return undefined;
  const table = version < 17 ? olderForms : newerForms;
  const forms = Object.hasOwn(table, opType) ? (table[opType] ?? []) : [];
  const form =
    version < 17 ? forms.find(([end]) => version < end) : forms.findLast(([begin]) => version >= begin);
  return form?.[1];
}

/** Operators that ONNX Runtime's optimiser writes as ai.onnx, although ai.onnx does not have them. */
const misplaced: ReadonlySet<string> = new Set(["SimplifiedLayerNormalization"]);

/** The converter of an operator of ai.onnx.ml, or of one that ONNX Runtime's optimiser makes; undefined if there is none. */
export function contribConverterOf(opType: string, domain: string): Converter | undefined {
  if (domain === "ai.onnx.ml") return Object.hasOwn(classicForms, opType) ? classicForms[opType] : undefined;
  const isContrib = domain === "com.microsoft" || (domain === "" && misplaced.has(opType));
  return isContrib && Object.hasOwn(contribForms, opType) ? contribForms[opType] : undefined;
}
