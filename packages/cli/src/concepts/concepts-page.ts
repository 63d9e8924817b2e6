/** The page of `relprop concepts`: the picture and the maps of each answer's strongest channels. */

import { capital, relevanceText } from "@relprop/core/internal";
import type { AnswerRecord, ConceptRecord } from "./concept-record.ts";
import { passageText, shareText, sideText, sumTexts } from "./concept-text.ts";
import { escape, href, pageHead, settingsList, type Page } from "../pages/page-parts.ts";
import { answerText } from "../run/score.ts";

/** The content of the page. Paths are relative to it. */
export interface ConceptsPage extends Pick<Page, "title" | "settings"> {
  readonly layer: string;
  readonly images: readonly {
    readonly input: string;
    readonly picture: string;
    readonly answers: readonly AnswerRecord[];
  }[];
}

const style = `
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); gap: 16px 12px; margin: 12px 0 0; }
.sheet figure { margin: 0; } .sheet img { width: 100%; image-rendering: pixelated; display: block; border: 1px solid var(--line); }
.sheet .picture img { image-rendering: auto; } .sheet figcaption { padding-top: 4px; line-height: 1.4; }
.against b { color: light-dark(#2457c5, #8fb4ff); } .for b { color: light-dark(#b3261e, #ff9d94); }
.passage { margin: 0 0 4px; max-width: 90ch; } .sums { color: var(--soft); font-size: 14px; margin: 0; } .sums a { color: var(--accent); }
section + section { margin-top: 22px; }
`;

/** The page as HTML. All names and labels are escaped. */
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
<footer><p>A channel with a share above 0 speaks for what is explained, one below 0 against it. Each map is coloured to its own largest relevance. Biases and stabilisers of the layers below keep a part of a channel’s ΣR; what reached the picture is the sum of its map.</p></footer>
</body>
</html>
`;
}

function image({ input, picture, answers }: ConceptsPage["images"][number]): string {
  const alt = `${input} as the network saw it`;
  const seen = `<figure class="picture"><img src="${escape(href(picture))}" alt="${escape(alt)}" loading="lazy"><figcaption>what the network saw</figcaption></figure>`;
  const sections = answers.map(
    (answer) => `<section><h3>${escape(answerText(answer))}</h3>
<p class="passage">${escape(capital(passageText(answer)))}.</p>
<p class="sums">${escape(sums(answer))} · <a href="${escape(href(answer.sheet))}">contact sheet</a></p>
<div class="sheet">
${seen}
${answer.concepts.map((concept) => map(input, answer.label, concept)).join("\n")}
</div></section>`,
  );
  return `<article><h2>${escape(input)}</h2>${sections.join("\n")}</article>`;
}

/** The parts of the relevance as an equation. */
const sums = ({ of, start, passed, around, above }: AnswerRecord): string =>
  `ΣR: ${relevanceText(passed)} through the layer + ${relevanceText(around)} around it + ${relevanceText(above)} above it = ${relevanceText(start)}, the ${of}`.replaceAll(
    "+ −",
    "− ",
  );

function map(input: string, label: string, concept: ConceptRecord): string {
  const { channel, share, heatmap } = concept;
  const side = sideText(share);
  const alt = `relevance of ${input} through channel ${channel}, ${side} ${label}`;
  return `<figure class="${escape(side)}"><img src="${escape(href(heatmap))}" alt="${escape(alt)}" loading="lazy"><figcaption>channel ${channel}<br><b>${escape(shareText(share))}</b><br>${sumTexts(concept).map(escape).join("<br>")}</figcaption></figure>`;
}
