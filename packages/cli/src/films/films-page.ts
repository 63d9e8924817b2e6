/** The page with all explained films of a folder: one file beside them, no network, works from `file://`. */

import { escape, href, pageHead, settingsList, type Page } from "../pages/page-parts.ts";
import type { FilmResult } from "./film-result.ts";
import { filmNotes, sharesOf } from "./film-text.ts";

/** The content of the page. */
export interface FilmsPage extends Page {
  /** Results whose films lie beside the page. */
  readonly results: readonly FilmResult[];
}

const style =
  "video { display: block; max-width: 100%; max-height: 80vh; border-radius: 6px; background: #000; }";
/** Answers that are listed; the others are few frames each. */
const listed = 5;

/** The page as HTML. File names and labels are escaped. */
export function filmsPage({ title, settings, results }: FilmsPage): string {
  const count = results.length === 1 ? "1 film" : `${results.length} films`;
  return `${pageHead(title, style)}
<body>
<header>
<h1>${escape(title)}</h1>
<p class="lead">Which pixels of each frame made the network answer as it did: layer-wise relevance propagation. ${count}.</p>
${settingsList(settings)}
</header>
<main>
${results.map((result) => card(result, settings)).join("\n")}
</main>
</body>
</html>
`;
}

function card(result: FilmResult, ofPage: Page["settings"]): string {
  const { input, settings, files, view } = result;
  const other = JSON.stringify(settings) === JSON.stringify(ofPage) ? "" : settingsList(settings);
  const shares = sharesOf(result)
    .slice(0, listed)
    .map(([label, share]) => {
      const percent = (100 * share).toFixed(1);
      return `<li><span class="name">${escape(label)}</span><span class="share">${percent} % of frames</span><div class="gauge" aria-hidden="true"><span style="width: ${percent}%"></span></div></li>`;
    });
  const notes = filmNotes(result).map((note) => `<p class="lead">${escape(note)}</p>`);
  return `<article>
<h2>${escape(input)}</h2>
${other}<div class="body"><ol class="bars" aria-label="What was explained">${shares.join("")}</ol>
<div><video controls loop preload="metadata" src="${escape(href(files.film))}" aria-label="${escape(`${view} of ${input}`)}"></video>${notes.join("")}</div></div>
</article>`;
}
