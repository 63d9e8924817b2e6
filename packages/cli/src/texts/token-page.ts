/** The page of explained texts with coloured tokens: one file, no network, no script. */

import type { TextDrawing } from "./draw-tokens.ts";
import { bars, escape, pageHead, settingsList, type Page } from "../pages/page-parts.ts";
import { amountText, answerText, signedText } from "./report-texts.ts";
import { inkOn, type Rgb } from "../terminal/terminal-colors.ts";
import type { TextResult } from "./text-result.ts";

/** The explained classes of a text, and their colours. */
export interface ShownText {
  readonly classes: readonly ShownClass[];
}

interface ShownClass {
  readonly result: TextResult;
  readonly drawing: TextDrawing;
}

/** The content of the page. */
export interface TokenPage extends Pick<Page, "title" | "settings"> {
  readonly texts: readonly ShownText[];
}

const style = `
.tokens { font-size: 17px; line-height: 2; margin: 0 0 8px; overflow-wrap: anywhere; white-space: pre-wrap; }
.tokens span { padding: 3px 1px; border-radius: 2px; } .tokens .special { font: 12px/1 ui-monospace, monospace; }
details { margin-top: 8px; font-size: 14px; } summary { cursor: pointer; min-height: 24px; }
table { border-collapse: collapse; } th { text-align: left; font-weight: 400; padding-right: 24px; }
td { text-align: right; font-variant-numeric: tabular-nums; } caption { text-align: left; color: var(--soft); }
`;

/** The page as HTML. Texts, tokens and labels are escaped. */
export function tokenPage({ title, settings, texts }: TokenPage): string {
  const count = texts.length === 1 ? "1 text" : `${texts.length} texts`;
  return `${pageHead(title, style)}
<body>
<header>
<h1>${escape(title)}</h1>
<p class="lead">Which tokens made the network answer as it did: each is coloured by its relevance. ${count}.</p>
${settingsList(settings)}
</header>
<main>
${texts.map(card).join("\n")}
</main>
<footer><p>Relevance is unitless: it is a share of what the explained output is made of. Colours show what this network used, which need not be what it should use. Point at a token to read its relevance, or open the table below it.</p></footer>
</body>
</html>
`;
}

function card({ classes }: ShownText): string {
  const first = classes[0]?.result;
  if (!first) return "";
  const pair = first.pair === undefined ? "" : ` <small>${escape(first.pair)}</small>`;
  // The bars are those of the first word, where words are generated.
  const explained = classes.flatMap(({ result }) => (result.generated ? [] : [result.class]));
  return `<article>
<h2 dir="auto">${escape(first.input)}${pair}</h2>
<div class="body">
<div class="first">${first.top.length > 1 ? bars(first.top, explained) : ""}</div>
<div class="classes">${classes.map(section).join("\n")}</div>
</div>
</article>`;
}

function section({ result, drawing }: ShownClass): string {
  const { tokens, ledger } = result;
  const { legend, gradient } = drawing;
  const heading = answerText(result);
  const words = tokens.map((token, i) => {
    const color = drawing.colors[i] ?? [255, 255, 255];
    const space = i > 0 && token.startsWord ? " " : "";
    const kind = token.special ? ' class="special"' : "";
    const value = `${token.text}: ${signedText(token.relevance)}`;
    return `${space}<span${kind} style="background: ${css(color)}; color: ${css(inkOn(color))}" title="${escape(value)}">${escape(token.text)}</span>`;
  });
  const rows = tokens.map(
    ({ text, relevance }) =>
      `<tr><th scope="row">${escape(text)}</th><td>${escape(signedText(relevance))}</td></tr>`,
  );
  return `<section><h3>${escape(heading)} <small>${escape(amountText(result))}</small></h3>
<p class="tokens" dir="auto">${words.join("")}</p>
<div class="legend"><div class="bar" style="background: ${escape(gradient)}"></div>
<div class="ticks">${legend.ticks.map(({ position, text }) => `<span style="left: ${100 * position}%">${escape(text)}</span>`).join("")}</div>
<p>${escape(legend.sentence)}</p>${ledger ? `<p class="verdict">${escape(ledger.verdict)}.</p>` : ""}</div>
<details><summary>Relevance of each token</summary><table><caption>Unitless; + speaks for the answer, − against it.</caption><tbody>${rows.join("")}</tbody></table></details></section>`;
}

const css = (color: Rgb): string => `rgb(${color.join(" ")})`;
