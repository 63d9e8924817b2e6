/** Reads `--class`, `--target`, `--pixel` and `--box` for each kind of output: which part of an answer is explained. */

import {
  OptionError,
  parseTarget,
  regionsOf,
  usualTarget,
  type OutputFacts,
  type OutputKind,
} from "@relprop/core";
import { isYesOrNo } from "@relprop/core/internal";
import { isPicture, targetHints, without, type OtherReadings } from "./target-hints.ts";
import { classRequest, commandWord, fileNamePart, type ClassRequest } from "./choose-classes.ts";
import { nameOf, type AnswerNames } from "./score.ts";
import { readMask, requireShape, type Geometry, type Mask } from "./target-mask.ts";

/** One thing to explain in each picture. */
export type AnswerRequest =
  | ClassRequest
  /** Elements of the output by their indices. */
  | { readonly kind: "elements"; readonly text: string }
  /** Elements selected by a file of weights: an array, or on a map a picture of places. */
  | { readonly kind: "mask"; readonly text: string; readonly mask: Mask; readonly index: number | undefined }
  /** One place of a map, in the picture's own pixels; without a class, the winning one there. */
  | { readonly kind: "pixel"; readonly x: number; readonly y: number; readonly index: number | undefined }
  /** All places of a map where a class wins. */
  | { readonly kind: "where"; readonly index: number }
  /** The n-th best box, of one class or of any. */
  | { readonly kind: "box"; readonly rank: number; readonly index: number | undefined }
  /** The length of an embedding. */
  | { readonly kind: "length" };

/** The values of the options that select answers. */
export interface AnswerChoices {
  readonly classes: readonly string[];
  readonly targets: readonly string[];
  readonly pixels: readonly (readonly [x: number, y: number])[];
  readonly boxes: readonly number[];
}

const isBoxes = ({ kind }: OutputFacts): boolean => kind === "detections";

/** What is needed to read requests. */
export interface RequestContext {
  readonly names: AnswerNames & { readonly facts: OutputFacts };
  /** Whether the whole prediction is explained by default. */
  readonly isWhole: boolean;
  readonly others: OtherReadings;
  /** How masks are resized: in the same way as the picture. Undefined: no picture is explained. */
  readonly geometry: Geometry | undefined;
}

/** Kinds of output whose numbers each name one answer. */
const lists: ReadonlySet<OutputKind> = new Set(["classes", "binary", "multi-label", "values", "scores"]);

/**
 * Reads the requests; undefined if the whole prediction is explained by default.
 * @throws OptionError if the output has no such answer, or if one must be named
 */
export async function readRequests(
  { classes, targets, pixels, boxes }: AnswerChoices,
  asking: RequestContext,
): Promise<AnswerRequest[] | undefined> {
  const { names, isWhole } = asking;
  const { facts } = names;
  if (pixels.length > 0) await requireFit("--pixel", "map", isPicture, asking);
  if (boxes.length > 0) await requireFit("--box", "detections", isBoxes, asking);
  const asked = classes.map((text) => classOf(text, names));
  if (pixels.length > 0 && asked.length === 0) requireWhich(names);
  const requests: AnswerRequest[] = [];
  for (const text of targets) requests.push(...(await targetRequests(text, asked, asking)));
  for (const [x, y] of pixels) {
    for (const index of indicesOrNone(asked)) requests.push({ kind: "pixel", x, y, index });
  }
  for (const rank of boxes) {
    for (const index of indicesOrNone(asked)) requests.push(boxOf(rank, index, names));
  }
  if (requests.length > 0) return requests;
  if (asked.length > 0) return asked.flatMap((request) => alone(request, names));
  const usual = usualTarget(facts, isWhole);
  if (usual === undefined) throw mustBeNamed(names);
  if (usual === "whole") return undefined;
  if (usual === "length") return [{ kind: "length" }];
  // The one number of a yes-or-no output is explained as it is, with its sign.
  return facts.kind === "binary" ? [{ kind: "class", index: 1 }] : [{ kind: "top", count: 1 }];
}

/** Reads a named class. For a yes-or-no output, 1 is yes and 0 is no, also at each place of a map. */
function classOf(text: string, { facts, labels, count }: RequestContext["names"]): ClassRequest {
  if (facts.kind === "embedding") {
    throw new OptionError({
      what: `cannot explain the class "${text}"`,
      why: "the output is an embedding, which has no classes",
      fix: "leave --class out, or name elements or a direction with --target",
    });
  }
  if (!isYesOrNo(facts)) return classRequest(text, labels, count);
  const names = labels.length === 1 ? [`not ${labels[0]}`, labels[0] as string] : labels;
  return classRequest(text, names, 2);
}

const indicesOrNone = (asked: readonly ClassRequest[]): (number | undefined)[] =>
  asked.length === 0 ? [undefined] : asked.map(oneClass);

function oneClass(request: ClassRequest): number {
  if (request.kind === "class") return request.index;
  throw new OptionError({
    what: `cannot use top${request.count} here`,
    why: "a place or a box has to be explained for one class",
    fix: "give --class an index or a name",
  });
}

/** The requests of a class without pixel or box. */
function alone(request: ClassRequest, names: RequestContext["names"]): AnswerRequest[] {
  const { kind } = names.facts;
  if (lists.has(kind)) return [request];
  if (kind === "map") return [{ kind: "where", index: oneClass(request) }];
  if (kind === "detections") return [boxOf(1, oneClass(request), names)];
  throw mustBeNamed(names);
}

