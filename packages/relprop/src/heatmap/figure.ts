/** Draws figures as SVG, without a page, so they are the same in Node and the browser. */

import { version } from "../version.ts";
import type { Colormap } from "./colormaps.ts";
import { layoutFigure, type Box, type PlacedPanel, type PlacedText } from "./figure-layout.ts";
import type { Figure, Theme } from "./figure-parts.ts";

/** A drawn figure. */
export interface FigureSvg {
  /** The whole file, as text. */
  readonly svg: string;
  /** Its size in pixels, scaled. */
  readonly width: number;
  /** As `width`. */
  readonly height: number;
  /** The place of each panel, scaled as well. */
  readonly panels: readonly Box[];
}

/** Colours of a figure besides those of relevance. */
export const figurePaints: Readonly<Record<Theme, Record<"paper" | "ink" | "soft" | "line", string>>> = {
  light: { paper: "#ffffff", ink: "#1d1d1f", soft: "#5f5f68", line: "#c9c9d0" },
  dark: { paper: "#131316", ink: "#ececef", soft: "#a8a8b3", line: "#4a4a54" },
};

/** Inter if it is installed, as in the command; else the font of the system. */
const fonts = "Inter, system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'Noto Sans', sans-serif";

/**
 * Draws a figure. Equal figures have equal SVG.
 *
 * @example
 *     const { svg } = figureSvg({
 *       title: "chelsea.png",
 *       explained: ["Egyptian cat 0.767"],
 *       panels: [{ caption: "heatmap", image: "data:image/png;base64,…", width: 224, height: 224 }],
 *       colormap: heatmap.colormap,
 *       legend: legend(heatmap, "symmetric", "Egyptian cat"),
 *       method: ["composite epsilon-plus"],
 *     });
 */
export function figureSvg(figure: Figure): FigureSvg {
  const { width, height, texts, bar, ...layout } = layoutFigure(figure);
  const { paper, ink, soft, line } = figurePaints[figure.theme ?? "light"];
  const scale = figure.scale ?? 1;
  const frame = (box: Box): string => `<rect ${place(around(box))} fill="none" stroke="${line}"/>`;
  const drawPanel = (panel: PlacedPanel): string[] =>
    "drawing" in panel
      ? [
          `<g transform="translate(${short(panel.x)} ${short(panel.y)})" font-family="${fonts}">`,
          panel.drawing,
          "</g>",
        ]
      : [`<image ${place(panel)} preserveAspectRatio="none" href="${escape(panel.image)}"/>`, frame(panel)];
  const drawText = ({ text, x, y, anchor, size, isBold, isSoft }: PlacedText): string =>
    `<text x="${short(x)}" y="${short(y)}" font-size="${size}"${isBold ? ' font-weight="600"' : ""}${
      anchor === "start" ? "" : ` text-anchor="${anchor}"`
    } fill="${isSoft ? soft : ink}">${escape(text)}</text>`;
  const svg = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${scale * width}" height="${scale * height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">`,
    `<!-- relprop ${version} -->`,
    `<title id="title">${escape(texts.map(({ text }) => text).join(" "))}</title>`,
    `<defs><linearGradient id="colours">${stops(figure.colormap)}</linearGradient></defs>`,
    `<rect width="${width}" height="${height}" fill="${paper}"/>`,
    ...layout.panels.flatMap(drawPanel),
    ...(bar ? [`<rect ${place(bar)} fill="url(#colours)"/>`, frame(bar)] : []),
    `<g font-family="${fonts}">`,
    ...texts.map(drawText),
    "</g>",
    "</svg>",
    "",
  ];
  const panels = layout.panels.map((box) => ({
    x: scale * box.x,
    y: scale * box.y,
    width: scale * box.width,
    height: scale * box.height,
  }));
  return { svg: svg.join("\n"), width: scale * width, height: scale * height, panels };
}

const place = ({ x, y, width, height }: Box): string =>
  `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}"`;

/** The frame of a box, just outside of it. */
const around = ({ x, y, width, height }: Box): Box => ({
  x: x - 0.5,
  y: y - 0.5,
  width: width + 1,
  height: height + 1,
});

const short = (number: number): number => Number(number.toFixed(2));

function stops({ colors }: Colormap): string {
  const entries = Array.from({ length: 33 }, (_, i) => Math.round((i * 255) / 32));
  return entries
    .map((entry) => {
      const color = colors.slice(3 * entry, 3 * entry + 3).join(", ");
      return `<stop offset="${short(entry / 255)}" stop-color="rgb(${color})"/>`;
    })
    .join("");
}

const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (text: string): string => text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? "");
