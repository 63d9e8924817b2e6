/** Measures and breaks the text of a figure, without a font or a page. */

/** Size of text, in pixels at 1×, and its weight. */
export interface TextStyle {
  /** Of the font, in pixels. */
  readonly size: number;
  /** Whether it is set in semi-bold. */
  readonly isBold: boolean;
}

/** Height above the baseline as a fraction of the size: the larger of Inter's and DejaVu Sans's. */
export const ascent = 0.97;
/** The same below the baseline. */
export const descent = 0.25;

/**
 * Advance widths in em by the first row that matches a character: the widest of Inter, Noto Sans and DejaVu Sans, rounded
 * up, since the font that shows the figure is unknown. Other scripts have the width of their widest usual letters.
 */
const advances: readonly (readonly [characters: RegExp, em: number])[] = [
  [/\p{Default_Ignorable_Code_Point}/u, 0],
  [/[ \u00a0',.:;Iijl|]/u, 0.36],
  [/[!()/[\\\]frt·]/u, 0.46],
  [/["*\-?FJL_`cksvxyz“”–]/u, 0.62],
  [/[#+<=>^~&×−MW%@…—‰]/u, 1.05],
  [/[A-Zw]/u, 0.9],
  [/[a-z0-9]/u, 0.68],
  [/[\p{Lowercase}\p{Mark}]/u, 0.9],
  [/[\u{fdfa}-\u{fdfd}]/u, 14],
  [/\p{Extended_Pictographic}/u, 1.4],
];
const widest = 1.25;
const boldest = 1.22;

/** Scripts that fonts of both weights cover; lines with other scripts may be shown in a bold font. */
const usualScripts = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Common}]*$/u;

/** An upper bound of the width of a line of text, in pixels at 1×. */
export function textWidth(text: string, { size, isBold }: TextStyle): number {
  let em = 0;
  for (const character of text) em += emOf(character);
  return em * size * (isBold || !usualScripts.test(text) ? boldest : 1);
}

const known = new Map<string, number>();

function emOf(character: string): number {
  const before = known.get(character);
  if (before !== undefined) return before;
  const em = advances.find(([characters]) => characters.test(character))?.[1] ?? widest;
  known.set(character, em);
  return em;
}

/**
 * Prepares foreign text for an SVG: composes accents with their letters, removes control characters and changes of the
 * writing direction, makes spaces single, and keeps a number together with its percent sign.
 */
export function cleanText(text: string): string {
  return text
    .normalize("NFC")
    .replaceAll(/[\t\r\n]+/g, " ")
    .replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069\ufeff]/gu, "")
    .replaceAll(/[\p{Cs}\ufffe\uffff]/gu, "\ufffd")
    .replaceAll(/ {2,}/g, " ")
    .replaceAll(/(\d) %/g, "$1\u00a0%")
    .replaceAll("\u00a0% ", "\u00a0%\u00a0")
    .trim();
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Breaks text into lines of at most a width: at spaces, then behind hyphens and slashes, then between any characters. */
export function wrapText(text: string, width: number, style: TextStyle): string[] {
  const lines: string[] = [];
  let line = "";
  const fits = (more: string): boolean => textWidth((line + more).trimEnd(), style) <= width;
  const end = (): void => {
    lines.push(line.trim());
    line = "";
  };
  for (const part of text.split(/(?<= )|(?<=[-_/\\])(?=\P{Nd})/u)) {
    if (line !== "" && !fits(part)) end();
    if (fits(part)) {
      line += part;
      continue;
    }
    for (const { segment } of graphemes.segment(part)) {
      if (line !== "" && !fits(segment)) end();
      line += segment;
    }
  }
  if (line.trim() !== "") end();
  return lines;
}

/** Breaks text into as few lines as {@link wrapText} does, but of about equal length. */
export function wrapEvenly(text: string, width: number, style: TextStyle): string[] {
  let lines = wrapText(text, width, style);
  const { length } = lines;
  if (length < 2) return lines;
  let [least, most] = [width / 2, width];
  while (most - least > style.size) {
    const middle = (least + most) / 2;
    const narrower = wrapText(text, middle, style);
    if (narrower.length > length) least = middle;
    else [lines, most] = [narrower, middle];
  }
  return lines;
}

/** Joins items by points and breaks them into lines, inside of an item only if it is longer than a line. */
export function wrapItems(items: readonly string[], width: number, style: TextStyle): string[] {
  const text = items.map((item) => item.replaceAll(" ", "\u00a0")).join(" · ");
  return wrapText(text, width, style).map((line) => line.replaceAll(/^· | ·$/g, ""));
}
