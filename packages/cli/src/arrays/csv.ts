/** Tables of lines whose cells are parted by commas, semicolons or tabs. They are parsed in a thread. */

import { CsvBlocks, numberIn, type CsvBlock, type CsvSource } from "./csv-blocks.ts";
import { csvForm, formBytes, type CsvForm } from "./csv-form.ts";
import { headOf } from "../files/file-ends.ts";
import { JobThread } from "../sessions/job-thread.ts";
import { cannotRead, type RowReader, type Rows, type Table } from "./table.ts";

/** Rows that the thread is asked for, and its answer. */
export interface BlockJob {
  readonly job: number;
  readonly first: number;
  readonly count: number;
}
export type BlockAnswer = { readonly id: number } & ({ readonly block: CsvBlock } | { readonly why: string });

/**
 * A file of lines. Its first line has the names, unless all of it are numbers.
 * @throws InputError if it cannot be read, or is empty
 */
export async function openCsv(path: string): Promise<Table> {
  const form = await formOf(path);
  const whole = { path, form, hasNames: false, numbers: [], texts: [] };
  const cells = await reading(whole, (lines) => lines.firstRow());
  if (!cells) throw cannotRead(path, "it is empty");
  const toNumber = numberIn(form);
  const hasNames = cells.some((cell) => !Number.isFinite(toNumber(cell)));
  const source = { path, form, hasNames };
  const columns = hasNames ? cells : cells.map((_, i) => String(i));
  return {
    columns,
    count: undefined,
    counted: async () => {
      const reader = new CsvReader({ ...source, numbers: [], texts: [] });
      try {
        return await reader.toEnd();
      } finally {
        await reader.close();
      }
    },
    read: (wanted = { numbers: [], texts: [...columns.keys()] }) => new CsvReader({ ...source, ...wanted }),
    numberOf: toNumber,
    notes: form.notes,
  };
}

/** How a file is written. @throws InputError if it cannot be read, or has numbers of two kinds */
async function formOf(path: string): Promise<CsvForm> {
  try {
    return csvForm(path, await headOf(path, formBytes));
  } catch (error) {
    throw cannotRead(path, error);
  }
}

/** Reads some of a file here. @throws InputError if it cannot be read */
async function reading<Result>(
  source: CsvSource,
  read: (lines: CsvBlocks) => Promise<Result>,
): Promise<Result> {
  const lines = new CsvBlocks(source);
  try {
    return await read(lines);
  } catch (error) {
    throw cannotRead(source.path, error);
  } finally {
    await lines.close();
  }
}

const worker = new URL(
  import.meta.url.endsWith(".ts") ? "./csv-blocks-worker.ts" : "./csv-blocks-worker.js",
  import.meta.url,
);

/** Rows that are read before they are asked for. */
interface Ahead {
  readonly first: number;
  readonly count: number;
  readonly block: Promise<CsvBlock>;
}

class CsvReader implements RowReader {
  readonly #source: CsvSource;
  readonly #thread: JobThread<Omit<BlockJob, "job">, BlockAnswer>;
  #ahead: Ahead | undefined;

  constructor(source: CsvSource) {
    this.#source = source;
    this.#thread = new JobThread({ file: worker, name: "relprop rows", data: source });
  }

  /** @throws InputError if the file cannot be read, or a row has more or fewer cells than the first */
  async take(first: number, count: number): Promise<Rows> {
    // Where one row is all that is asked for, it is not worth a thread.
    if (first === 0 && count === 1 && !this.#thread.isRunning)
      return rowsOfBlock(await reading(this.#source, (lines) => lines.take(first, count)), this.#source);
    const known = this.#ahead;
    this.#ahead = undefined;
    const block = await (known?.first === first && known.count === count
      ? known.block
      : this.#ask(first, count));
    if (block.count === count) {
      const next = { first: first + count, count };
      this.#ahead = { ...next, block: this.#ask(next.first, count) };
      // Whoever asks for it is told why there is none.
      this.#ahead.block.catch(() => undefined);
    }
    return rowsOfBlock(block, this.#source);
  }

  /** Passes all rows. @returns how many there are */
  async toEnd(): Promise<number> {
    return (await this.#ask(Infinity, 0)).passed;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }

  async #ask(first: number, count: number): Promise<CsvBlock> {
    let heard: BlockAnswer | undefined;
    let ended = "";
    await this.#thread.do(
      { first, count },
      (answer) => (heard = answer),
      (why) => (ended = why),
    );
    if (!heard) throw new Error(`the thread that reads "${this.#source.path}" ended: ${ended}`);
    if ("block" in heard) return heard.block;
    throw cannotRead(this.#source.path, heard.why);
  }
}

function rowsOfBlock({ count, numbers, texts, bad }: CsvBlock, source: CsvSource): Rows {
  const toNumber = numberIn(source.form);
  const width = source.numbers.length;
  const cell = (row: number, column: number): string | number | undefined => {
    const ofText = source.texts.indexOf(column);
    if (ofText !== -1) return texts[ofText]?.[row];
    const place = row * width + source.numbers.indexOf(column);
    return bad.get(place) ?? numbers[place];
  };
  return {
    count,
    cell,
    numbers: (columns) => {
      const isAll = columns.length === width && columns.every((column, i) => column === source.numbers[i]);
      if (isAll) return numbers;
      const places = columns.map((column) => source.numbers.indexOf(column));
      const all = new Float64Array(count * columns.length);
      let next = 0;
      for (let row = 0; row < count; row++) {
        for (const [i, place] of places.entries())
          all[next++] =
            place === -1
              ? toNumber(cell(row, columns[i] as number))
              : (numbers[row * width + place] as number);
      }
      return all;
    },
  };
}
