/**
 * The canvas that is shown, recorded and saved: the explained picture above its legend, so that a
 * recording can be read without the page.
 */

import type { Legend } from "@relprop/core/heatmap";
import type { Colormap } from "@relprop/core/heatmap";

/** The legend under the picture. */
export interface Caption {
  readonly colormap: Colormap;
  readonly legend: Legend;
  /** One line about what is explained: model, class, probability. */
  readonly title: string;
}

/** Colours of the caption. */
export interface CaptionColors {
  readonly paper: string;
  readonly ink: string;
}

const margin = 10;
const line = 18;
const captionHeight = 2 * margin + 4 * line + 12;

/**
 * Scale of the caption that keeps it readable if the page shows the canvas smaller than it is (on a phone). Rounded to
 * quarters, so that a moving layout does not resize the canvas all the time.
 */
export function captionScale(canvasWidth: number, shownWidth: number): number {
  if (shownWidth <= 0) return 1;
  return Math.min(3, Math.max(1, Math.round((4 * canvasWidth) / shownWidth) / 4));
}

/**
 * Paints picture and caption, and resizes the canvas for them (to even sides, as video encoders need).
 * @param height of the picture in pixels; its width follows from its proportions.
 */
export function paintStage(
  canvas: HTMLCanvasElement,
  picture: HTMLCanvasElement,
  height: number,
  caption: Caption,
  colors: CaptionColors,
): void {
  const scale = height / picture.height;
  const width = 2 * Math.round((picture.width * scale) / 2);
  const enlarged = captionScale(width, canvas.clientWidth);
  const whole = 2 * Math.ceil((height + enlarged * captionHeight) / 2);
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== whole) canvas.height = whole;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("This browser gives no 2D canvas.");
  context.fillStyle = colors.paper;
  context.fillRect(0, 0, width, whole);
  // Pixels stay visible in small inputs, but not in photographs.
  context.imageSmoothingEnabled = scale < 4;
  context.drawImage(picture, 0, 0, width, height);
  context.save();
  context.translate(0, height);
  context.scale(enlarged, enlarged);
  paintCaption(context, width / enlarged, caption, colors.ink);
  context.restore();
}

function paintCaption(
  context: CanvasRenderingContext2D,
  width: number,
  { colormap, legend, title }: Caption,
  ink: string,
): void {
  const inner = width - 2 * margin;
  const top = margin;
  context.textBaseline = "top";
  context.textAlign = "left";
  context.fillStyle = ink;
  context.font = "600 14px system-ui, sans-serif";
  context.fillText(title, margin, top, inner);
  paintBar(context, colormap, margin, top + line + 2, inner);
  context.fillStyle = ink;
  context.font = "12px system-ui, sans-serif";
  for (const tick of legend.ticks) {
    context.textAlign = tick.position === 0 ? "left" : tick.position === 1 ? "right" : "center";
    context.fillText(tick.text, margin + tick.position * inner, top + line + 16);
  }
  context.textAlign = "left";
  const rows = wrap(legend.sentence, (text) => context.measureText(text).width <= inner).slice(0, 2);
  for (const [i, row] of rows.entries()) {
    context.fillText(row, margin, top + 2 * line + 14 + i * (line - 2), inner);
  }
}

function paintBar(
  context: CanvasRenderingContext2D,
  { colors }: Colormap,
  left: number,
  top: number,
  width: number,
): void {
  const gradient = context.createLinearGradient(left, 0, left + width, 0);
  for (let i = 0; i <= 32; i++) {
    const entry = 3 * Math.round((255 * i) / 32);
    gradient.addColorStop(i / 32, `rgb(${colors.slice(entry, entry + 3).join(" ")})`);
  }
  context.fillStyle = gradient;
  context.fillRect(left, top, width, 10);
}

/** Breaks a text at spaces into rows that fit. A longer word gets a row of its own. */
export function wrap(text: string, fits: (row: string) => boolean): string[] {
  const rows: string[] = [];
  for (const word of text.split(" ")) {
    const row = rows.at(-1);
    if (row !== undefined && fits(`${row} ${word}`)) rows[rows.length - 1] = `${row} ${word}`;
    else rows.push(word);
  }
  return rows;
}
