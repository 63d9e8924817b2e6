/** What a file's metadata says about its outputs: class names and task. */

import type { Model } from "../onnx/graph.ts";

/** Keys for class names. Ultralytics writes `names`. */
const nameKeys = ["names", "class_names", "labels", "classes", "id2label"] as const;

/** Class names by index; empty if the file has none. */
export function metadataLabels({ metadata }: Pick<Model, "metadata">): readonly string[] {
  for (const key of nameKeys) {
    const names = metadata[key] === undefined ? [] : namesIn(metadata[key]);
    if (names.length > 0) return names;
  }
  return [];
}

/** The task as Ultralytics writes it: detect, segment, classify, pose, obb. */
export const metadataTask = ({ metadata }: Pick<Model, "metadata">): string | undefined => metadata["task"];

/** Reads a list of names, or an object from index to name, as JSON or as a Python literal. */
function namesIn(text: string): readonly string[] {
  const fromJson = listIn(parsed(text));
  if (fromJson.length > 0) return fromJson;
  const quoted = String.raw`'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"`;
  const entries = [...text.matchAll(new RegExp(String.raw`(\d+)\s*:\s*(?:${quoted})`, "g"))];
  if (entries.length > 0) {
    return listIn(
      Object.fromEntries(entries.map(([, index, one, two]) => [index, unescaped(one ?? two ?? "")])),
    );
  }
  if (!/^\s*[[(]/.test(text)) return [];
  return [...text.matchAll(new RegExp(quoted, "g"))].map(([, one, two]) => unescaped(one ?? two ?? ""));
}

const unescaped = (text: string): string => text.replaceAll(/\\(.)/g, "$1");

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Names by index, if every index from 0 has one. */
function listIn(json: unknown): readonly string[] {
  if (typeof json !== "object" || json === null) return [];
  const named = new Map(Object.entries(json));
  const names = Array.from({ length: named.size }, (_, index) => named.get(String(index)));
  return names.every((name) => typeof name === "string") ? names : [];
}
