/** A main file while its samples are explained: where relevance is written, what is drawn, how far it is. */

import { InputError, type FloatArray, type InputArray } from "@relprop/core";
import { sampleOf, sizeOf } from "@relprop/core/internal";
import type { ArrayResult } from "./array-result.ts";
import type { BoundFile } from "./array-inputs.ts";
import type { Batching } from "./part.ts";
import { RowSample } from "./row-sample.ts";
import { openCsvNumbers, openNumbers, together, type RelevanceFile } from "./relevance-file.ts";
import type { SoundPlan } from "../sounds/sound-plan.ts";
import type { WindowPlace } from "../sounds/sound-windows.ts";
import { WaveSketch } from "../sounds/wave-sketch.ts";
import { openWindowTable } from "./window-file.ts";
import { ledgerResult } from "../run/ledger-record.ts";
import type { AnswerRun, ExplainedAnswer, ExplainedBatch } from "../run/explain-batch.ts";
import type { Manifest } from "../files/manifest.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import { z } from "zod";

/** One request, or one rank of a request for several of the best classes. */
export interface Asked {
  /** In words. */
  readonly text: string;
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
}

/** A drawing of one sample, or of all. */
export interface Drawn {
  readonly name: string;
  readonly title: string;
  readonly caption: string;
  readonly files: Readonly<Record<string, string>>;
}

/** Draws figures. */
export interface Drawer {
  /** Draws a sample's values and relevance of each input. @param name of the files, without ending */
  readonly sample: (
    name: string,
    sample: number,
    values: ReadonlyMap<string, FloatArray>,
    answer: ExplainedAnswer,
    columns: readonly string[] | undefined,
  ) => Promise<readonly Drawn[]>;
  /** Draws all rows of a table. */
  readonly summary: (
    name: string,
    rows: RowSample,
    asked: string,
    columns: readonly string[],
  ) => Promise<Drawn>;
  /** Draws a sound, all its windows together. */
  readonly sound: (name: string, wave: WaveSketch, asked: string, plan: SoundPlan) => Promise<Drawn>;
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
  #outputs: RelevanceFile[] | undefined;
  #kept: readonly (readonly number[])[] = [];
  readonly #rows: RowSample[];
  readonly #waves: WaveSketch[];
  #drawn: Drawn[] = [];
  #verdicts: string[] = [];
  #noted = performance.now();

