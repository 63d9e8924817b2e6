/** The files of an explained image. */

import type { FloatArray } from "@relprop/core";
import { npyFile } from "@relprop/core/heatmap";
import type { ResultWriter } from "../files/result-writer.ts";
import type { DrawnFigure } from "../pages/figure-parts.ts";
import type { WholeDrawings } from "../pages/whole-picture.ts";

/**
 * - `picture`: the network's input, after resizing, cropping and padding;
 * - `heatmap`: relevance in colours, where it lies in the whole picture;
 * - `overlay`: the heatmap over the whole picture in grey;
 * - `figure`: the whole picture and the heatmap side by side, with a description.
 */
export type Style = "picture" | "heatmap" | "overlay" | "figure";
export const styles: readonly Style[] = ["picture", "heatmap", "overlay", "figure"];

/** What can be saved besides pictures: relevance as numbers, the result as JSON, the figure as SVG. */
export type Extra = "npy" | "json" | "svg";
export const extras: readonly Extra[] = ["npy", "json", "svg"];

/** Which files of an image are written. */
export interface Wanted {
  readonly styles: readonly Style[];
  readonly extras: readonly Extra[];
}

/** Names of the files of one explained part of an answer, by kind, limited to the chosen kinds. */
export function answerFiles(name: string, { styles, extras }: Wanted): Record<string, string> {
  const all: readonly (readonly [kind: string, isWanted: boolean, ending: string])[] = [
    ["heatmap", styles.includes("heatmap"), "heatmap.png"],
    ["overlay", styles.includes("overlay"), "overlay.png"],
    ["figure", styles.includes("figure"), "figure.png"],
    ["svg", extras.includes("svg"), "figure.svg"],
    ["npy", extras.includes("npy"), "relevance.npy"],
  ];
  return Object.fromEntries(
    all.flatMap(([kind, isWanted, ending]) => (isWanted ? [[kind, `${name}.${ending}`]] : [])),
  );
}

/** Names of an image's files that do not depend on the explained part. */
export const imageFiles = (key: string, { styles, extras }: Wanted): Record<string, string> => ({
  ...(styles.includes("picture") && { picture: `${key}.picture.png` }),
  ...(extras.includes("json") && { json: `${key}.json` }),
});

/** Writes the files of one explained part of an answer, as named by {@link answerFiles}. */
export async function writeHeatmap(
  writer: ResultWriter,
  files: Readonly<Record<string, string>>,
  { heatmap, overlay }: WholeDrawings,
  relevance: FloatArray,
  draw: () => Promise<DrawnFigure>,
): Promise<void> {
  if (files["heatmap"]) await writer.png(files["heatmap"], heatmap);
  if (files["overlay"]) await writer.png(files["overlay"], overlay());
  if (files["figure"] || files["svg"]) {
    const { svg, png } = await draw();
    if (files["figure"]) await writer.bytes(files["figure"], await png());
    if (files["svg"]) await writer.bytes(files["svg"], svg);
  }
  if (files["npy"]) await writer.bytes(files["npy"], npyFile(relevance.data, relevance.dims));
}
