/** The page that shows what was explained of arrays: one file, no network, works from `file://`. */

import { countedText, type ArrayResult } from "./array-result.ts";
import { escape, href, pageHead, settingsList, type Page } from "../pages/page-parts.ts";

/** What the page shows. */
export interface ArrayPage extends Page {
  /** Results whose files lie beside the page. */
  readonly results: readonly ArrayResult[];
}

const style = `
main article .figures { display: grid; gap: 1rem; }
main article .figures img { max-width: 100%; height: auto; }
main article .numbers { padding-left: 1.2rem; }
`;

/** The page as HTML. All text from outside (file names, labels) is escaped. */
export function arrayPage({ title, settings, results }: ArrayPage): string {
  const samples = results.reduce((sum, each) => sum + each.samples, 0);
  const files = results.length === 1 ? "1 file" : `${results.length} files`;
  return `${pageHead(title, style)}
<body>
<header>
<h1>${escape(title)}</h1>
<p class="lead">Which numbers of the input made the network answer as it did: layer-wise relevance propagation. ${files}, ${samples === 1 ? "1 sample" : `${samples} samples`}.</p>
${settingsList(settings)}
</header>
<main>
${results.map(article).join("\n")}
</main>
<footer><p>Relevance is unitless: it is a share of what the explained output is made of. It says what this network used, which need not be what it should use.</p></footer>
</body>
</html>
`;
}

function article(result: ArrayResult): string {
  const { input, answers, figures, verdicts, ledger: all } = result;
  const numbers = answers.map(({ asked, files }) => {
    const links = Object.values(files).map((file) => `<a href="${escape(href(file))}">${escape(file)}</a>`);
    return `<li>${escape(asked)}: ${links.join(", ")}</li>`;
  });
  const drawn = figures.map(
    ({ caption, file }) =>
      `<figure><img src="${escape(href(file))}" alt="${escape(caption)}" loading="lazy"><figcaption>${escape(caption)}</figcaption></figure>`,
  );
  const lines = [...(all === undefined ? [] : [all]), ...verdicts];
  const ledger =
    lines.length === 0
      ? ""
      : `<ul class="verdicts">${lines.map((each) => `<li>${escape(each)}</li>`).join("")}</ul>`;
  return `<article>
<h2>${escape(input)}</h2>
<p>${countedText(result)}</p>
<ul class="numbers">${numbers.join("")}</ul>
${ledger}<div class="figures">${drawn.join("\n")}</div>
</article>`;
}
