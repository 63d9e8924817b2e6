/** Text of a figure: how wide it is at most, and where its lines end. Needs neither a font nor a page. */

/** How text is set. Sizes are in the figure's units, pixels at 1×. */
export interface TextStyle {
  readonly size: number;
  readonly isBold: boolean;
}

/** Ink above and below the baseline, as parts of the size: the taller of Inter's and DejaVu Sans's ascents and descents. */
export const ascent = 0.97;
export const descent = 0.25;

/**
 * Advance widths in em, the first row that holds a character counts. They are the widest of Inter, Noto Sans and DejaVu Sans
 * rounded up, since nobody knows in which font a figure will be shown; other scripts get what their widest usual letters take.
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

/** Scripts of which a font of the wanted weight can be expected; another's may be set in any, and all of its line with it. */
const usual = /^[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Common}]*$/u;

/** A width that no usual sans-serif font goes beyond. */
export function textWidth(text: string, { size, isBold }: TextStyle): number {
  let em = 0;
  for (const character of text) em += emOf(character);
  return em * size * (isBold || !usual.test(text) ? boldest : 1);
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
 * A name of others as text that can stand in an SVG: accents in one piece with their letters, control characters and those
 * that turn the direction of what follows gone, spaces single, a number together with its percent sign.
 */
export function cleanText(text: string): string {
  return text
    .normalize("NFC")
    .replaceAll(/[\t\r\n]+/g, " ")
    .replaceAll(/[\p{Cc}\u202a-\u202e\u2066-\u2069\ufeff]/gu, "")
    .replaceAll(/[\p{Cs}\ufffe\uffff]/gu, "\ufffd")
    .replaceAll(/ {2,}/g, " ")
    .replaceAll(/(\d) % ?/g, "$1\u00a0%\u00a0")
    .trim();
}

const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/** Lines of text no wider than a width: broken at spaces, then behind hyphens and slashes, then anywhere between characters. */
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

/** As few lines as {@link wrapText} takes, of about the same length: no last line of one word. */
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

/** Items with a point between them, on as many lines as they take; none is broken that fits on a line. */
export function wrapItems(items: readonly string[], width: number, style: TextStyle): string[] {
  const text = items.map((item) => item.replaceAll(" ", "\u00a0")).join(" · ");
  return wrapText(text, width, style).map((line) => line.replaceAll(/^· | ·$/g, ""));
}
