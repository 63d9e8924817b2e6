/** The page of `relprop evaluate`: the table, the curves and the contact sheet. */

import { metrics, type MetricName, type MetricRow } from "@relprop/core";
import { escape, href, pageHead, settingsList, type Page } from "../pages/page-parts.ts";
import { cells, columns } from "./evaluation-text.ts";

/** The content of the page. Paths are relative to it. */
export interface EvaluationPage extends Page {
  readonly rows: readonly MetricRow[];
  readonly reference: string;
  readonly curves: string | undefined;
  readonly sheet: string;
  readonly pictures: number;
}

const style = `
table { border-collapse: collapse; font-size: 14px; width: 100%; } caption { text-align: left; padding: 0 0 8px; color: var(--soft); }
th, td { text-align: right; padding: 4px 10px; border-top: 1px solid var(--line); font-variant-numeric: tabular-nums; white-space: nowrap; }
th:first-child { text-align: left; } thead th { color: var(--soft); font-weight: 400; border: 0; }
article { overflow-x: auto; } article > img { max-width: 100%; display: block; }
`;

/** The page as HTML. All names are escaped. */
export function evaluationPage({
  title,
  settings,
  rows,
  reference,
  curves,
  sheet,
  pictures,
}: EvaluationPage): string {
  const names = [...new Set(rows.map(({ metric }) => metric))];
  const count = pictures === 1 ? "1 picture" : `${pictures} pictures`;
  return `${pageHead(title, style)}
<body>
<header>
<h1>${escape(title)}</h1>
<p class="lead">What the network’s answer loses when the parts that a map calls relevant are removed. ${count}.</p>
${settingsList(settings)}
</header>
<main>
${names.map((name) => block(name, rows, reference)).join("\n")}
${curves === undefined ? "" : `<article><h2>Curves</h2><img src="${escape(href(curves))}" alt="Mean share of the answer that is left, by the share of removed parts"></article>`}
<article><h2>Contact sheet</h2><img src="${escape(href(sheet))}" alt="All pictures with their maps, the best first"></article>
</main>
<footer><p>Intervals hold the mean of pictures like these with 95 % probability (percentile bootstrap). Differences are paired: picture by picture. A faithful map shows what this network used, which need not be what it should use.</p></footer>
</body>
</html>
`;
}

function block(name: MetricName, rows: readonly MetricRow[], reference: string): string {
  const { text, source, better } = metrics[name];
  const head = columns(reference).map((column) => `<th scope="col">${escape(column)}</th>`);
  const body = rows
    .filter(({ metric }) => metric === name)
    .map(
      (row) =>
        `<tr><th scope="row">${escape(row.method)}</th>${cells(row)
          .map((cell) => `<td>${escape(cell)}</td>`)
          .join("")}</tr>`,
    );
  return `<article><h2>${escape(name)}</h2><table><caption>${escape(text)}; ${better} is better. ${escape(source)}.</caption>
<thead><tr><th></th>${head.join("")}</tr></thead>
<tbody>${body.join("")}</tbody></table></article>`;
}
