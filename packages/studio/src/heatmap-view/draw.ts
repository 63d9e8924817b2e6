/** Relevance and the picture it explains -> pixels on a canvas. The same in every mode of the app. */

import {
  drawBox,
  legend,
  renderHeatmap,
  renderOverlay,
  type DrawnBox,
  type Heatmap,
  type Legend,
  type Pixels,
  type RelevanceMap,
} from "@relprop/core/heatmap";
import type { Picture } from "@relprop/engine/engine";
import type { SignFilter, ViewMode, ViewSettings } from "../state/view-settings.ts";

/** Drawing settings: the part of {@link ViewSettings} that needs no new run of the network. */
export type DrawSettings = Pick<
  ViewSettings,
  "colormap" | "normalize" | "clip" | "opacity" | "sign" | "mode"
> & {
  /** Contrast, see `NormalizeOptions.level`; live pictures use it to steady their scale. 1 by default. */
  readonly level?: number;
  /** The explained box, framed in the picture and its map; in the picture's pixels. */
  readonly box?: DrawnBox | undefined;
};

/** The drawing: its pixels, and the meaning of its colours. */
export interface Drawn {
  readonly pixels: Pixels;
  readonly heatmap: Heatmap;
  readonly legend: Legend;
}

/** Sets relevance of the other sign to zero; [H, W], unitless. */
export function filterSign(relevance: ArrayLike<number>, sign: SignFilter): Float32Array {
  if (sign === "for") return Float32Array.from(relevance, (value) => Math.max(0, value));
  if (sign === "against") return Float32Array.from(relevance, (value) => Math.min(0, value));
  return Float32Array.from(relevance);
}

/**
 * Draws without a canvas: RGBA pixels in the chosen mode. `overlay` and `heatmap` have the picture's size; `side`
 * has the picture and the map side by side, with a transparent gap of 1/28 of the width.
 * @param label what the relevance speaks for, for the legend's sentence; undefined for the whole prediction.
 * @throws InputError if relevance is not finite or differs in size from the picture.
 */
export function compose(
  picture: Picture,
  relevance: RelevanceMap,
  view: DrawSettings,
  label?: string,
): Drawn {
  const { height, width } = relevance;
  const { colormap, normalize, clip, level = 1 } = view;
  const data = filterSign(relevance.data, view.sign);
  const heatmap = renderHeatmap({ data, height, width }, { colormap, normalize, clip, level });
  const pixels = arrange(picture, heatmap, view);
  return { pixels, heatmap, legend: legend(heatmap, normalize, label) };
}

/**
 * Draws on a canvas and sets its size; scale it with CSS (`image-rendering: pixelated`).
 * Parameters and errors as {@link compose}.
 */
export function draw(
  canvas: HTMLCanvasElement | OffscreenCanvas,
  picture: Picture,
  relevance: RelevanceMap,
  view: DrawSettings,
  label?: string,
): Drawn {
  const drawn = compose(picture, relevance, view, label);
  putPixels(canvas, drawn.pixels);
  return drawn;
}

/** Draws a picture before its explanation, if there is one, with the layout of {@link draw}, so that nothing moves later. */
export function drawPlain(canvas: HTMLCanvasElement, picture: Picture | undefined, mode: ViewMode): void {
  if (!picture) return canvas.getContext("2d")?.clearRect(0, 0, canvas.width, canvas.height);
  const { width, height } = picture;
  const nothing = { data: new Uint8ClampedArray(4 * width * height), width, height };
  putPixels(canvas, mode === "side" ? beside(picture, nothing) : picture);
}

/** Puts pixels on a canvas and sets its size. */
export function putPixels(canvas: HTMLCanvasElement | OffscreenCanvas, pixels: Picture): void {
  const { width, height } = pixels;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d") as
    | CanvasRenderingContext2D
    | OffscreenCanvasRenderingContext2D
    | null;
  context?.putImageData(new ImageData(new Uint8ClampedArray(pixels.data), width, height), 0, 0);
}

function arrange(picture: Picture, heatmap: Heatmap, { mode, opacity, box }: DrawSettings): Pixels {
  const framed = (pixels: Pixels): Pixels => (box ? drawBox(pixels, box) : pixels);
  if (mode === "heatmap") return framed(heatmap);
  const original: Pixels = { ...picture, data: new Uint8ClampedArray(picture.data) };
  if (mode === "overlay") return framed(renderOverlay(original, heatmap, opacity));
  return beside(framed(original), framed(heatmap));
}

function beside(left: Picture, right: Picture): Pixels {
  const gap = Math.max(1, Math.round(left.width / 28));
  const width = left.width + gap + right.width;
  const height = Math.max(left.height, right.height);
  const data = new Uint8ClampedArray(4 * width * height);
  const paste = (source: Picture, at: number): void => {
    for (let y = 0; y < source.height; y++) {
      const row = source.data.subarray(4 * y * source.width, 4 * (y + 1) * source.width);
      data.set(row, 4 * (y * width + at));
    }
  };
  paste(left, 0);
  paste(right, left.width + gap);
  return { data, width, height };
}
