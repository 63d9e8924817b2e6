/** What can be taken away: PNG, NPY, settings. */

import { npyFile, type Theme } from "@relprop/core/heatmap";
import { stampPng } from "@relprop/core/internal";
import type { ExplainResult } from "@relprop/engine/engine";
import { settingsKeyword, type SeenResult } from "../state/settings-file.ts";
import type { ShownHeatmap } from "./saved-figure.ts";

/** Offers bytes as a download. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Pixels that the picture of a PNG is wide, at least: so many that 28 × 28 can be looked at elsewhere. */
const leastWidth = 560;

/**
 * What a canvas shows as a PNG that carries its settings, so that it can be opened again. Each pixel of a small canvas
 * becomes a square of several.
 * @param settings as `writeSettings` makes them
 */
export async function pngOf(canvas: HTMLCanvasElement, settings: string): Promise<Blob> {
  const scale = Math.max(1, Math.floor(leastWidth / canvas.width));
  const large = new OffscreenCanvas(canvas.width * scale, canvas.height * scale);
  const context = large.getContext("2d");
  if (context === null) throw new Error("This browser gives no 2D canvas.");
  context.imageSmoothingEnabled = false;
  context.drawImage(canvas, 0, 0, large.width, large.height);
  const png = await large.convertToBlob({ type: "image/png" });
  return withSettings(new Uint8Array(await png.arrayBuffer()), settings);
}

/**
 * What a canvas shows as a figure that says what it is, and carries its settings, so that it can be opened again.
 * @param settings as `writeSettings` makes them
 */
export async function figurePng(
  canvas: HTMLCanvasElement,
  shown: ShownHeatmap,
  settings: string,
): Promise<Blob> {
  // The first page does without.
  const { figureOf, pngOfFigure } = await import("./saved-figure.ts");
  const theme: Theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  return withSettings(await pngOfFigure(await figureOf(canvas, shown, theme)), settings);
}

const withSettings = (png: Uint8Array, settings: string): Blob =>
  new Blob([stampPng(png, { [settingsKeyword]: settings })], { type: "image/png" });

/** Copies a PNG to the clipboard; false where the browser or its user does not let a page do so. */
export async function copyPng(png: Blob): Promise<boolean> {
  if (!("clipboard" in navigator) || typeof ClipboardItem === "undefined") return false;
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    return true;
  } catch {
    return false;
  }
}

/** Relevance as NumPy reads it, float32 [height, width]. */
export function npyOf({ relevance }: ExplainResult): Blob {
  return new Blob([npyFile(relevance.data, [relevance.height, relevance.width])]);
}

/** What the settings say of a result. */
export function seenOf(
  picture: string,
  composite: string,
  { relevance, top, milliseconds }: ExplainResult,
): SeenResult {
  const relevanceSum = relevance.data.reduce((sum, value) => sum + value, 0);
  return { picture, composite, milliseconds, relevanceSum, top };
}
