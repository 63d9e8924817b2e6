/** What a page showed, moment by moment: to find the moment at which it showed one thing's answer under another's name. */

// oxlint-disable unicorn/consistent-function-scoping -- what runs in the page has nothing of the rest of this file

import type { Page } from "playwright-core";

/** What somebody would read at one moment. */
export interface Moment {
  /** The model in the header. */
  readonly model: string;
  /** The picture that is marked in the gallery: what it shows, or the name of one that was brought. */
  readonly picture: string;
  /** The class bars, best first, and the one that is pressed. */
  readonly bars: readonly string[];
  readonly pressed: readonly string[];
  readonly headings: readonly string[];
  /** What the heatmaps say of themselves; those that are dimmed apart. */
  readonly maps: readonly string[];
  readonly dimmed: readonly string[];
  readonly status: string;
  readonly alerts: readonly string[];
}

/** Watches every change of the page from now on. */
export async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen: string[] = [];
    Object.assign(globalThis, { seenMoments: seen });
    const texts = (selector: string, within: ParentNode = document): string[] =>
      [...within.querySelectorAll(selector)].map((element) =>
        (element.textContent ?? "").trim().replaceAll(/\s+/g, " "),
      );
    const look = (): void => {
      const pressedPicture = document.querySelector('.gallery [aria-pressed="true"] img');
      const canvases = [...document.querySelectorAll('canvas[role="img"]')];
      const isDimmed = (canvas: Element): boolean => canvas.closest('.at-work[aria-busy="true"]') !== null;
      const label = (canvas: Element): string => canvas.getAttribute("aria-label") ?? "";
      const moment = {
        model:
          document.querySelector<HTMLSelectElement>(".bar select")?.selectedOptions[0]?.textContent?.trim() ??
          "",
        picture: pressedPicture?.getAttribute("alt") ?? texts(".brought")[0] ?? "",
        bars: texts(".classes button .name"),
        pressed: texts('.classes button[aria-pressed="true"] .name'),
        headings: texts("main h2"),
        maps: canvases.filter((canvas) => !isDimmed(canvas)).map(label),
        dimmed: canvases.filter(isDimmed).map(label),
        status: texts('[role="status"]')[0] ?? "",
        alerts: texts('[role="alert"]'),
      };
      const text = JSON.stringify(moment);
      if (seen.at(-1) !== text) seen.push(text);
    };
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
      characterData: true,
    });
    look();
  });
}

/** All that was seen so far, in order. */
export const moments = async (page: Page): Promise<readonly Moment[]> => {
  const seen = await page.evaluate(() => (globalThis as unknown as { seenMoments: string[] }).seenMoments);
  return seen.map((text) => JSON.parse(text) as Moment);
};
