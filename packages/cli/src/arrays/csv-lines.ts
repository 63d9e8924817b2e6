/** Numbers of rows -> lines of a table, in a thread of their own: the main thread has reading and explaining to do. */

import { mostPlainBytes, putPlain } from "./decimals.ts";
import { JobThread } from "../sessions/job-thread.ts";

/** Lines before they are text. */
export interface CsvLines {
  /** What each begins with. */
  readonly beginnings: readonly string[];
  /** 1 for a line that goes on with numbers. */
  readonly hasNumbers: Uint8Array;
  /** [lines, columns], of lines without numbers anything. */
  readonly numbers: Float32Array<ArrayBuffer>;
  readonly columns: number;
}

/** Lines for the thread, and those that are done. */
export type LinesJob = CsvLines & { readonly job: number };
export type LinesAnswer = { readonly id: number; readonly text: Uint8Array };

/** Writes lines with {@link putPlain}. */
export function csvText({ beginnings, hasNumbers, numbers, columns }: CsvLines): Buffer<ArrayBuffer> {
  const most = beginnings.reduce((sum, { length }) => sum + 3 * length + 1, 0);
  const text = Buffer.allocUnsafeSlow(most + numbers.length * (1 + mostPlainBytes));
  let end = 0;
  for (const [line, beginning] of beginnings.entries()) {
    end += text.write(beginning, end);
    const stop = hasNumbers[line] === 1 ? (line + 1) * columns : 0;
    for (let i = line * columns; i < stop; i++) {
      text[end++] = 44;
      end = putPlain(text, end, numbers[i] as number);
    }
    text[end++] = 10;
  }
  return text.subarray(0, end);
}

const worker = new URL(
  import.meta.url.endsWith(".ts") ? "./csv-lines-worker.ts" : "./csv-lines-worker.js",
  import.meta.url,
);

/** {@link csvText} in a thread, which starts with the first lines. */
export class CsvLinesThread {
  readonly #thread = new JobThread<CsvLines, LinesAnswer>({ file: worker, name: "relprop lines" });

  /** @param lines their numbers move to the thread */
  async text(lines: CsvLines): Promise<Uint8Array> {
    let answer: LinesAnswer | undefined;
    let ended = "";
    await this.#thread.do(
      lines,
      (heard) => (answer = heard),
      (why) => (ended = why),
      [lines.numbers.buffer],
    );
    if (!answer) throw new Error(`the thread that writes relevance ended: ${ended}`);
    return answer.text;
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}
