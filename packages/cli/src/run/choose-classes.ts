/** Reads `--class`: text -> class indices. */

import { OptionError } from "@relprop/core";

/** One `--class`: the best `count` classes of each image, or a fixed class. */
export type ClassRequest =
  | { readonly kind: "top"; readonly count: number }
  | { readonly kind: "class"; readonly index: number };

/** The number of classes that the explainer ranks. */
const ranked = 5;

/**
 * Reads `top1` to `top5`, an index, or a name: a whole label or one of its comma-separated synonyms, else a part that
 * only one label has. Case and `_` are ignored. `index:3` is always an index, even if names are numbers.
 * @param labels by class index; empty if unknown.
 * @throws OptionError if no class fits, or several do; it lists likely ones.
 */
export function classRequest(
  text: string,
  labels: readonly string[],
  classes: number | undefined,
): ClassRequest {
  const top = /^top-?(\d+)$/i.exec(text)?.[1];
  if (top !== undefined) {
    const count = Number(top);
    if (count >= 1 && count <= Math.min(ranked, classes ?? ranked)) return { kind: "top", count };
    throw noClass(text, "the best 1 to 5 classes can be explained", "use top1 to top5");
  }
  if (text.trim() === "") throw noClass(text, "the name is empty", "give an index or a name");
  const number = /^(?:index:)?(\d+)$/.exec(text)?.[1];
  if (number !== undefined) {
    const index = Number(number);
    const other = number === text ? exactly(text, labels).find((each) => each !== index) : undefined;
    const isThere = classes === undefined || index < classes;
    if (isThere && other !== undefined) throw twoMeanings(text, index, other, labels);
    if (isThere) return { kind: "class", index };
    if (other === undefined) {
      const why = classes === 1 ? "there is one number, 0" : `the model has the classes 0 to ${classes - 1}`;
      throw noClass(text, why);
    }
  }
  if (labels.length === 0) {
    throw noClass(
      text,
      "the names of the classes are not known",
      "give an index, or the names with --labels FILE",
    );
  }
  return { kind: "class", index: byName(text, labels) };
}

const plain = (text: string): string => text.toLowerCase().replaceAll("_", " ").trim();
const synonyms = (label: string): string[] => [plain(label), ...plain(label).split(/,\s*/)];

/** The classes with exactly this name. */
const exactly = (text: string, labels: readonly string[]): number[] =>
  [...labels.keys()].filter((index) => synonyms(labels[index] ?? "").includes(plain(text)));

function twoMeanings(text: string, index: number, other: number, labels: readonly string[]): OptionError {
  return noClass(
    text,
    `it is the index of "${labels[index] ?? ""}" and the name of class ${other}`,
    `choose one: --class index:${index} or --class index:${other}`,
  );
}

/** A word of the command line, quoted if needed. */
export const commandWord = (text: string): string => (/^[\w./:@%+=,-]+$/.test(text) ? text : `"${text}"`);

/** A class on the command line: its name if that is unique, else its index. */
export function classWord(index: number, labels: readonly string[]): string {
  const label = labels[index] ?? "";
  try {
    const request = classRequest(label, labels, undefined);
    if (request.kind === "class" && request.index === index && /^[^"'`$\\\p{Cc}]+$/u.test(label))
      return `"${label}"`;
  } catch {
    // The name also means another class.
  }
  return exactly(String(index), labels).every((each) => each === index) ? String(index) : `index:${index}`;
}

function byName(text: string, labels: readonly string[]): number {
  const wanted = plain(text);
  const indices = [...labels.keys()];
  const labelAt = (index: number): string => labels[index] ?? "";
  const exact = exactly(text, labels);
  const found = exact.length > 0 ? exact : indices.filter((index) => plain(labelAt(index)).includes(wanted));
  if (found.length === 1 && found[0] !== undefined) return found[0];
  const list = (some: readonly number[]): string => {
    const shown = some.slice(0, 8).map((index) => `${index} ${labelAt(index)}`);
    return shown.join(", ") + (some.length > 8 ? ` and ${some.length - 8} more` : "");
  };
  if (found.length > 1)
    throw noClass(text, `${found.length} classes have this name: ${list(found)}`, "give the index");
  const beginnings = wanted.split(" ").map((word) => word.slice(0, Math.max(3, word.length - 2)));
  const near = indices.filter((index) => beginnings.some((begin) => plain(labelAt(index)).includes(begin)));
  throw noClass(
    text,
    "no class has this name",
    near.length > 0 ? `did you mean ${list(near)}?` : "give an index",
  );
}

function noClass(text: string, why: string, fix?: string): OptionError {
  return new OptionError({
    what: `cannot explain the class "${text}"`,
    why,
    ...(fix === undefined ? {} : { fix }),
  });
}

/** A label as part of a file name: `Egyptian_cat` -> `egyptian-cat`. */
export function fileNamePart(label: string): string {
  const [first = ""] = label.split(",");
  return first
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, "-")
    .replaceAll(/^-|-$/g, "")
    .slice(0, 40);
}
