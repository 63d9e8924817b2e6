/** What pages of results share: their head, the list of settings, bars of the best classes, and how text becomes HTML. */

import { pageStyle } from "./html-page-assets.ts";
import { pageMark } from "../files/own-files.ts";
import { amountText, type Score } from "../run/score.ts";

/** What every page begins with. */
export interface Page {
  readonly title: string;
  /** What was decided about the run, in words: `["model", "resnet50"]`. */
  readonly settings: Settings;
}

/** Names and values, in words. */
export type Settings = readonly (readonly [name: string, value: string])[];

/** A page up to its body, in our style and what is added to it. */
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

/** Name and value of what was decided. */
export const settingsList = (settings: Settings): string =>
  `<dl class="settings">${settings.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join("")}</dl>`;

/** Of a run's settings what is about the picture and the model's output, not about relevance. */
const otherwise = new Set(["model", "input", "preprocessing", "output", "explains"]);

/** `composite fischer`, `seed softmax`, `filter keeps 0.1` … */
export const howText = (settings: Settings): string[] =>
  settings.filter(([name]) => !otherwise.has(name)).map(([name, value]) => `${name} ${value}`);

/** The best classes as bars; those that are explained stand out. */
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

/** How much: probabilities in percent. */
const amount = (score: Omit<Score, "index" | "label">): string =>
  score.probability === undefined ? amountText(score) : percent(score.probability);

/** A bar, where there is a whole that it is a part of. */
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
/** Text of others as HTML. */
export const escape = (text: string): string =>
  text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? "");
