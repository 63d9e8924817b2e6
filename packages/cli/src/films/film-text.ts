/** The output of `explain` for a film: lines for people, a record for programs; and the decisions about films. */

import { join } from "node:path";
import { stretchText } from "../media/jobs.ts";
import type { CompileDecision } from "../run/decide.ts";
import { Reached } from "../run/ledger-record.ts";
import type { ReportOptions } from "../terminal/report.ts";
import type { FilmChoices } from "./film-run.ts";
import type { LedgerResult } from "../run/ledger-record.ts";
import type { FilmResult, FrameResult } from "./film-result.ts";

const two = (part: number): string => String(part).padStart(2, "0");

/** Seconds as `0:07`, `1:02:03`. */
export function clockText(seconds: number): string {
  const whole = Math.floor(seconds);
  const minutes = Math.floor(whole / 60);
  const rest = two(whole % 60);
  return minutes < 60 ? `${minutes}:${rest}` : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${rest}`;
}

/** What was explained, and in which share of the frames; the most frequent first. */
export function sharesOf({ frames }: FilmResult): (readonly [label: string, share: number])[] {
  const counts = new Map<string, number>();
  for (const { answer } of frames) if (answer) counts.set(answer.label, (counts.get(answer.label) ?? 0) + 1);
  return [...counts]
    .map(([label, count]) => [label, count / frames.length] as const)
    .sort((a, c) => c[1] - a[1]);
}

/** The ledger of a frame, and when the frame is shown. */
type Kept = LedgerResult & Pick<FrameResult, "time">;

/** How far from all of it is what reached the input. */
const lost = ({ start, reached }: Kept): number => (start === 0 ? 0 : Math.abs(1 - reached / start));

/** What people should know about a film besides what it shows. */
export function filmNotes({ frames, silence, stopped }: FilmResult): string[] {
  const plain = frames.filter(({ answer }) => !answer);
  const reached = new Reached();
  for (const { answer } of frames) if (answer?.ledger) reached.add(answer.ledger);
  const ledger = reached.text("frames");
  const [first] = plain;
  const worst = frames
    .flatMap(({ time, answer }) => (answer?.ledger ? [{ time, ...answer.ledger }] : []))
    .reduce<Kept | undefined>((most, each) => (most && lost(most) >= lost(each) ? most : each), undefined);
  return [
    ...(worst ? [`the ledger is furthest from 100 % at ${clockText(worst.time)}: ${worst.verdict}`] : []),
    ...(first
      ? [
          `${plain.length} of ${frames.length} frames are shown as they were, the first at ${clockText(first.time)}: ${first.error}`,
        ]
      : []),
    ...(ledger === undefined ? [] : [ledger]),
    ...(silence === undefined ? [] : [`without sound: ${silence}`]),
    ...(stopped === undefined
      ? []
      : [`stopped at ${clockText(stopped)}; the same command starts this film anew`]),
  ];
}

/** A line per film and one per note for people; one record for programs. */
export function filmText(result: FilmResult, { json, folder }: ReportOptions): string {
  const { key: _key, settings: _settings, files, input, ...rest } = result;
  const film = join(folder, files.film);
  if (json) {
    const unexplained = result.frames.filter(({ answer }) => !answer).length;
    return JSON.stringify({ v: 2, input, outputs: { film }, unexplained, ...rest });
  }
  const shares = sharesOf(result)
    .slice(0, 3)
    .map(([label, share]) => `${label} in ${(100 * share).toFixed(0)} %`);
  const line = `${input}  ${result.frames.length} ${result.frames.length === 1 ? "frame" : "frames"} · ${shares.join(" · ")} · ${film}`;
  return [line, ...filmNotes(result).map((note) => `  ${note}`)].join("\n");
}

/** How films are explained, in words. */
export function filmDecisions(
  { requests, isAsked }: Pick<CompileDecision, "requests" | "isAsked">,
  choices: FilmChoices,
): [name: string, value: string][] {
  const { view, raw, every = 1 } = choices;
  const [request] = requests ?? [];
  const own =
    !request || request.kind === "top" ? (isAsked ? "its own best class" : "its own answer") : undefined;
  const stretch = stretchText(choices);
  return [
    ["view", view],
    ["maps", raw ? "of each frame alone" : "averaged over frames"],
    ["each frame explains", own ?? "what is asked"],
    ...(every === 1 ? [] : [["of every", `${every} frames one`] satisfies [string, string]]),
    ...(stretch === undefined ? [] : [["from", stretch] satisfies [string, string]]),
  ];
}
