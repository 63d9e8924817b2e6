/** Exports: PNG, NPY, settings. */

import { npyFile, type Theme } from "@relprop/core/heatmap";
import { stampPng } from "@relprop/core/internal";
import type { ExplainResult } from "@relprop/engine/engine";
import { settingsKeyword, type ShownResult } from "../state/settings-file.ts";
import type { ShownHeatmap } from "./saved-figure.ts";

/** Offers bytes as a download. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Minimum width of an exported picture in pixels, so that 28 × 28 is large enough to look at. */
const leastWidth = 560;

/**
 * A canvas as a PNG with its settings, which the app can open again. Pixels of a small canvas
 * are enlarged to squares.
 * @param settings the result of `writeSettings`
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
 * A canvas as a figure with legend and settings, which the app can open again.
 * @param settings the result of `writeSettings`
 */
export async function figurePng(
  canvas: HTMLCanvasElement,
  shown: ShownHeatmap,
  settings: string,
): Promise<Blob> {
  // Loaded on demand, to keep the first page small.
  const { figureOf, pngOfFigure } = await import("./saved-figure.ts");
  const theme: Theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  return withSettings(await pngOfFigure(await figureOf(canvas, shown, theme)), settings);
}

const withSettings = (png: Uint8Array, settings: string): Blob =>
  new Blob([stampPng(png, { [settingsKeyword]: settings })], { type: "image/png" });

/** Copies a PNG to the clipboard; false if the browser or the user forbids it. */
export async function copyPng(png: Blob): Promise<boolean> {
  if (!("clipboard" in navigator) || typeof ClipboardItem === "undefined") return false;
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    return true;
  } catch {
    return false;
  }
}

/** Relevance in NumPy's format, float32 [height, width]. */
export function npyOf({ relevance }: ExplainResult): Blob {
  return new Blob([npyFile(relevance.data, [relevance.height, relevance.width])]);
}

/** The description of a result in the settings. */
export function shownResultOf(
  picture: string,
  composite: string,
  { relevance, top, milliseconds }: ExplainResult,
): ShownResult {
  const relevanceSum = relevance.data.reduce((sum, value) => sum + value, 0);
  return { picture, composite, milliseconds, relevanceSum, top };
}
