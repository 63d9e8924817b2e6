/** Which files an image's explanation is written to. */

import { npyFile, renderOverlay, type DrawnBox, type Heatmap, type Pixels } from "@relprop/core/heatmap";
import type { ResultWriter } from "../files/result-writer.ts";
import { boxed, type DrawnFigure } from "../pages/figure-parts.ts";
import type { RelevanceArray } from "../run/explain-batch.ts";

/**
 * - `picture`: what the network saw, after resizing and cropping;
 * - `heatmap`: relevance in colours, one pixel a value;
 * - `overlay`: the heatmap over the grey picture;
 * - `figure`: picture and heatmap side by side, and in words what they show.
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
  picture: Pixels,
  heatmap: Heatmap,
  relevance: RelevanceArray,
  box: DrawnBox | undefined,
  draw: () => Promise<DrawnFigure>,
): Promise<void> {
  if (files["heatmap"]) await writer.png(files["heatmap"], heatmap);
  if (files["overlay"]) await writer.png(files["overlay"], boxed(renderOverlay(picture, heatmap), box));
  if (files["figure"] || files["svg"]) {
    const { svg, png } = await draw();
    if (files["figure"]) await writer.bytes(files["figure"], await png());
    if (files["svg"]) await writer.bytes(files["svg"], svg);
  }
  if (files["npy"]) await writer.bytes(files["npy"], npyFile(relevance.data, relevance.dims));
}
