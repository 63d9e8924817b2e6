/**
 * Decides what the explained output is: classes, values, a map, boxes … It is read from the last operators, the origin of
 * the axes and the metadata, unless the caller says it. All printed answers and all defaults depend on it.
 */

import { OptionError } from "../errors.ts";
import { usesOf } from "../onnx/captures.ts";
import type { Shape } from "../onnx/graph.ts";
import { classAxisOf } from "./class-axis.ts";
import { detectionLayout } from "./detection-layout.ts";
import type { DetectionLayout } from "./found-layout.ts";
import type { Logits } from "./logits.ts";
import { metadataLabels } from "./metadata.ts";
import { isAnyMap, outputKinds, type OutputKind } from "./output-kinds.ts";
import type { OutputRequest, Reading } from "./reading.ts";
import type { OutputScale } from "./scale.ts";
import { sureNumber } from "../sure.ts";

export type { OutputRequest, Start } from "./reading.ts";
export type { OutputScale } from "./scale.ts";

/** What the explained output is. */
export interface OutputFacts {
  /** One of {@link outputKinds}. */
  readonly kind: OutputKind;
  /** The reason for the kind, as a clause. */
  readonly why: string;
  /** The scale of its own numbers: probabilities, logits, values. */
  readonly scale: OutputScale;
  /**
   * Whether a higher logit always means a higher number of the output. False where a number combines several
   * probabilities (ensembles, objectness times class): then classes rank by the output.
   */
  readonly isOrdered: boolean;
  /** Whether the numbers are sorted by size (TopK): an index is then a rank, not a class. */
  readonly isRanked: boolean;
  /** Its sizes; symbolic ones are names. */
  readonly shape: Shape;
  /** The axis of the samples; undefined if there is none. */
  readonly batchAxis: number | undefined;
  /** The axis of classes, values or features; undefined if there is one number for each place. */
  readonly classAxis: number | undefined;
  /** The axes of places: pixels, tokens, nodes, anchors. */
  readonly placeAxes: readonly number[];
  /** Whether classes are the tokens of the input's vocabulary, as in a language model. */
  readonly isVocabulary: boolean;
  /** The layout of boxes and scores, for detections. */
  readonly detections?: DetectionLayout;
}

type Decision = Pick<OutputFacts, "kind" | "why"> & Partial<OutputFacts>;

/** What the caller says about the output. */
export interface OutputOptions {
  /** The kind of the output. @default read from the graph */
  readonly outputKind?: OutputKind;
  /** Number of known class names; a list of that length is read as classes. @default the number in the file's metadata */
  readonly labelCount?: number;
}

/**
 * Reads what the explained output is.
 * @throws OptionError for a kind that does not fit the output's shape
 */
export function outputFacts(request: OutputRequest, { outputKind, labelCount }: OutputOptions): OutputFacts {
  const { analysis, output, findLogits, source } = request;
  const { shape } = analysis.b.value(output);
  const { axis, outer = 1, inner = 1 } = analysis.batch?.output ?? {};
  const isOwnAxis = axis !== undefined && outer === 1 && inner === 1;
  const batchAxis = isOwnAxis ? axis : shape.length > 1 && shape[0] === 1 ? 0 : undefined;
  const reading: Reading = {
    ...request,
    shape,
    batchAxis,
    axes: shape.flatMap((_, each) => (each === batchAxis ? [] : [each])),
    logits: findLogits(output),
    labels: labelCount ?? metadataLabels(source).length,
  };
  const read = decide(reading);
  const said =
    outputKind === undefined || outputKind === read.kind ? read : asSaid(reading, read, outputKind);
  const { kind } = said;
  const facts = { placeAxes: [], classAxis: undefined, ...said };
  const words = request.inputs[0]?.words;
  const isVocabulary = kind === "sequence" && words !== undefined && shape[facts.classAxis ?? -1] === words;
  const scale = scaleFor(kind, isVocabulary, reading);
  const isRanked = reading.logits?.isRanked ?? false;
  const isOrdered = isInOrder(reading, facts.classAxis);
  return { shape, batchAxis, scale, isOrdered, isRanked, isVocabulary, ...facts };
}

/** Whether logits rank classes as the output's own numbers do. */
function isInOrder({ logits }: Reading, classAxis: number | undefined): boolean {
  if (!logits || logits.order === "all") return true;
  return logits.order !== undefined && logits.order.along === classAxis;
}

