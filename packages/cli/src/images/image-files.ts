/** Which files an image's explanation is written to. */

import { npyFile } from "@relprop/core/heatmap";
import type { ResultWriter } from "../files/result-writer.ts";
import type { DrawnFigure } from "../pages/figure-parts.ts";
import type { WholeDrawings } from "../pages/whole-picture.ts";

/**
 * - `picture`: what the network saw, after resizing, cropping and padding;
 * - `heatmap`: relevance in colours, where it lies in the whole picture;
 * - `overlay`: the heatmap over the whole picture in gray;
 * - `figure`: the whole picture and the heatmap side by side, and in words what they show.
 */
export type Style = "picture" | "heatmap" | "overlay" | "figure";
export const styles: readonly Style[] = ["picture", "heatmap", "overlay", "figure"];

/** What can be kept besides pictures: relevance as numbers, all that is known of the image as JSON, the figure as SVG. */
export type Extra = "npy" | "json" | "svg";
export const extras: readonly Extra[] = ["npy", "json", "svg"];

/** What of an image is written. */
export interface Wanted {
  readonly styles: readonly Style[];
  readonly extras: readonly Extra[];
}

/** Relevance as it came from the network, in the input's pixels: [H, W], or [C, H, W] if channels were kept. */
export interface RelevanceArray {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Names of the files of one explained part of an answer, by kind, without those that are not wanted. */
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

/** Names of the files of an image that do not depend on what is explained. */
export const imageFiles = (key: string, { styles, extras }: Wanted): Record<string, string> => ({
  ...(styles.includes("picture") && { picture: `${key}.picture.png` }),
  ...(extras.includes("json") && { json: `${key}.json` }),
});

/** Writes what belongs to one explained part of an answer, into the files that {@link answerFiles} names. */
export async function writeHeatmap(
  writer: ResultWriter,
  files: Readonly<Record<string, string>>,
  { heatmap, overlay }: WholeDrawings,
  relevance: RelevanceArray,
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
