/** A shown heatmap -> a figure with legend and settings, as PNG. */

import {
  enlarge,
  figureSvg,
  legend,
  panelScale,
  renderHeatmap,
  type Figure,
  type FigurePanel,
  type Pixels,
  type Theme,
} from "@relprop/core/heatmap";
import type { ExplainResult, LoadedModel } from "@relprop/engine/engine";
import { filterSign } from "../heatmap-view/index.ts";
import type { ViewSettings } from "../state/view-settings.ts";
import { amountText, className, targetLabel } from "./target-names.ts";

/** The facts about a heatmap on a canvas. */
export interface ShownHeatmap {
  /** The picture's name. */
  readonly picture: string;
  readonly model: LoadedModel;
  readonly result: ExplainResult;
  readonly view: ViewSettings;
  /** What is explained; undefined for the whole prediction. */
  readonly label: string | undefined;
}

/** The figure of a canvas: picture and map side by side, or the one that is shown. */
export async function figureOf(
  canvas: HTMLCanvasElement,
  shown: ShownHeatmap,
  theme: Theme,
): Promise<Figure> {
  const { result, view, label } = shown;
  const { height, width } = result.relevance;
  const data = filterSign(result.relevance.data, view.sign);
  const heatmap = renderHeatmap({ data, height, width }, view);
  const parts =
    view.mode === "side"
      ? ([
          ["input", 0],
          ["relevance", canvas.width - width],
        ] as const)
      : ([[view.mode === "overlay" ? "relevance over the input" : "relevance", 0]] as const);
  return {
    title: shown.picture,
    explained: explainedText(shown),
    panels: await Promise.all(
      parts.map(([caption, x]) => panel(caption, pixelsOf(canvas, x, { width, height }))),
    ),
    colormap: heatmap.colormap,
    legend: legend(heatmap, view.normalize, label),
    method: howText(shown),
    theme,
  };
}

/** Renders a figure at twice its size. */
export async function pngOfFigure(figure: Figure): Promise<Uint8Array> {
  const { svg, width, height, panels } = figureSvg({ ...figure, scale: 2 });
  const canvas = new OffscreenCanvas(width, height);
  const context = contextOf(canvas);
  context.drawImage(
    await imageAt(URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }))),
    0,
    0,
    width,
    height,
  );
  // Not every browser waits for the images in an SVG, and none guarantees to keep their pixels unchanged.
  context.imageSmoothingEnabled = false;
  for (const [i, panel] of figure.panels.entries()) {
    const box = panels[i];
    if (box && "image" in panel)
      context.drawImage(await imageAt(panel.image), box.x, box.y, box.width, box.height);
  }
  return bytesOf(canvas);
}

async function imageAt(url: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = url;
  await image.decode();
  if (url.startsWith("blob:")) URL.revokeObjectURL(url);
  return image;
}

function contextOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D {
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser gives no 2D canvas.");
  return context;
}

function explainedText({ result, view: { target }, model }: ShownHeatmap): string[] {
  const { explained, top } = result;
  if (explained.isWhole) {
    const best = top
      .slice(0, 3)
      .map((each) => `${className(model.names, each.index)} ${amountText(each, model)}`);
    return ["The whole prediction", best.join(" · ")];
  }
  const amount = amountText(explained.numbers, model);
  if (target.kind !== "contrast") return [`${targetLabel(target, model.names, explained) ?? ""} ${amount}`];
  return [
    `${className(model.names, target.index)} ${amount}`,
    `rather than ${className(model.names, target.against)}`,
  ];
}

const signs = {
  both: [],
  for: ["only what speaks for it"],
  against: ["only what speaks against it"],
} as const;

function howText({ model, view }: ShownHeatmap): string[] {
  const { composite, isWhole, keep, colormap, normalize, clip, sign } = view;
  return [
    `model ${model.name}`,
    `composite ${composite}`,
    `seed ${isWhole ? "softmax" : "logit"}`,
    `filter ${keep === 0 ? "off" : `keeps ${keep}`}`,
    `colours ${colormap}, ${normalize}${clip === 100 ? "" : `, clipped at ${clip} %`}`,
    ...signs[sign],
  ];
}

function pixelsOf(canvas: HTMLCanvasElement, x: number, { width, height }: Omit<Pixels, "data">): Pixels {
  // Reads a copy, since reading the app's own canvas would make it slower from then on.
  const context = contextOf(new OffscreenCanvas(width, height));
  context.drawImage(canvas, -x, 0);
  return { data: context.getImageData(0, 0, width, height).data, width, height };
}

async function panel(caption: string, pixels: Pixels): Promise<FigurePanel> {
  const { width, height } = pixels;
  const { data, ...size } = enlarge(pixels, Math.max(1, panelScale(pixels)));
  const canvas = new OffscreenCanvas(size.width, size.height);
  contextOf(canvas).putImageData(new ImageData(data, size.width, size.height), 0, 0);
  const text = Array.from(await bytesOf(canvas), (byte) => String.fromCharCode(byte)).join("");
  return { caption, image: `data:image/png;base64,${btoa(text)}`, width, height };
}

const bytesOf = async (canvas: OffscreenCanvas): Promise<Uint8Array> =>
  new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
