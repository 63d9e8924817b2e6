/** The answers of a sound's windows as a table: `<name>.windows.csv`. */

import { plain, quoted, type RelevanceFile } from "./relevance-file.ts";
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
    append: async (samples) => {
      let text = "";
      for (const { sample, window, answer } of samples) {
        if (!window) continue;
        text += `${sample},${time(window.start, plan.rate)},${time(window.end, plan.rate)}`;
        const relevance = answer?.relevances[plan.input.name];
        if (answer && relevance) {
          const { reached, padding } = windowSums(relevance, window, plan);
          text += `,${quoted(answer.score.label)},${plain(amountOf(answer.score))},${plain(answer.start)}`;
          text += `,${plain(reached)},${time(window.padded, plan.rate)},${plain(padding)}\n`;
        } else text += ",,,,,,\n";
      }
      await part.append(encoder.encode(text));
    },
    sizes: () => [part.size],
    leave: () => part.leave(),
    finish: () => writer.finish(part),
  };
}
