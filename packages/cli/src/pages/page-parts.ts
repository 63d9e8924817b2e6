/** Shared parts of result pages: head, list of settings, bars of the best classes, HTML escaping. */

import { pageStyle } from "./html-page-assets.ts";
import { pageMark } from "../files/own-files.ts";
import { amountText, type Score } from "../run/score.ts";

/** The common content of pages. */
export interface Page {
  readonly title: string;
  /** The settings of the run, in words: `["model", "resnet50"]`. */
  readonly settings: Settings;
}

/** Names and values, in words. */
export type Settings = readonly (readonly [name: string, value: string])[];

/** A page up to its body, with the common style and the given one. */
export const pageHead = (title: string, style = ""): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${pageMark}
<title>${escape(title)}</title>
<style>${pageStyle}${style}</style>
</head>`;

/** The settings as a definition list. */
export const settingsList = (settings: Settings): string =>
  `<dl class="settings">${settings.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join("")}</dl>`;

/** Settings that do not concern how relevance is computed. */
const otherwise = new Set(["model", "input", "preprocessing", "output", "explains"]);

/** `composite fischer`, `seed softmax`, `filter keeps 0.1` … */
export const howText = (settings: Settings): string[] =>
  settings.filter(([name]) => !otherwise.has(name)).map(([name, value]) => `${name} ${value}`);

/** The best classes as bars; explained ones are highlighted. */
export function bars(top: readonly Score[], explained: readonly (number | undefined)[]): string {
  const isShown = (score: Score): boolean => explained.includes(score.index);
  const rows = top.map(
    (score) =>
      `<li${isShown(score) ? ' class="shown"' : ""}><span class="name">${escape(score.label)}</span><span class="share">${escape(amount(score))}</span>${gauge(score)}</li>`,
  );
  return rows.length === 0
    ? ""
    : `<ol class="bars" aria-label="Highest numbers of the answer">${rows.join("")}</ol>`;
}

const percents = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const percent = (share: number): string => (share > 0 && share < 0.0005 ? "<0.1%" : percents.format(share));

/** The score as text; probabilities in percent. */
const amount = (score: Omit<Score, "index" | "label">): string =>
  score.probability === undefined ? amountText(score) : percent(score.probability);

/** A bar for a probability; other scores have none. */
const gauge = ({ probability }: Pick<Score, "probability">): string =>
  probability === undefined
    ? ""
    : `<div class="gauge" aria-hidden="true"><span style="width: ${(100 * probability).toFixed(2)}%"></span></div>`;

/** A relative path as a URL. */
export const href = (path: string): string => path.split("/").map(encodeURIComponent).join("/");

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};
/** Escapes text for HTML. */
export const escape = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
