/** A main file while its samples are explained: where relevance is written, what is drawn, how far it is. */

import { InputError, type FloatArray, type InputArray } from "@relprop/core";
import { sizeOf } from "@relprop/core/internal";
import type { ArrayResult } from "./array-result.ts";
import type { BoundFile } from "./array-inputs.ts";
import type { DrawnAll, Drawer, Drawn, ShownInput } from "./drawer.ts";
import { floats, joined, sampleIn, sideBySide } from "./in-block.ts";
import type { Batching, Taken } from "./part.ts";
import { RowSample } from "./row-sample.ts";
import { openCsvNumbers, openNumbers, together, type RelevanceFile } from "./relevance-file.ts";
import type { WindowPlace } from "../sounds/sound-windows.ts";
import { WaveSketch } from "../sounds/wave-sketch.ts";
import { openWindowTable } from "./window-file.ts";
import { ledgerResult, Reached } from "../run/ledger-record.ts";
import type { AnswerRun, ExplainedAnswer, ExplainedBatch } from "../run/explain-batch.ts";
import type { Manifest } from "../files/manifest.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import { z } from "zod";

/** One request, or one rank of a request for several of the best classes. */
export interface Asked {
  /** In words. */
  readonly text: string;
  /** The same where figures name it: the class without its index. */
  readonly label: string;
  /** Ending of file names, with a dot, or nothing. */
  readonly suffix: string;
  /** Whether a run of the network explains it. */
  readonly is: (run: Pick<AnswerRun, "request" | "rank">) => boolean;
}

