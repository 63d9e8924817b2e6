/** The page of `relprop concepts`: for each answer the picture and the maps of its strongest channels, side by side. */

import { escape, href, pageHead, settingsList, type Page } from "./html-page.ts";
import { amountText, type AnswerScore } from "./score.ts";

/** What the page shows. Paths are relative to it. */
export interface ConceptsPage extends Pick<Page, "title" | "settings"> {
  readonly layer: string;
  readonly images: readonly {
    readonly input: string;
    readonly picture: string;
    readonly answers: readonly ShownAnswer[];
  }[];
}

interface ShownAnswer extends AnswerScore {
  readonly start: number;
  readonly passed: number;
  readonly concepts: readonly ShownConcept[];
}

interface ShownConcept {
  readonly channel: number;
  readonly relevance: number;
  readonly share: number;
  readonly heatmap: string;
}

/** A share in percent, with its sign. */
export const percentText = (share: number): string => `${(100 * share).toFixed(1).replace("-", "−")} %`;

/** How much of what relevance started with passed through the layer. */
export const passedText = (start: number, passed: number): string =>
  start === 0
    ? "relevance started with 0: no share of it can be told"
    : `${percentText(passed / start)} of the relevance passed through this layer, the rest around it or stayed above`;

const style = `
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 12px; margin: 12px 0 0; }
.sheet figure { margin: 0; } .sheet img { width: 100%; image-rendering: pixelated; display: block; border: 1px solid var(--line); }
.sheet figcaption { font-size: 13px; padding-top: 4px; } .against figcaption b { color: #2457c5; } .for figcaption b { color: #b3261e; }
@media (prefers-color-scheme: dark) { .against figcaption b { color: #8fb4ff; } .for figcaption b { color: #ff9d94; } }
`;

/** The page as HTML. Everything that comes from outside is escaped. */
export function conceptsPage({ title, settings, layer, images }: ConceptsPage): string {
  return `${pageHead(title, style)}
<body>
<header>
<h1>${escape(title)}</h1>
<p class="lead">Each map is the relevance of the picture that flowed through one channel of ${escape(layer)} alone; what flows around the layer is left out. Shares are of Σ|R| over all channels of the layer.</p>
${settingsList(settings)}
</header>
<main>
${images.map(image).join("\n")}
</main>
<footer><p>A channel with a share above 0 speaks for what is explained, one below 0 against it. Each map is coloured to its own largest relevance.</p></footer>
</body>
</html>
`;
}

function image({ input, picture, answers }: ConceptsPage["images"][number]): string {
  const cards = answers.map(
    (answer) => `<h3>${escape(answer.label)} <small>${escape(amountText(answer))}</small></h3>
<p>${escape(passedText(answer.start, answer.passed))}.</p>
<div class="sheet">
<figure><img src="${escape(href(picture))}" alt="${escape(`${input} as the network saw it`)}" loading="lazy"><figcaption>what the network saw</figcaption></figure>
${answer.concepts.map((concept) => map(input, answer.label, concept)).join("\n")}
</div>`,
  );
  return `<article><h2>${escape(input)}</h2>${cards.join("\n")}</article>`;
}

function map(input: string, label: string, { channel, share, heatmap }: ShownConcept): string {
  const side = share < 0 ? "against" : "for";
  const alt = `relevance of ${input} through channel ${channel}, ${side} ${label}`;
  return `<figure class="${side}"><img src="${escape(href(heatmap))}" alt="${escape(alt)}" loading="lazy"><figcaption>channel ${channel}<br><b>${escape(percentText(share))}</b> ${side}</figcaption></figure>`;
}
