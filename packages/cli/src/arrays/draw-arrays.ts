/** Samples and their relevance -> figures below the output folder. */

import { basename } from "node:path";
import type { FloatArray } from "@relprop/core";
import type { Figure, Theme } from "@relprop/core/heatmap";
import type { Drawer, Drawn, ShownInput } from "./drawer.ts";
import type { FigureText } from "../figures/figure-text.ts";
import { pictureFigure } from "./picture-figure.ts";
import { imageFiles, isOfKind } from "../files/find-files.ts";
import type { SeenPicture } from "../files/read-images.ts";
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
  /** Reads a picture as an input sees it. */
  readonly picture: (path: string, input: string) => Promise<SeenPicture>;
}

/** Draws into files; the plot library is loaded at the first figure. */
export function arrayDrawer(options: DrawingOptions): Drawer {
  const { writer, settings, theme, svg } = options;
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
    sample: async (name, sample, shown, answer, isAlone) => {
      const drawn: Drawn[] = [];
      for (const each of shown) {
        const { input, relevance } = each;
        const explained = explainedLines(answer, relevance);
        const text = {
          title: basename(name) + (isAlone ? "" : `: ${input}`),
          explained,
          label: answer.score.label,
          ...(answer.ledger && { verdict: ledgerResult(answer.ledger).verdict }),
          method,
          theme,
        };
        const ofInput = isAlone ? "" : `.${input.replaceAll(/[^\p{L}\p{N}_-]+/gu, "-")}`;
        const figure = await figureOfInput(each, shown, text, options);
        drawn.push(await write(`${name}${ofInput}`, figure, `sample ${sample}, ${explained.join(", ")}`));
      }
      return drawn;
    },
    summary: async (name, rows, { asked: request, ...verdict }, columns) => {
      const { tableSummaryFigure } = await import("../figures/table-summary-figure.ts");
      // Rows have best classes of their own.
      const asked = request === "top1" ? "the best class" : request;
      const count =
        rows.kept < rows.seen ? `${rows.kept} of ${rows.seen} rows, drawn evenly` : `${rows.seen} rows`;
      const figure = tableSummaryFigure(
        { values: rows.values, relevance: rows.relevance, features: rows.features, names: columns },
        { title: basename(name), explained: [asked, count], label: asked, ...verdict, method, theme },
      );
      return write(`${name}.all`, figure, `${asked}, ${count}`);
    },
    sound: async (name, wave, { asked, ...verdict }, plan) => {
      const { soundFigure } = await import("./sound-figure.ts");
      const figure = soundFigure(wave, asked, plan, { title: basename(name), ...verdict, method, theme });
      return write(name, figure, figure.explained.join(", "));
    },
  };
}

/** A picture with its relevance over it, or the figure that suits the array. */
async function figureOfInput(
  { input, values, relevance, names, file }: ShownInput,
  all: readonly ShownInput[],
  text: FigureText,
  { rate, features, coloring, picture }: DrawingOptions,
): Promise<Figure> {
  if (file !== undefined && isOfKind(file, imageFiles) && values.dims.length === 3) {
    const seen = await picture(file, input);
    return pictureFigure(seen, relevance, text, coloring);
  }
  const { arrayFigure } = await import("../figures/array-figure.ts");
  const array = { shape: values.dims, values: values.data, relevance: relevance.data };
  const isRow = names?.length === values.data.length;
  const called = isRow ? names : features;
  const hasRate = rate !== undefined && !isRow && !isFewBeside(values.dims, all);
  return arrayFigure(array, text, { ...(hasRate && { rate }), ...(called && { names: called }) });
}

/** So few numbers beside longer inputs are features: the rate is that of the others. */
const fewNumbers = 64;
const isFewBeside = (dims: readonly number[], all: readonly ShownInput[]): boolean => {
  const longest = Math.max(...dims);
  return (
    dims.filter((length) => length > 1).length < 2 &&
    longest <= fewNumbers &&
    all.some(({ values }) => Math.max(...values.dims) > longest)
  );
};

/** What is explained, and how much of it these values were given. */
function explainedLines(answer: ExplainedAnswer, { data }: FloatArray): string[] {
  const { against, start } = answer;
  const reached = data.reduce((sum, number) => sum + number, 0);
  return [
    answerText({ ...answer.score, elements: answer.elements }),
    ...(against ? [`rather than ${against.label}`] : []),
    `relevance ${short(reached)} of ${short(start)}`,
  ];
}

const short = (number: number): string => plain(Number(number.toPrecision(4))).replace("-", "−");
