/** Options of arrays, tables and signals, and when a run is one on them. */

import { InvalidArgumentError } from "@commander-js/extra-typings";
import { integer, number } from "./arguments.ts";
import type { OptionTable } from "./options.ts";

export const arrayOptions = {
  feed: {
    flag: "--feed <input=file>",
    help: "a further input: .npy, .npz, .csv, .json, a picture, a folder of files called as the others, or a number that fills it; may be repeated",
    read: feed,
  },
  columns: {
    flag: "--columns <list>",
    help: "columns of a table that are the model's features, in its order (all of numbers)",
    read: (text: string): string[] => text.split(",").map((name) => name.trim()),
  },
  labelsInput: { flag: "--labels-input <file>", help: "names of features or channels: JSON, or one a line" },
  rate: {
    flag: "--rate <hertz>",
    help: "samples a second: of a signal, for the time axis; of a model that takes sounds, which are resampled to it",
    read: number(Number.MIN_VALUE),
  },
  window: {
    flag: "--window <seconds>",
    help: "length of a sound's windows, if the model leaves it open (30, or all of a shorter sound)",
    read: number(1e-4),
  },
  hop: {
    flag: "--hop <seconds>",
    help: "from the beginning of a window to that of the next (a window: they do not overlap)",
    read: number(1e-4),
  },
  figures: {
    flag: "--figures <n>",
    help: "samples of a file that a figure is drawn of; 0 draws none",
    read: integer(0, 10_000),
    default: 8,
  },
} as const satisfies OptionTable;

function feed(text: string, before: Map<string, string> | undefined): Map<string, string> {
  const at = text.indexOf("=");
  if (at < 1 || at === text.length - 1) throw new InvalidArgumentError("It must be INPUT=FILE.");
  return new Map([...(before ?? []), [text.slice(0, at), text.slice(at + 1)]]);
}
