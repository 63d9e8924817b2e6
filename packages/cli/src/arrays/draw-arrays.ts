/** Samples and their relevance -> figures below the output folder. */

import { basename } from "node:path";
import type { FloatArray } from "@relprop/core";
import type { Figure, Theme } from "@relprop/core/heatmap";
import type { Drawer, Drawn } from "./run-file.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import { drawnFigure } from "../pages/figure-parts.ts";
import { howText, type Settings } from "../pages/page-parts.ts";
import { canRasterize } from "../pages/rasterize.ts";
import type { Coloring } from "../run/decide.ts";
import type { ExplainedAnswer } from "../run/explain-batch.ts";
import { ledgerResult } from "../run/ledger-record.ts";
import { answerText } from "../run/score.ts";
import { plain } from "./decimals.ts";

/** What all figures of a run share. */
export interface DrawingOptions {
  readonly writer: ResultWriter;
  readonly settings: Settings;
  readonly coloring: Coloring;
  readonly theme: Theme;
  readonly svg: boolean;
  /** Names of features that the user or the card gives. */
  readonly features?: readonly string[];
  /** Samples of a signal per second. */
  readonly rate?: number;
}

/** Draws into files; the plot library is loaded at the first figure. */
export function arrayDrawer(options: DrawingOptions): Drawer {
  const { writer, settings, theme, svg, features, rate } = options;
  const method = [
    ...settings.filter(([name]) => name === "model").map((each) => each.join(" ")),
    ...howText(settings),
  ];
  const write = async (name: string, figure: Figure, caption: string): Promise<Drawn> => {
    const drawn = drawnFigure(figure, { v: 2, caption, settings: Object.fromEntries(settings) });
    const isSvg = svg || !(await canRasterize());
    const files = { figure: `${name}.figure.png`, svg: `${name}.figure.svg` };
    const wanted = Object.fromEntries(
      Object.entries(files).filter(([kind]) => (kind === "svg" ? isSvg : !isSvg || svg)),
    );
    await writer.check(Object.values(wanted));
    if (wanted["svg"] !== undefined) await writer.bytes(wanted["svg"], drawn.svg);
    if (wanted["figure"] !== undefined) await writer.bytes(wanted["figure"], await drawn.png());
    return { name, title: figure.title, caption, files: wanted };
  };
  return {
    sample: async (name, sample, values, answer, columns) => {
      const { arrayFigure } = await import("../figures/array-figure.ts");
      const { relevances } = answer;
      const inputs = Object.entries(relevances);
      const drawn: Drawn[] = [];
      for (const [input, relevance] of inputs) {
        const own = values.get(input);
        if (!own || own.data.length !== relevance.data.length) continue;
        const ofInput = inputs.length === 1 ? "" : `.${input.replaceAll(/[^\p{L}\p{N}_-]+/gu, "-")}`;
        const names = columns?.length === own.data.length ? columns : features;
        const figure = await arrayFigure(
          { shape: own.dims, values: own.data, relevance: relevance.data },
          {
            title: basename(name) + (inputs.length === 1 ? "" : `: ${input}`),
            explained: explainedLines(answer, relevance),
            label: answer.score.label,
            ...(answer.ledger && { verdict: ledgerResult(answer.ledger).verdict }),
            method,
            theme,
          },
          { ...(rate !== undefined && { rate }), ...(names && { names }) },
        );
        drawn.push(
          await write(
            `${name}${ofInput}`,
            figure,
            `sample ${sample}, ${explainedLines(answer, relevance).join(", ")}`,
          ),
        );
      }
      return drawn;
    },
    summary: async (name, rows, asked, columns) => {
      const { tableSummaryFigure } = await import("../figures/table-summary-figure.ts");
      const count =
        rows.kept < rows.seen ? `${rows.kept} of ${rows.seen} rows, drawn evenly` : `${rows.seen} rows`;
      const figure = tableSummaryFigure(
        { values: rows.values, relevance: rows.relevance, features: rows.features, names: columns },
        { title: basename(name), explained: [asked, count], label: asked, method, theme },
      );
      return write(`${name}.all`, figure, `${asked}, ${count}`);
    },
    sound: async (name, wave, asked, plan) => {
      const { soundFigure } = await import("./sound-figure.ts");
      const figure = soundFigure(wave, asked, plan, { title: basename(name), method, theme });
      return write(name, figure, figure.explained.join(", "));
    },
  };
}

/** What is explained, and how much of it these values were given. */
function explainedLines(answer: ExplainedAnswer, { data }: FloatArray): string[] {
  const { against, start } = answer;
  const reached = data.reduce((sum, number) => sum + number, 0);
  return [
    answerText({ ...answer.score, elements: answer.elements }),
    ...(against ? [`rather than ${against.label}`] : []),
    `relevance ${plain(Number(reached.toPrecision(4)))} of ${plain(Number(start.toPrecision(4)))}`,
  ];
}
