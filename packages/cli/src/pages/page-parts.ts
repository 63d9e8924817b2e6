/** The page that shows all results of a folder: one file, no network, works from `file://`. */

import { explainedText, howText } from "../images/explained-text.ts";
import { pageScript, pageStyle } from "./html-page-assets.ts";
import type { AnswerResult, ImageResult } from "../images/image-result.ts";
import { pageMark } from "../files/own-files.ts";
import { amountText, type Score } from "../run/score.ts";

/** What the page shows. */
export interface Page {
  readonly title: string;
  /** Settings of the run, in words: `["model", "resnet50"]`. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** Results whose files lie beside the page. */
  readonly results: readonly ImageResult[];
}

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

/** The page as HTML. Everything that comes from outside (file names, labels) is escaped. */
export function htmlPage({ title, settings, results }: Page): string {
  const count = results.length === 1 ? "1 image" : `${results.length} images`;
  return `${pageHead(title)}
<body>
<header>
<h1>${escape(title)}</h1>
<p class="lead">Which pixels made the network answer as it did: layer-wise relevance propagation. ${count}.</p>
${settingsList(settings)}
<form class="tools" role="search">
<label>Find <input type="search" id="find" placeholder="file or class" autocomplete="off"></label>
<fieldset><legend>Show</legend>${viewChoices()}</fieldset>
<output id="found" aria-live="polite"></output>
</form>
</header>
<main>
${results.map((result) => card(result, settings)).join("\n")}
</main>
<footer><p>Relevance is unitless: it is a share of what the explained output is made of. A heatmap shows what this network used, which need not be what it should use. Click a picture to enlarge it; arrow keys go through them.</p></footer>
<dialog id="large" aria-label="Enlarged picture"><figure><img alt=""><figcaption></figcaption></figure>
<button type="button" value="previous" aria-label="Previous picture">←</button><button type="button" value="next" aria-label="Next picture">→</button><button type="button" value="close">Close</button></dialog>
<script>${pageScript}</script>
</body>
</html>
`;
}

const views = [
  ["all", "everything"],
  ["overlay", "overlays"],
  ["heatmap", "heatmaps"],
] as const;

const viewChoices = (): string =>
  views
    .map(
      ([view, text], i) =>
        `<label><input type="radio" name="view" value="${view}"${i === 0 ? " checked" : ""}> ${text}</label>`,
    )
    .join("");

/** Name and value of what was decided. */
export const settingsList = (settings: Page["settings"]): string =>
  `<dl class="settings">${settings.map(([name, value]) => `<div><dt>${escape(name)}</dt><dd>${escape(value)}</dd></div>`).join("")}</dl>`;

function card(result: ImageResult, ofPage: Page["settings"]): string {
  const words = [result.input, ...result.top.map(({ label }) => label)].join(" ");
  const { settings } = result;
  const other = JSON.stringify(settings) === JSON.stringify(ofPage) ? "" : settingsList(settings);
  const picture = result.files["picture"];
  const shown =
    picture === undefined
      ? ""
      : figure("picture", picture, `${result.input} as the network saw it`, "what the network saw");
  const classes = result.answers.map((each) => explained(result, each));
  return `<article data-words="${escape(words.toLowerCase())}">
<h2>${escape(result.input)}</h2>
${other}<div class="body">
<div class="first">${shown}${bars(
    result.top,
    result.answers.map(({ index }) => index),
  )}</div>
<div class="classes">${classes.join("\n")}</div>
</div>
</article>`;
}

function explained(result: ImageResult, shown: AnswerResult): string {
  const { files, legend, ledger } = shown;
  const [heading = "", ...more] = explainedText(result, shown);
  const about = [heading, ...more].join(", ");
  const kinds = (["heatmap", "overlay", "figure"] as const).flatMap((kind) => {
    const file = files[kind];
    return file === undefined
      ? []
      : [figure(kind, file, `${kind} of ${result.input}: ${about}. ${legend.sentence}`, kind)];
  });
  const details = more.map((line) => ` <small>${escape(line)}</small>`).join("");
  return `<section><h3>${escape(heading)}${details}</h3>
<div class="pictures">${kinds.join("")}</div>
<div class="legend"><div class="bar" style="background: ${escape(result.colors)}"></div>
<div class="ticks">${legend.ticks.map(({ position, text }) => `<span style="left: ${100 * position}%">${escape(text)}</span>`).join("")}</div>
<p>${escape(legend.sentence)}</p>${ledger ? `<p class="verdict">${escape(ledger.verdict)}.</p>` : ""}<p class="how">${escape(howText(result.settings).join(" · "))}</p></div></section>`;
}

const figure = (kind: string, file: string, alt: string, caption: string): string =>
  `<figure class="${kind}"><button type="button" class="enlarge"><img src="${escape(href(file))}" alt="${escape(alt)}" loading="lazy"></button><figcaption>${escape(caption)}</figcaption></figure>`;

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
