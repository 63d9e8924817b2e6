/** The answers of a sound's windows as a table: `<name>.windows.csv`. */

import { plain } from "./decimals.ts";
import { quoted, type RelevanceFile } from "./relevance-file.ts";
import type { ResultWriter } from "../files/result-writer.ts";
import { amountOf } from "../run/score.ts";
import type { SoundPlan } from "../sounds/sound-plan.ts";
import { windowSums } from "../sounds/window-sums.ts";

/** Microseconds are enough to find a sample. */
const time = (samples: number, rate: number): string => String(Number((samples / rate).toFixed(6)));

const encoder = new TextEncoder();

/**
 * Opens the table: a line for each window with its beginning and end in seconds, what is explained and how high it is, where
 * relevance starts, how much reached the window, how many seconds of it stand behind the end of the sound, and how much
 * relevance reached those. A window that failed has its time only.
 * @param kept bytes that an earlier run left
 */
export async function openWindowTable(
  writer: ResultWriter,
  name: string,
  plan: SoundPlan,
  kept: number,
): Promise<RelevanceFile> {
  const file = `${name}.windows.csv`;
  const part = await writer.growing(file, kept);
  if (part.size === 0)
    await part.append(
      encoder.encode("window,from,to,explained,score,start,relevance,padded,padded_relevance\n"),
    );
  return {
    files: { windows: file },
    append: async ({ first, count, windows = [], chosen, score, start, relevance }) => {
      const all = relevance(plan.input.name);
      let text = "";
      for (const [i, window] of windows.slice(0, count).entries()) {
        text += `${first + i},${time(window.start, plan.rate)},${time(window.end, plan.rate)}`;
        const explained = chosen(i);
        if (!explained) {
          text += ",,,,,,\n";
          continue;
        }
        const size = (window.end - window.start + window.padded) * plan.channels;
        const own = { data: all.subarray(i * size, (i + 1) * size) };
        const { reached, padding } = windowSums(own, window, plan);
        const answer = score(explained);
        text += `,${quoted(answer.label)},${plain(amountOf(answer))},${plain(start(i))}`;
        text += `,${plain(reached)},${time(window.padded, plan.rate)},${plain(padding)}\n`;
      }
      await part.append(encoder.encode(text));
    },
    sizes: () => [part.size],
    leave: () => part.leave(),
    finish: () => writer.finish(part),
  };
}
