/** A main file while its samples are explained: where relevance is written, what is drawn, how far it is. */

import { InputError, type FloatArray, type InputArray } from "@relprop/core";
import { sampleOf, sizeOf } from "@relprop/core/internal";
import type { ArrayResult } from "./array-result.ts";
import type { BoundFile } from "./array-inputs.ts";
import type { Batching, Taken } from "./part.ts";
import { RowSample } from "./row-sample.ts";
import { openCsvNumbers, openNumbers, type RelevanceFile, type WrittenSample } from "./relevance-file.ts";
import { ledgerResult, Reached } from "../run/ledger-record.ts";
import type { ExplainedAnswer, ExplainedSample } from "../run/explain-batch.ts";
import type { Manifest } from "../files/manifest.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import { z } from "zod";

/** One request, or one rank of a request for several of the best classes. */
export interface Asked {
  /** In words. */
  readonly text: string;
  /** Ending of file names, with a dot, or nothing. */
  readonly suffix: string;
  /** Whether an answer is that of this request. */
  readonly is: (answer: ExplainedAnswer) => boolean;
}

/** A block of samples that are explained together. */
export interface ExplainedBlock {
  readonly first: number;
  readonly samples: readonly ExplainedSample[];
  /** What the model was fed, [samples, …] by input. */
  readonly values: ReadonlyMap<string, InputArray>;
  /** Why samples failed, by their place in the block. */
  readonly failed: ReadonlyMap<number, InputError>;
  readonly carried?: Taken["carried"];
  readonly files?: Taken["files"];
}

/** A drawing of one sample, or of all. */
export interface Drawn {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly files: Readonly<Record<string, string>>;
}

/** An explained input of a sample, as it is drawn. */
export interface ShownInput {
  readonly input: string;
  readonly values: FloatArray;
  readonly relevance: FloatArray;
  /** Names of its elements, if columns of a table feed it. */
  readonly names?: readonly string[];
  /** The file that feeds it, if a picture or a table's cell does. */
  readonly file?: string;
}

/** Draws figures. */
export interface Drawer {
  /**
   * Draws inputs of a sample.
   * @param name of the files, without ending
   * @param isAlone whether no other input is explained
   */
  readonly sample: (
    name: string,
    sample: number,
    shown: readonly ShownInput[],
    answer: ExplainedAnswer,
    isAlone: boolean,
  ) => Promise<readonly Drawn[]>;
  /** Draws all rows of a table. */
  readonly summary: (
    name: string,
    rows: RowSample,
    asked: string,
    columns: readonly string[],
  ) => Promise<Drawn>;
}

/** What is needed to write a file's results. */
export interface RunFileOptions {
  readonly bound: BoundFile;
  readonly hash: string;
  readonly asked: readonly Asked[];
  readonly writer: ResultWriter;
  readonly manifest: Manifest<ArrayResult>;
  readonly drawer: Drawer;
  /** How many samples are drawn. */
  readonly figures: number;
  readonly batching: Batching;
  /** Names of the explained inputs. */
  readonly explained: readonly string[];
}

/** How far an earlier run came. */
const stateSchema = z.object({
  samples: z.number(),
  failed: z.number(),
  /** Sizes of the parts of each request's file. */
  sizes: z.array(z.array(z.number())),
  rows: z.array(z.unknown()),
  drawn: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      caption: z.string(),
      files: z.record(z.string(), z.string()),
    }),
  ),
  verdicts: z.array(z.string()),
  reached: Reached.schema,
});

/** So often an unfinished file's state is noted, in milliseconds. */
const noteEvery = 10_000;
/** So many verdicts are kept for the page. */
const mostVerdicts = 20;

export class RunFile {
  readonly options: RunFileOptions;
  /** Samples that are explained and written, those of earlier runs included. */
  samples = 0;
  failed = 0;
  /** Those that earlier runs left. */
  readonly earlier: number = 0;
  #outputs: RelevanceFile[] | undefined;
  #kept: readonly (readonly number[])[] = [];
  readonly #rows: RowSample[];
  #drawn: Drawn[] = [];
  /** Draws the first row of a table, should it be the only one. */
  readonly #only: (() => Promise<readonly Drawn[]>)[] = [];
  #verdicts: string[] = [];
  #reached = new Reached();
  #noted = performance.now();