/** The scale by the response that made the numbers, else by the kind of output. */
function scaleFor(
  kind: OutputKind,
  isVocabulary: boolean,
  { logits, outputName, analysis, output }: Reading,
): OutputScale {
  if (logits?.isWhole) return logits.scale;
  // Numbers that are called probabilities and cannot be negative are no logits.
  const y = analysis.value(output);
  if (/prob/i.test(outputName) && y && analysis.isNonNegative(y))
    return { kind: "probability", by: "softmax" };
  const isNamed =
    kind !== "values" && kind !== "value-map" && kind !== "embedding" && /logit/i.test(outputName);
  if (kind === "classes" || isVocabulary || (isNamed && kind !== "binary" && kind !== "multi-label"))
    return { kind: "logit", by: "softmax" };
  if (kind === "binary" || kind === "multi-label") return { kind: "logit", by: "sigmoid" };
  return { kind: "value" };
}

function decide(reading: Reading): Decision {
  const { axes, shape } = reading;
  if (axes.every((axis) => shape[axis] === 1)) return oneNumber(reading);
  const detections = detectionLayout(reading);
  if (detections) return { kind: "detections", ...detections };
  if (axes.length === 1) return listOfNumbers(reading, sureNumber(axes[0]));
  return isGraph(reading) ? nodes(reading) : places(reading);
}

function oneNumber({ logits, axes }: Reading): Decision {
  const classAxis = axes[0];
  if (logits?.isWhole && logits.scale.by === "sigmoid") {
    return { kind: "binary", why: `one number that ends in ${responseText(logits)}`, classAxis };
  }
  const why = logits
    ? `one number that ends in ${responseText(logits)}`
    : "one number without a final sigmoid";
  return { kind: "values", why, classAxis };
}

function responseText({ responses, isJoint }: Logits): string {
  const text = [...responses].toReversed().join(" of ");
  return isJoint ? `several of ${text}, put together` : text;
}

function listOfNumbers(reading: Reading, classAxis: number): Decision {
  const { logits, shape, labels, outputName, inputs, batchAxis } = reading;
  const count = shape[classAxis];
  if (batchAxis === undefined && isGraph(reading)) return nodes(reading);
  const tokens = inputs[0]?.words === undefined ? undefined : inputs[0].input.shape[1];
  if (tokens !== undefined && (typeof count === "string" || (count === tokens && count !== labels)))
    return { kind: "sequence", why: "a number for each token", placeAxes: [classAxis] };
  if (logits?.isRanked) {
    const why = `its numbers stand in the order of their size: index 0 is the highest, and names no class`;
    return { kind: "scores", why, classAxis };
  }
  if (logits?.isWhole) {
    const why = `it ends in ${responseText(logits)}`;
    if (logits.scale.by === "softmax") return { kind: "classes", why, classAxis };
    if (logits.scale.by === "sigmoid") {
      return logits.isComplementary
        ? { kind: "classes", why: "it is σ(z) beside 1 − σ(z)", classAxis }
        : { kind: "multi-label", why: `${why} over ${count} numbers`, classAxis };
    }
    return { kind: "values", why, classAxis };
  }
  if (count === labels && labels > 1) {
    return {
      kind: "classes",
      why: `there are ${labels} class names, and no final softmax: logits`,
      classAxis,
    };
  }
  if (/logit|prob|class/i.test(outputName)) {
    return { kind: "classes", why: `it is called "${outputName}"`, classAxis };
  }
  if (isStandardized(reading)) return { kind: "embedding", why: "it ends in a normalisation", classAxis };
  if (/embed|feature|pool|hidden|descriptor|latent/i.test(outputName)) {
    return { kind: "embedding", why: `it is called "${outputName}"`, classAxis };
  }
  if (imageNetCounts.has(count)) {
    return { kind: "classes", why: `${count} numbers, as many as ImageNet has classes`, classAxis };
  }
  return {
    kind: "scores",
    why: `${count} numbers without a final softmax or sigmoid, and no class names`,
    classAxis,
  };
}

/** Class counts of ImageNet-1k, with and without a background class, and of editions of ImageNet-21k. */
const imageNetCounts: ReadonlySet<unknown> = new Set([1000, 1001, 11221, 21841, 21843]);

/** Whether the output is normalised by a measure of itself, as embeddings are. A non-negative quotient may be a share of a sum. */
function isStandardized({ analysis, output }: Reading): boolean {
  const { producer } = usesOf(analysis.graph);
  const node = producer.get(output);
  const row = node && analysis.operators.rowOf(node);
  if (row?.family === "normalization") return true;
  const y = analysis.value(output);
  if (!node || row?.family !== "quotient" || !y || analysis.isNonNegative(y)) return false;
  const [numerator = "", divisor = ""] = node.inputs;
  const dependsOn = (name: string, steps: number): boolean =>
    name === numerator ||
    (steps > 0 && (producer.get(name)?.inputs ?? []).some((each) => dependsOn(each, steps - 1)));
  return dependsOn(divisor, normSteps);
}