/** @throws OptionError for the background class, which no box has */
function boxOf(rank: number, index: number | undefined, names: RequestContext["names"]): AnswerRequest {
  if (index === undefined || names.facts.detections?.background !== index)
    return { kind: "box", rank, index };
  throw new OptionError({
    what: `cannot explain boxes of class ${index}`,
    why: "it is the background, the class of places without an object",
    fix: "name another class, or one of its scores with --target",
  });
}

/** @throws OptionError if a place has several values, and none of them is the main one */
function requireWhich({ facts, count = 1 }: RequestContext["names"]): void {
  if (facts.kind !== "value-map" || count === 1) return;
  throw new OptionError({
    what: "cannot tell which value is meant",
    why: `each place of the output [${facts.shape.join(", ")}] has ${count} values`,
    fix: "choose one with --class, an index or a name",
  });
}

async function targetRequests(
  text: string,
  asked: readonly ClassRequest[],
  asking: RequestContext,
): Promise<AnswerRequest[]> {
  const { facts, count } = asking.names;
  const mask = await readMask(text, asking.geometry);
  if (mask?.kind === "picture") {
    await requireFit("--target", "map", isPicture, asking, "a picture as --target");
    const needsClass = count !== undefined && count > 1 && asked.length === 0;
    if (needsClass) {
      throw new OptionError({
        what: `cannot use the mask "${text}"`,
        why: `it selects places, and each place has ${count} numbers`,
        fix: "choose a class with --class",
      });
    }
    return indicesOrNone(asked).map((index) => ({ kind: "mask", text, mask, index }));
  }
  if (asked.length > 0) {
    throw new OptionError({
      what: "--class and --target do not go together",
      why: `the target "${text}" selects elements, and so their classes`,
      fix: "leave out one of them",
    });
  }
  if (mask) {
    requireShape(text, mask.array, facts);
    return [{ kind: "mask", text, mask, index: undefined }];
  }
  // Checks it against the output's shape, as far as that is known before a run.
  const { batchAxis } = facts;
  const shape = batchAxis === undefined ? facts.shape : facts.shape.with(batchAxis, 1);
  regionsOf(parseTarget(text), shape, facts);
  return [{ kind: "elements", text }];
}

/** @throws OptionError if an option is for another kind of output */
async function requireFit(
  option: string,
  wanted: OutputKind,
  fits: (facts: OutputFacts) => boolean,
  { names, isWhole, others }: RequestContext,
  what: string = option,
): Promise<void> {
  const { facts } = names;
  if (fits(facts)) return;
  const other = await others.outputOf(fits);
  const canBe = facts.kind !== wanted && (await others.canBe(wanted, fits));
  const ways = [
    ...(other === undefined ? [] : [`explain the output "${other}" with --output ${commandWord(other)}`]),
    ...(canBe ? [`use --output-kind ${wanted} if it is one`] : []),
  ];
  const why =
    facts.kind === wanted
      ? `the output [${facts.shape.join(", ")}] has no height and width`
      : `the output is read as ${facts.kind}, not ${wanted}`;
  throw new OptionError({
    what: `cannot use ${what}`,
    why,
    fix: [without(option, names, isWhole), ...ways].join(", or "),
  });
}

function mustBeNamed(names: RequestContext["names"]): OptionError {
  const { facts } = names;
  return new OptionError({
    what: "cannot tell what to explain",
    where: `output [${facts.shape.join(", ")}]`,
    why: `it is read as ${facts.kind} (${facts.why}), and none of its numbers is the answer`,
    fix: `name it: ${targetHints(names)}; --output-kind corrects the kind if it is wrong`,
  });
}

/** A request in words, for the printed decisions. */
export function requestText(request: AnswerRequest, names: AnswerNames): string {
  const named = (index: number): string => `${index} ${nameOf(names, index)}`.trim();
  const of = (index: number | undefined): string => (index === undefined ? "" : ` of ${named(index)}`);
  switch (request.kind) {
    case "top":
      return names.count === 1 && names.facts.kind !== "binary" ? nameOf(names, 0) : `top${request.count}`;
    case "class":
      return named(request.index);
    case "elements":
      return `element ${request.text}`;
    case "mask":
      return `what ${request.text} marks${of(request.index)}`;
    case "pixel":
      return `pixel ${request.x},${request.y}${of(request.index)}`;
    case "where":
      return `where ${named(request.index)} wins`;
    case "box":
      return `box ${request.rank}${of(request.index)}`;
    case "length":
      return "the embedding's length";
  }
}

/** Other indices, other names. */
const elementsPart = (text: string): string =>
  text
    .replaceAll(/\s/g, "")
    .replaceAll("-", "minus")
    .replaceAll("..", "to")
    .replaceAll("+", "and")
    .replaceAll(":", "all")
    .replaceAll(",", "-");

/** A request as a part of a file's name. @param score its score */
export function requestFileName(
  request: AnswerRequest,
  { index = 0, label }: Readonly<{ index?: number; label: string }>,
): string {
  switch (request.kind) {
    case "top":
    case "class":
      return `${index}-${fileNamePart(label)}`;
    case "elements":
      return `target-${elementsPart(request.text)}`.slice(0, 80);
    case "mask":
      return `mask-${fileNamePart((request.text.split(/[\\/]/).at(-1) ?? "").replaceAll(",", " "))}${request.index === undefined ? "" : `-${request.index}`}`;
    case "pixel":
      return `pixel-${request.x}-${request.y}-${fileNamePart(label)}`;
    case "where":
      return `where-${index}-${fileNamePart(label)}`;
    case "box":
      return `box-${request.rank}-${index}-${fileNamePart(label)}`;
    case "length":
      return "length";
  }
}
