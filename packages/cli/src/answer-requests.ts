/** What of an answer is explained: what `--class`, `--target`, `--pixel` and `--box` say, for each kind of output. */

import { OptionError, parseTarget, regionsOf, usualTarget, type OutputFacts, type OutputKind } from "relprop";
import { classRequest, fileNamePart, type ClassRequest } from "./choose-classes.ts";
import { nameOf, type AnswerNames, type Score } from "./score.ts";
import { readMask, type Mask } from "./target-mask.ts";

/** One thing to explain in each picture. */
export type AnswerRequest =
  | ClassRequest
  /** Elements of the output by their indices. */
  | { readonly kind: "elements"; readonly text: string }
  /** Elements by a file of weights: an array, or on a map a picture of places. */
  | { readonly kind: "mask"; readonly text: string; readonly mask: Mask; readonly index: number | undefined }
  /** One place of a map, in pixels of the picture that the network sees; without a class the one that wins there. */
  | { readonly kind: "pixel"; readonly x: number; readonly y: number; readonly index: number | undefined }
  /** All places of a map where a class wins. */
  | { readonly kind: "where"; readonly index: number }
  /** The n-th best box, of one class or of any. */
  | { readonly kind: "box"; readonly rank: number; readonly index: number | undefined }
  /** The length of an embedding. */
  | { readonly kind: "length" };

/** What the user names. */
export interface AnswerWishes {
  readonly classes: readonly string[];
  readonly targets: readonly string[];
  readonly pixels: readonly (readonly [x: number, y: number])[];
  readonly boxes: readonly number[];
}

/** Kinds of output whose numbers each name one answer. */
const lists: ReadonlySet<OutputKind> = new Set(["classes", "binary", "multi-label", "values", "scores"]);

/**
 * The requests; undefined where nothing is named and the prediction as a whole is explained.
 * @param isWhole whether that is what is done where nothing is named
 * @throws OptionError for what this output does not have, or where something has to be named
 */
export async function readRequests(
  { classes, targets, pixels, boxes }: AnswerWishes,
  names: AnswerNames & { readonly facts: OutputFacts },
  isWhole: boolean,
): Promise<AnswerRequest[] | undefined> {
  const { facts, labels } = names;
  const { kind } = facts;
  requireKind("--pixel", pixels.length > 0, kind, "map");
  requireKind("--box", boxes.length > 0, kind, "detections");
  const asked = classes.map((text) => classOf(text, names));
  const requests: AnswerRequest[] = [];
  for (const text of targets) requests.push(await targetRequest(text, asked, names));
  for (const [x, y] of pixels) {
    for (const index of indicesOrNone(asked)) requests.push({ kind: "pixel", x, y, index });
  }
  for (const rank of boxes) {
    for (const index of indicesOrNone(asked)) requests.push({ kind: "box", rank, index });
  }
  if (requests.length > 0) return requests;
  if (asked.length > 0) return asked.flatMap((request) => alone(request, names));
  const usual = usualTarget(facts, isWhole);
  if (usual === undefined) throw mustBeNamed(names, labels);
  if (usual === "whole") return undefined;
  return usual === "length" ? [{ kind: "length" }] : [{ kind: "top", count: 1 }];
}

/** A class that is named; of a yes-or-no question 1 is yes and 0 is no. */
function classOf(text: string, { facts, labels, count }: AnswerNames): ClassRequest {
  if (facts.kind === "embedding") {
    throw new OptionError({
      what: `cannot explain the class "${text}"`,
      why: "the output is an embedding, which has no classes",
      fix: "leave --class out, or name elements or a direction with --target",
    });
  }
  if (facts.kind !== "binary") return classRequest(text, labels, count);
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

/** What a class alone asks for. */
function alone(request: ClassRequest, names: AnswerNames & { readonly facts: OutputFacts }): AnswerRequest[] {
  const { kind } = names.facts;
  if (lists.has(kind)) return [request];
  if (kind === "map") return [{ kind: "where", index: oneClass(request) }];
  if (kind === "detections") return [{ kind: "box", rank: 1, index: oneClass(request) }];
  throw mustBeNamed(names, names.labels);
}

async function targetRequest(
  text: string,
  asked: readonly ClassRequest[],
  { facts, count }: AnswerNames & { readonly facts: OutputFacts },
): Promise<AnswerRequest> {
  const mask = await readMask(text);
  if (mask) {
    const [index] = indicesOrNone(asked);
    const needsClass = mask.kind === "picture" && count !== undefined && count > 1 && index === undefined;
    if (needsClass) {
      throw new OptionError({
        what: `cannot use the mask "${text}"`,
        why: `it says which places, and each place has ${count} numbers`,
        fix: "say of which class with --class",
      });
    }
    requireKind("--target with a picture", mask.kind === "picture", facts.kind, "map");
    return { kind: "mask", text, mask, index };
  }
  if (asked.length > 0) {
    throw new OptionError({
      what: "--class and --target do not go together",
      why: `the target ${text} names the elements, classes among them`,
      fix: "leave one of them out",
    });
  }
  // Whether it fits the output, as far as that is known before a run.
  const selection = parseTarget(text);
  regionsOf(selection, facts.shape, facts);
  return { kind: "elements", text };
}

function requireKind(option: string, isGiven: boolean, kind: OutputKind, wanted: OutputKind): void {
  if (!isGiven || kind === wanted) return;
  throw new OptionError({
    what: `cannot use ${option}`,
    why: `the output is read as ${kind}, not ${wanted}`,
    fix: `choose another output with --output, or say --output-kind ${wanted} if it is one`,
  });
}

const ways: Readonly<Partial<Record<OutputKind, (names: readonly string[]) => string>>> = {
  values: () => "--class 0 (an index or a name), or --target 0,1",
  map: ([name = "1"]) =>
    `--class "${name}" (the places where it wins), --pixel X,Y, --target with an index for each axis, or --target mask.png`,
  detections: ([name = "1"]) =>
    `--box 1 (the best box), --box 1 --class "${name}", or --target with an index for each axis`,
  sequence: () => "--target with an index for each axis, as 0,3,17",
  nodes: () => "--target NODE,CLASS",
};

function mustBeNamed({ facts }: { readonly facts: OutputFacts }, labels: readonly string[]): OptionError {
  return new OptionError({
    what: "cannot tell what to explain",
    where: `output [${facts.shape.join(", ")}]`,
    why: `it is read as ${facts.kind} (${facts.why}), and none of its numbers is the answer`,
    fix: `name it: ${ways[facts.kind]?.(labels) ?? "--target with an index for each axis"}; --output-kind says what it is if this is wrong`,
  });
}

/** A request in words, for the plan. */
export function requestText(request: AnswerRequest, names: AnswerNames): string {
  const named = (index: number): string => `${index} ${nameOf(names, index)}`.trim();
  const of = (index: number | undefined): string => (index === undefined ? "" : ` of ${named(index)}`);
  switch (request.kind) {
    case "top":
      return names.count === 1 ? nameOf(names, names.facts.kind === "binary" ? 1 : 0) : `top${request.count}`;
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

const safe = (text: string): string => fileNamePart(text.replaceAll(",", " ").replaceAll(":", "all"));

/** A request as a part of a file's name. @param score of what it came to */
export function requestFileName(
  request: AnswerRequest,
  { index, label }: Pick<Score, "index" | "label">,
): string {
  switch (request.kind) {
    case "top":
    case "class":
      return `${index}-${fileNamePart(label)}`;
    case "elements":
      return `target-${safe(request.text)}`;
    case "mask":
      return `mask-${safe(request.text.split(/[\\/]/).at(-1) ?? "")}`;
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