/** A block of samples that are explained together. */
export interface ExplainedBlock {
  readonly first: number;
  readonly count: number;
  readonly batch: ExplainedBatch;
  /** What the model was fed, [samples, …] by input. */
  readonly values: ReadonlyMap<string, InputArray>;
  /** Why samples failed, by their place in the block. */
  readonly failed: ReadonlyMap<number, InputError>;
  /** Where each lies in a sound. */
  readonly windows?: readonly WindowPlace[];
  readonly carried?: Taken["carried"];
  readonly files?: Taken["files"];
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

/** Whether results of a file are a table as it is: its rows alone are explained. */
export const hasRows = ({ tableInput }: BoundFile, explained: readonly string[]): boolean =>
  explained.length === 1 && explained[0] === tableInput;

/** How far an earlier run came. */
const stateSchema = z.object({
  samples: z.number(),
  failed: z.number(),
  /** Sizes of the parts of each request's file. */
  sizes: z.array(z.array(z.number())),
  rows: z.array(z.unknown()),
  waves: z.array(z.unknown()).default([]),
  drawn: z.array(
    z.object({
      name: z.string(),
      title: z.string(),
      caption: z.string(),
      files: z.record(z.string(), z.string()),
    }),
  ),
  verdicts: z.array(z.string()),
  reached: z.array(Reached.schema),
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
  readonly #waves: WaveSketch[];
  #drawn: Drawn[] = [];
  /** Draws the first row of a table, should it be the only one. */
  readonly #only: (() => Promise<readonly Drawn[]>)[] = [];
  #verdicts: string[] = [];
  #reached: Reached[];
  #noted = performance.now();

  /** @param isNew whether what an earlier run left is not gone on with */
  constructor(options: RunFileOptions, isNew: boolean) {
    this.options = options;
    const { manifest, bound, hash, asked, figures } = options;
    this.#rows = asked.map(() => new RowSample());
    this.#reached = asked.map(() => new Reached());
    const { sound } = bound;
    this.#waves = sound && figures > 0 ? asked.map(() => new WaveSketch(sound.channels)) : [];
    if (isNew) return;
    const state = stateSchema.safeParse(manifest.partialOf(bound.file.key, hash)).data;
    if (state?.sizes.length !== asked.length || state.waves.length !== this.#waves.length) return;
    const rows = state.rows.map((each) => RowSample.from(each));
    const waves = state.waves.map((each) => WaveSketch.from(each));
    if (!rows.every((each) => each !== undefined) || !waves.every((each) => each !== undefined)) return;
    this.samples = this.earlier = state.samples;
    this.failed = state.failed;
    this.#kept = state.sizes;
    this.#rows = rows;
    this.#waves = waves;
    this.#drawn = state.drawn;
    this.#verdicts = state.verdicts;
    this.#reached = state.reached.map((shares) => new Reached(shares));
  }

  get path(): string {
    return this.options.bound.file.path;
  }

  /** Writes the relevance of a block, and draws what is drawn of it. */
  async add(block: ExplainedBlock): Promise<void> {
    const { first, count, batch, values, failed, windows, carried, files } = block;
    const runs = this.options.asked.map((each) => batch.runs.find(each.is));
    const outputs = (this.#outputs ??= await this.#open(block));
    for (const [a, output] of outputs.entries()) {
      const run = runs[a];
      await output.append({
        first,
        count,
        ...(windows && { windows }),
        ...(carried && { carried }),
        chosen: (i) => (failed.has(i) ? undefined : run?.pickIn(i)),
        start: (i) => run?.explanation.start[i] ?? 0,
        score: (chosen) => batch.score(chosen),
        relevance: (input) => (run ? batch.relevance(run, input) : new Float32Array(0)),
      });
      if (!run) continue;
      this.#sampleRows(block, run, a);
      this.#sumReached(block, run, a);
    }
    for (let i = 0; i < count && this.#isShown(first + i, runs); i++) {
      if (failed.has(i)) continue;
      const own = new Map([...values].map(([name, array]) => [name, this.#sample(name, array, i)]));
      const fileOf = (input: string): string | undefined => files?.get(input)?.[i];
      for (const [a, run] of runs.entries()) {
        const answer = run && batch.answer(run, i);
        if (answer) await this.#show(first + i, a, own, answer, fileOf, windows?.[i]);
      }
    }
    this.samples += count;
    this.failed += failed.size;
    if (performance.now() - this.#noted > noteEvery) await this.note();
  }

  /** Keeps some rows of a table for the drawing of all. */
  #sampleRows({ count, batch, values, failed }: ExplainedBlock, run: AnswerRun, a: number): void {
    const { bound, figures } = this.options;
    if (figures === 0) return;
    const rows = bound.tableInputs.flatMap((input) => {
      const own = values.get(input);
      const relevance = batch.relevance(run, input);
      if (!own || relevance.length === 0) return [];
      return [{ values: floats(own.data), relevance, size: own.data.length / count }];
    });
    const [first] = rows;
    if (!first) return;
    const isIn = (i: number): boolean => !failed.has(i) && run.pickIn(i) !== undefined;
    const beside = (of: (each: (typeof rows)[0]) => Float32Array): Float32Array =>
      rows.length === 1
        ? of(first)
        : sideBySide(
            rows.map((each) => ({ data: of(each), size: each.size })),
            count,
          );
    this.#rows[a]?.add(
      beside(({ values }) => values),
      beside(({ relevance }) => relevance),
      count,
      isIn,
    );
  }

  /** Sums up how much relevance reached the inputs. */
  #sumReached({ count, failed }: ExplainedBlock, run: AnswerRun, a: number): void {
    const { ledgers = [] } = run.explanation;
    for (const [i, ledger] of ledgers.slice(0, count).entries()) {
      if (!failed.has(i) && run.pickIn(i)) this.#reached[a]?.add(ledger);
    }
  }

  /** Whether something is drawn or said of a sample, and so of those before it. */
  #isShown(sample: number, runs: readonly (AnswerRun | undefined)[]): boolean {
    const { bound, figures, explained } = this.options;
    const hasLedger = runs.some((run) => run?.explanation.ledgers !== undefined);
    if (hasLedger && this.#verdicts.length < mostVerdicts) return true;
    // Of a sound all windows are drawn together.
    if (bound.sound) return figures > 0;
    // So are the rows of a table, unless it has a single one.
    const areRows = explained.every((input) => bound.tableInputs.includes(input));
    return sample < (areRows ? Math.min(1, figures) : figures);
  }

  async #open({ count, batch, values, failed }: ExplainedBlock): Promise<RelevanceFile[]> {
    const { asked, writer, manifest, bound } = this.options;
    const { key } = bound.file;
    // Where all of the first samples failed relevance has the sizes of what they are.
    const isDone = (i: number): boolean => !failed.has(i);
    const place = Array.from({ length: count }, (_, i) => i).find(isDone);
    const some = place === undefined ? undefined : batch.sample(place).answers[0];
    const shapes = new Map(
      some
        ? Object.entries(some.relevances).map(([input, { dims }]) => [input, dims] as const)
        : this.options.explained.flatMap((input) => {
            const array = values.get(input);
            return array ? [[input, this.#sample(input, array, 0).dims] as const] : [];
          }),
    );
    const [[input, dims] = ["", []]] = shapes;
    const isCsv = hasRows(bound, [...shapes.keys()]) && sizeOf(dims) === bound.columns?.length;
    const outputs: RelevanceFile[] = [];
    for (const [a, { suffix }] of asked.entries()) {
      const name = `${key}${suffix}`;
      const kept = this.#kept[a] ?? [];
      const beside = { carried: bound.carried, columns: bound.columns ?? [] };
      const numbers = isCsv
        ? await openCsvNumbers(writer, name, input, beside, kept)
        : await openNumbers(writer, name, shapes, kept);
      const open = bound.sound
        ? together(numbers, await openWindowTable(writer, name, bound.sound, kept[shapes.size] ?? 0))
        : numbers;
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
    window: WindowPlace | undefined,
  ): Promise<void> {
    const { bound, asked, drawer, figures } = this.options;
    const { count, file, names, tableInputs, sound } = bound;
    if (answer.ledger && this.#verdicts.length < mostVerdicts)
      this.#verdicts.push(`${sample}: ${ledgerResult(answer.ledger).verdict}`);
    if (figures === 0) return;
    if (sound && window) {
      const [wave, own] = [values.get(sound.input.name), answer.relevances[sound.input.name]];
      if (wave && own) this.#waves[a]?.add(wave, own, { window, plan: sound, started: answer.start });
      // All windows are drawn together.
      return;
    }
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
      waves: this.#waves.map((wave) => wave.state()),
      drawn: this.#drawn,
      verdicts: this.#verdicts,
      reached: this.#reached.map(({ shares }) => shares),
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
    const ofAll = (a: number): DrawnAll => {
      const { label = "" } = asked[a] ?? {};
      const verdict = this.#reached[a]?.text(bound.sound ? "windows" : "samples");
      return { asked: label, ...(verdict !== undefined && { verdict }) };
    };
    for (const [a, rows] of this.#rows.entries()) {
      if (rows.seen === 1) this.#drawn.unshift(...((await this.#only[a]?.()) ?? []));
      if (rows.seen < 2 || figures === 0) continue;
      const { suffix = "" } = asked[a] ?? {};
      this.#drawn.unshift(await drawer.summary(`${file.key}${suffix}`, rows, ofAll(a), columns));
    }
    for (const [a, wave] of this.#waves.entries()) {
      const { suffix = "" } = asked[a] ?? {};
      if (!bound.sound || wave.seen === 0) continue;
      this.#drawn.push(await drawer.sound(`${file.key}${suffix}`, wave, ofAll(a), bound.sound));
    }
    for (const output of this.#outputs) await output.finish();
    const ledger = Reached.together(this.#reached).text(bound.sound ? "windows" : "samples");
    const result: ArrayResult = {
      key: file.key,
      input: this.path,
      samples: this.samples,
      ...(bound.sound && { noun: "window" }),
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
