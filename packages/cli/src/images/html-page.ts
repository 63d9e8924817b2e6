/** The page with all explained images of a folder: one file, no network, works from `file://`. */

import { explainedText } from "./explained-text.ts";
import type { AnswerResult, ImageResult } from "./image-result.ts";
import { pageScript } from "../pages/html-page-assets.ts";
import {
  bars,
  escape,
  howText,
  href,
  pageHead,
  settingsList,
  type Page,
  type Settings,
} from "../pages/page-parts.ts";

/** The content of the page. */
export interface ImagePage extends Page {
  /** Results whose files lie beside the page. */
  readonly results: readonly ImageResult[];
}

/** The page as HTML. File names and labels are escaped. */
export function htmlPage({ title, settings, results }: ImagePage): string {
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

function card(result: ImageResult, ofPage: Settings): string {
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
