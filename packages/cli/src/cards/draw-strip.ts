/** Candidates side by side: what the network would see, and what it answers. */

import { enlarge, type Pixels } from "@relprop/core/heatmap";
import { figurePaints, objection, wrapText } from "@relprop/core/internal";
import { escape } from "../pages/page-parts.ts";
import { pngOf } from "../pages/png.ts";
import { numberRange } from "./candidate-text.ts";
import type { TriedPicture } from "./try-candidates.ts";

const [cell, side, gap, line] = [236, 220, 20, 17];
const perRow = 4;
const style = { size: 13, isBold: false };

/** A strip as SVG, at twice its size. @param chosen index of the candidate that becomes the card */
export async function stripSvg(all: readonly TriedPicture[], chosen: number): Promise<string> {
  const { paper, ink, soft } = figurePaints.light;
  const texts = all.map((each, i) => cellText(each, i + 1));
  const tallest = Math.max(...texts.map(({ length }) => length));
  const tall = side + gap / 2 + tallest * line + gap;
  const rows = Math.ceil(all.length / perRow);
  const width = gap + Math.min(perRow, all.length) * (cell + gap);
  const height = gap + rows * tall;
  const cells = await Promise.all(
    all.map(async ({ pixels }, i) => {
      const x = gap + (i % perRow) * (cell + gap);
      const y = gap + Math.floor(i / perRow) * tall;
      const fit = side / Math.max(pixels.width, pixels.height);
      const [w, h] = [pixels.width * fit, pixels.height * fit];
      const frame =
        i === chosen ? ` stroke="#0a7d33" stroke-width="4"` : ` stroke="${soft}" stroke-width="1"`;
      const lines = (texts[i] ?? []).map(
        ({ text, isBold, isSoft }, n) =>
          `<text x="${x}" y="${y + side + gap + n * line}" font-size="${style.size}"${isBold ? ' font-weight="600"' : ""} fill="${isSoft ? soft : ink}">${escape(text)}</text>`,
      );
      return [
        `<image x="${x}" y="${y}" width="${w}" height="${h}" preserveAspectRatio="none" href="${await dataUrl(pixels)}"/>`,
        `<rect x="${x}" y="${y}" width="${w}" height="${h}" fill="none"${frame}/>`,
        ...lines,
      ].join("");
    }),
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * width}" height="${2 * height}" viewBox="0 0 ${width} ${height}" font-family="Inter, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="${paper}"/>`,
    ...cells,
    "</svg>",
  ].join("\n");
}

interface Line {
  readonly text: string;
  readonly isBold: boolean;
  readonly isSoft: boolean;
}

/** A text in as many lines as it needs. */
const wrapped = (text: string, isBold = false, isSoft = false): Line[] =>
  wrapText(text, cell, { ...style, isBold }).map((part) => ({ text: part, isBold, isSoft }));

function cellText(each: TriedPicture, number: number): Line[] {
  const against = objection(each);
  return [
    ...wrapped(`${number} ${each.name}`, true),
    ...each.answers.flatMap((answer) => wrapped(answer)),
    ...wrapped(numberRange(each), false, true),
    ...(against === undefined ? [] : wrapped(`no: ${against}`, false, true)),
  ];
}

/** Small pictures are enlarged in whole pixels, since SVG renderers would blur them. */
async function dataUrl(pixels: Pixels): Promise<string> {
  const times = Math.max(1, Math.floor((2 * side) / Math.max(pixels.width, pixels.height)));
  return `data:image/png;base64,${Buffer.from(await pngOf(enlarge(pixels, times))).toString("base64")}`;
}