  /** @param isNew whether what an earlier run left is not gone on with */
  constructor(options: RunFileOptions, isNew: boolean) {
    this.options = options;
    this.#rows = options.asked.map(() => new RowSample());
    if (isNew) return;
    const { manifest, bound, hash } = options;
    const state = stateSchema.safeParse(manifest.partialOf(bound.file.key, hash)).data;
    if (state?.sizes.length !== options.asked.length) return;
    const rows = state.rows.map((each) => RowSample.from(each));
    if (!rows.every((each) => each !== undefined)) return;
    this.samples = this.earlier = state.samples;
    this.failed = state.failed;
    this.#kept = state.sizes;
    this.#rows = rows;
    this.#drawn = state.drawn;
    this.#verdicts = state.verdicts;
    this.#reached = new Reached(state.reached);
  }

  get path(): string {
    return this.options.bound.file.path;
  }

  /** Whether rows of a table are explained, whose columns have names. */
  get isTable(): boolean {
    return this.options.bound.columns !== undefined;
  }

  /**
   * Writes the relevance of a block, and draws what is drawn of it.
   * @returns the answers of each sample, in the order of the requests
   */
  async add({ first, samples, values, failed, carried, files }: ExplainedBlock): Promise<void> {
    const { asked } = this.options;
    const answersOf = samples.map(({ answers }) => asked.map((each) => answers.find(each.is)));
    const outputs = (this.#outputs ??= await this.#open(answersOf.flat(), values));
    for (const [a, output] of outputs.entries()) {
      const written = samples.map((_, i): WrittenSample => {
        const answer = failed.has(i) ? undefined : answersOf[i]?.[a];
        const cells = carried?.[i];
        return { sample: first + i, ...(cells && { carried: cells }), ...(answer && { answer }) };
      });
      await output.append(written);
    }
    for (const [i] of samples.entries()) {
      if (failed.has(i)) continue;
      const own = new Map([...values].map(([name, array]) => [name, this.#sample(name, array, i)]));
      const fileOf = (input: string): string | undefined => files?.get(input)?.[i];
      for (const [a, answer] of (answersOf[i] ?? []).entries()) {
        if (answer) await this.#show(first + i, a, own, answer, fileOf);
      }
    }
    this.samples += samples.length;
    this.failed += failed.size;
    if (performance.now() - this.#noted > noteEvery) await this.note();
  }

  async #open(
    answers: readonly (ExplainedAnswer | undefined)[],
    values: ReadonlyMap<string, InputArray>,
  ): Promise<RelevanceFile[]> {
    const { asked, writer, manifest, bound } = this.options;
    const { key } = bound.file;
    // Where all of the first samples failed relevance has the sizes of what they are.
    const some = answers.find((answer) => answer !== undefined);
    const shapes = new Map(
      some
        ? Object.entries(some.relevances).map(([input, { dims }]) => [input, dims] as const)
        : this.options.explained.flatMap((input) => {
            const array = values.get(input);
            return array ? [[input, this.#sample(input, array, 0).dims] as const] : [];
          }),
    );
    const isCsv =
      bound.columns !== undefined &&
      shapes.size === 1 &&
      sizeOf([...shapes.values()][0] ?? []) === bound.columns.length;
    const outputs: RelevanceFile[] = [];
    for (const [a, { suffix }] of asked.entries()) {
      const name = `${key}${suffix}`;
      const kept = this.#kept[a] ?? [];
      const open = isCsv
        ? await openCsvNumbers(
            writer,
            name,
            { carried: bound.carried ?? [], columns: bound.columns ?? [] },
            kept,
          )
        : await openNumbers(writer, name, shapes, kept);
      await writer.check(Object.values(open.files));
      outputs.push(open);
    }
    // Numbers carry no mark of ours.
    await manifest.announce(outputs.flatMap(({ files }) => Object.values(files)));
    return outputs;
  }

  async #show(
    sample: number,
    a: number,
    values: ReadonlyMap<string, FloatArray>,
    answer: ExplainedAnswer,
    fileOf: (input: string) => string | undefined,
  ): Promise<void> {
    const { bound, asked, drawer, figures } = this.options;
    const { count, file, names, tableInputs } = bound;
    if (answer.ledger) this.#reached.add(answer.ledger);
    if (answer.ledger && this.#verdicts.length < mostVerdicts)
      this.#verdicts.push(`${sample}: ${ledgerResult(answer.ledger).verdict}`);
    if (figures === 0) return;
    const inputs = Object.entries(answer.relevances).flatMap(([input, relevance]): ShownInput[] => {
      const own = values.get(input);
      if (own?.data.length !== relevance.data.length) return [];
      const called = names.get(input);
      const from = fileOf(input);
      return [
        {
          input,
          values: own,
          relevance,
          ...(called && { names: called }),
          ...(from !== undefined && { file: from }),
        },
      ];
    });
    // Of the rows of a table all are drawn together.
    const row = joined(inputs.filter(({ input }) => tableInputs.includes(input)));
    if (row) this.#rows[a]?.add(row.values.data as Float32Array, row.relevance.data as Float32Array);
    const others = inputs.filter(({ input }) => !tableInputs.includes(input));
    const isAlone = inputs.length === 1;
    const number = count === 1 ? "" : `.${sample}`;
    const name = `${file.key}${asked[a]?.suffix ?? ""}`;
    if (row && count === 1) others.unshift(row);
    // Only its end tells whether a table has a single row.
    else if (row && sample === 0) this.#only[a] = () => drawer.sample(name, sample, [row], answer, isAlone);
    if (sample >= figures || others.length === 0) return;
    this.#drawn.push(...(await drawer.sample(`${name}${number}`, sample, others, answer, isAlone)));
  }

  #sample(name: string, array: InputArray, sample: number): FloatArray {
    const { whole, batchAxis } = this.options.batching;
    return sampleIn(array, whole.has(name) ? batchAxis : 0, sample);
  }

  /** Notes how far it is, for the next run. */
  async note(): Promise<void> {
    this.#noted = performance.now();
    if (!this.#outputs) return;
    const { manifest, bound, hash } = this.options;
    await manifest.leave(bound.file.key, hash, {
      samples: this.samples,
      failed: this.failed,
      sizes: this.#outputs.map((output) => output.sizes()),
      rows: this.#rows.map((rows) => rows.state()),
      drawn: this.#drawn,
      verdicts: this.#verdicts,
      reached: this.#reached.shares,
    });
  }

  /** Leaves an unfinished file for the next run. */
  async leave(): Promise<void> {
    await this.note();
    for (const output of this.#outputs ?? []) await output.leave();
    await this.options.bound.close();
  }

  /** Ends the file and lists its result. @throws InputError if it had no samples */
  async finish(): Promise<ArrayResult> {
    const { bound, asked, manifest, hash, drawer, figures, explained } = this.options;
    await bound.close();
    if (!this.#outputs)
      throw new InputError({ what: `cannot explain "${this.path}"`, why: "it has no samples" });
    const { file, tableInputs, names } = bound;
    const columns = tableInputs
      .filter((input) => explained.includes(input))
      .flatMap((input) => names.get(input) ?? []);
    for (const [a, rows] of this.#rows.entries()) {
      if (rows.seen === 1) this.#drawn.unshift(...((await this.#only[a]?.()) ?? []));
      if (rows.seen < 2 || figures === 0) continue;
      const { suffix = "", text = "" } = asked[a] ?? {};
      this.#drawn.unshift(await drawer.summary(`${file.key}${suffix}`, rows, text, columns));
    }
    for (const output of this.#outputs) await output.finish();
    const ledger = this.#reached.text("samples");
    const result: ArrayResult = {
      key: file.key,
      input: this.path,
      samples: this.samples,
      failed: this.failed,
      files: Object.fromEntries(
        this.#drawn.flatMap(({ files }, i) =>
          Object.entries(files).map(([kind, path]) => [`${kind}${i}`, path]),
        ),
      ),
      answers: asked.map(({ text }, a) => ({ asked: text, files: { ...this.#outputs?.[a]?.files } })),
      figures: this.#drawn.map(({ title, caption, files }) => ({
        title,
        caption,
        file: files["figure"] ?? files["svg"] ?? "",
      })),
      verdicts: this.#verdicts,
      ...(ledger !== undefined && { ledger }),
    };
    await manifest.add(hash, result);
    return result;
  }
}

/** The columns of a row that feed inputs of their own, as one input. */
function joined(inputs: readonly ShownInput[]): ShownInput | undefined {
  const [first, ...more] = inputs;
  if (!first || more.length === 0) return first;
  const all = (of: (each: ShownInput) => FloatArray): FloatArray => {
    const data = Float32Array.from(inputs.flatMap((each) => Array.from(of(each).data)));
    return { data, dims: [data.length] };
  };
  return {
    input: "columns",
    values: all(({ values }) => values),
    relevance: all(({ relevance }) => relevance),
    names: inputs.flatMap(({ names = [] }) => names),
  };
}

/** One sample of an array, without the axis that counts them. */
function sampleIn({ data, dims }: InputArray, batchAxis: number | undefined, sample: number): FloatArray {
  if (batchAxis === 0) {
    const own = dims.slice(1);
    const size = sizeOf(own);
    return { data: floats(data.subarray(sample * size, (sample + 1) * size)), dims: own };
  }
  const own = sampleOf({ data: floats(data), dims }, batchAxis, sample);
  return { data: own.data, dims: dims.filter((_, axis) => axis !== batchAxis) };
}

const floats = (data: InputArray["data"]): Float32Array =>
  data instanceof Float32Array ? data : Float32Array.from(data as Float64Array);
