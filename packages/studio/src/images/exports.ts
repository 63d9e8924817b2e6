/** What can be taken away: PNG, NPY, settings. */

import { npyFile } from "relprop/heatmap";
import { version } from "relprop";
import type { ExplainResult } from "../engine/engine.ts";
import type { ViewSettings } from "../modes.ts";

/** Offers bytes as a download. */
export function download(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** `lrp-digits-3-2026-11-24.png`: letters, digits, points and hyphens only. */
export function exportName(model: string, label: string | undefined, date: Date, ending: string): string {
  const parts = ["lrp", model.replace(/\.\w+$/, ""), label ?? "prediction", date.toISOString().slice(0, 10)];
  return `${parts.map((part) => part.replaceAll(/[^\w.-]+/g, "-")).join("-")}.${ending}`;
}

/** A canvas as PNG, each of its pixels `scale` pixels wide, so that 28 × 28 can be looked at elsewhere. */
export async function pngOf(canvas: HTMLCanvasElement): Promise<Blob> {
  const scale = Math.max(1, Math.floor(560 / canvas.width));
  const large = new OffscreenCanvas(canvas.width * scale, canvas.height * scale);
  const context = large.getContext("2d");
  if (context) {
    context.imageSmoothingEnabled = false;
    context.drawImage(canvas, 0, 0, large.width, large.height);
  }
  return large.convertToBlob({ type: "image/png" });
}

/** Relevance as NumPy reads it, float32 [height, width]. */
export function npyOf({ relevance }: ExplainResult): Blob {
  return new Blob([npyFile(relevance.data, [relevance.height, relevance.width])]);
}

/** Everything that is needed to get the same heatmap again, but the picture and the model themselves. */
export function settingsOf(
  model: string,
  picture: string,
  view: ViewSettings,
  { logits, relevance, top }: ExplainResult,
): Blob {
  const sum = relevance.data.reduce((a, n) => a + n, 0);
  const settings = { relprop: version, model, picture, ...view, relevanceSum: sum, top, logits: [...logits] };
  return new Blob([`${JSON.stringify(settings, undefined, 2)}\n`], { type: "application/json" });
}