/** The most nodes of a norm: square, sum, root, lower bound, expansion. */
const normSteps = 6;

/** Whether the first axis counts nodes of a graph: rows of the input mix, and the output has as many. */
const isGraph = ({ batchAxis, shape, inputs }: Reading): boolean => {
  const input = inputs[0]?.input;
  return batchAxis === undefined && input?.shape.length === 2 && input.shape[0] === shape[0];
};

function nodes({ shape }: Reading): Decision {
  const classAxis = shape.length > 1 ? 1 : undefined;
  return {
    kind: "nodes",
    why: "rows of the input meet on the way, and the output has as many: they are nodes of a graph, not samples",
    placeAxes: [0],
    ...(classAxis !== undefined && { classAxis }),
  };
}

function places(reading: Reading): Decision {
  const { axes, inputs, shape } = reading;
  const classAxis = classAxisOf(reading);
  const placeAxes = axes.filter((axis) => axis !== classAxis);
  const isForTokens = inputs[0]?.input.name !== inputs[0]?.origin;
  const isLast = classAxis === shape.length - 1;
  if (placeAxes.length === 1 && (isForTokens || isLast)) {
    const which = isForTokens ? "token" : "step";
    return {
      kind: "sequence",
      why: `[${shape.join(", ")}] has numbers for each ${which}`,
      classAxis,
      placeAxes,
    };
  }
  const text = `[${shape.join(", ")}] has ${classAxis === undefined ? "a number" : "numbers"} for each place`;
  const noScores = whyNoScores(reading, classAxis);
  if (noScores !== undefined)
    return { kind: "value-map", why: `${text}, and ${noScores}`, classAxis, placeAxes };
  const why = reading.logits ? text : `${text}, taken for scores of classes`;
  return { kind: "map", why, classAxis, placeAxes };
}

/** Why the numbers of places are values, not class scores; undefined if they may be scores. */
function whyNoScores(reading: Reading, classAxis: number | undefined): string | undefined {
  const { logits, labels, shape, outputName, analysis, output } = reading;
  const isNamed = labels > 0 && labels === (classAxis === undefined ? 1 : shape[classAxis]);
  if (isNamed || logits?.scale.kind === "probability") return undefined;
  if (logits?.isWhole) return `they end in ${responseText(logits)}`;
  const last = usesOf(analysis.graph).producer.get(output);
  const y = analysis.value(output);
  // Logits are unbounded and have both signs.
  if (last && analysis.operators.rowOf(last)?.family === "activation") return `they end in ${last.opType}`;
  if (last && y && analysis.isNonNegative(y)) return "none of them can be below 0";
  return valueNames.test(outputName) ? `they are called "${outputName}"` : undefined;
}

const valueNames = /depth|dispar|flow|normals|density|height|recon|image/i;

/** Kinds that have one list of numbers for each sample. */
const ofLists: ReadonlySet<OutputKind> = new Set([
  "classes",
  "binary",
  "multi-label",
  "values",
  "scores",
  "embedding",
]);

/** The kind that the caller names, with the axes that were read. */
function asSaid(reading: Reading, read: Decision, kind: OutputKind): Decision {
  const { axes, shape, outputName } = reading;
  const why = "said so";
  const isOne = axes.every((axis) => shape[axis] === 1);
  const said = detectionLayout(reading, true);
  const fitting = (Object.keys(outputKinds) as OutputKind[]).filter((each) => {
    if (each === "detections") return said !== undefined;
    if (each === "binary") return isOne;
    if (each === "classes" || each === "multi-label" || each === "scores") return axes.length === 1 && !isOne;
    return ofLists.has(each) === (isOne || axes.length === 1);
  });
  if (!fitting.includes(kind)) {
    throw new OptionError({
      what: `the output "${outputName}" cannot be ${kind}`,
      why: `its shape is [${shape.join(", ")}], and ${kind} are ${outputKinds[kind]}`,
      fix: `it can be ${fitting.filter((each) => each !== kind).join(", ")}`,
    });
  }
  if (said && kind === "detections") return { kind, ...said, why };
  if (ofLists.has(kind))
    return { ...(read.detections ? listOfNumbers(reading, sureNumber(axes[0])) : read), kind, why };
  const classAxis = read.classAxis ?? (isAnyMap({ kind }) ? axes[0] : axes.at(-1));
  return { kind, why, classAxis, placeAxes: axes.filter((axis) => axis !== classAxis) };
}