  /** @param isNew whether what an earlier run left is not gone on with */
  constructor(options: RunFileOptions, isNew: boolean) {
    this.options = options;
    const { manifest, bound, hash, asked, figures } = options;
    this.#rows = asked.map(() => new RowSample());
    const { sound } = bound;
    this.#waves = sound && figures > 0 ? asked.map(() => new WaveSketch(sound.channels)) : [];
    if (isNew) return;
    const state = stateSchema.safeParse(manifest.partialOf(bound.file.key, hash)).data;
    if (state?.sizes.length !== asked.length || state.waves.length !== this.#waves.length) return;
    const rows = state.rows.map((each) => RowSample.from(each));
    const waves = state.waves.map((each) => WaveSketch.from(each));
    if (!rows.every((each) => each !== undefined) || !waves.every((each) => each !== undefined)) return;
    this.samples = state.samples;
    this.failed = state.failed;
    this.#kept = state.sizes;
    this.#rows = rows;
    this.#waves = waves;
    this.#drawn = state.drawn;
    this.#verdicts = state.verdicts;
  }

  get path(): string {
    return this.options.bound.file.path;
  }

  /** Whether rows of a table are explained, whose columns have names. */
  get isTable(): boolean {
    return this.options.bound.columns !== undefined;
  }

  /** Writes the relevance of a block, and draws what is drawn of it. */
  async add(block: ExplainedBlock): Promise<void> {
    const { first, count, batch, values, failed, windows } = block;
    const runs = this.options.asked.map((each) => batch.runs.find(each.is));
    const outputs = (this.#outputs ??= await this.#open(block));
    for (const [a, output] of outputs.entries()) {
      const run = runs[a];
      await output.append({
        first,
        count,
        ...(windows && { windows }),
        chosen: (i) => (failed.has(i) ? undefined : run?.pickIn(i)),
        start: (i) => run?.explanation.start[i] ?? 0,
        score: (chosen) => batch.score(chosen),
        relevance: (input) => (run ? batch.relevance(run, input) : new Float32Array(0)),
      });
      if (run) this.#sampleRows(block, run, a);
    }
    for (let i = 0; i < count && this.#isShown(first + i, runs); i++) {
      if (failed.has(i)) continue;
      const own = new Map([...values].map(([name, array]) => [name, this.#sample(name, array, i)]));
      for (const [a, run] of runs.entries()) {
        const answer = run && batch.answer(run, i);
        if (answer) await this.#show(first + i, a, own, answer, windows?.[i]);
      }
    }
    this.samples += count;
    this.failed += failed.size;
    if (performance.now() - this.#noted > noteEvery) await this.note();
  }

  /** Keeps some rows of a table for the drawing of all. */
  #sampleRows({ count, batch, values, failed }: ExplainedBlock, run: AnswerRun, a: number): void {
    const { bound, figures } = this.options;
    const { columns, tableInput = "" } = bound;
    const rows = values.get(tableInput);
    if (!columns || !rows || figures === 0 || !(tableInput in run.explanation.relevances)) return;
    const isIn = (i: number): boolean => !failed.has(i) && run.pickIn(i) !== undefined;
    this.#rows[a]?.add(floats(rows.data), batch.relevance(run, tableInput), count, isIn);
  }

  /** Whether something is drawn or said of a sample, and so of those before it. */
  #isShown(sample: number, runs: readonly (AnswerRun | undefined)[]): boolean {
    const { bound, figures } = this.options;
    const hasLedger = runs.some((run) => run?.explanation.ledgers !== undefined);
    if (hasLedger && this.#verdicts.length < mostVerdicts) return true;
    // Of a sound all windows are drawn together.
    if (bound.sound) return figures > 0;
    // Of the rows of a table all are drawn together.
    return sample < figures && (!bound.columns || bound.count === 1);
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
    const isCsv = bound.columns !== undefined && shapes.size === 1 && sizeOf(dims) === bound.columns.length;
    const outputs: RelevanceFile[] = [];
    for (const [a, { suffix }] of asked.entries()) {
      const name = `${key}${suffix}`;
      const kept = this.#kept[a] ?? [];
      const numbers = isCsv
        ? await openCsvNumbers(writer, name, input, bound.columns ?? [], kept)
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
    window: WindowPlace | undefined,
  ): Promise<void> {
    const { bound, asked, drawer, figures } = this.options;
    const { columns, count, file, sound } = bound;
    if (answer.ledger && this.#verdicts.length < mostVerdicts)
      this.#verdicts.push(`${sample}: ${ledgerResult(answer.ledger).verdict}`);
    if (sound && window) {
      const [wave, own] = [values.get(sound.input.name), answer.relevances[sound.input.name]];
      if (wave && own) this.#waves[a]?.add(wave, own, { window, plan: sound, started: answer.start });
      // All windows are drawn together.
      return;
    }
    if (columns && count !== 1) return;
    if (sample >= figures) return;
    const number = count === 1 ? "" : `.${sample}`;
    const name = `${file.key}${asked[a]?.suffix ?? ""}${number}`;
    this.#drawn.push(...(await drawer.sample(name, sample, values, answer, columns)));
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
    const { bound, asked, manifest, hash, drawer, figures } = this.options;
    await bound.close();
    if (!this.#outputs)
      throw new InputError({ what: `cannot explain "${this.path}"`, why: "it has no samples" });
    const { columns, file } = bound;
    for (const [a, rows] of this.#rows.entries()) {
      if (!columns || rows.seen < 2 || figures === 0) continue;
      const { suffix = "", text = "" } = asked[a] ?? {};
      this.#drawn.unshift(await drawer.summary(`${file.key}${suffix}`, rows, text, columns));
    }
    for (const [a, wave] of this.#waves.entries()) {
      const { suffix = "", text = "" } = asked[a] ?? {};
      if (!bound.sound || wave.seen === 0) continue;
      this.#drawn.push(await drawer.sound(`${file.key}${suffix}`, wave, text, bound.sound));
    }
    for (const output of this.#outputs) await output.finish();
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
    };
    await manifest.add(hash, result);
    return result;
  }
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
