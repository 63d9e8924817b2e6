/** The shared state of the films of a run. */

import { OptionError } from "@relprop/core";
import type { Coloring } from "../run/decide.ts";
import type { OpenInputs } from "../run/open-inputs.ts";
import type { PictureOptions, PictureRun } from "../run/start-pictures.ts";
import type { FilmView } from "./draw-frame.ts";
import type { FilmStretch } from "./film.ts";
import type { FilmResult } from "./film-result.ts";

/** Which frames are explained, and how they are drawn. */
export interface FilmChoices extends FilmStretch {
  readonly view: FilmView;
  /** Whether each map is drawn for itself, not averaged over frames. */
  readonly raw: boolean;
  /** The new film's name below the output folder, if it was named. */
  readonly film?: string;
}

/** @throws OptionError if what films alone have is asked for where there are none */
export function refuseFilmChoices({ view, raw, every = 1 }: FilmChoices): void {
  const name = view === "overlay" ? (raw ? "raw" : every > 1 ? "every" : undefined) : "view";
  if (name === undefined) return;
  throw new OptionError({
    what: `cannot use --${name}`,
    why: "it is an option of films that are seen, and there are none",
    fix: "leave it out",
  });
}

/** The state that all films of a run share. */
export interface FilmRun extends PictureRun, Pick<OpenInputs<FilmResult>, "writer" | "manifest"> {
  readonly options: PictureOptions;
  readonly choices: FilmChoices;
  readonly coloring: Coloring;
  readonly interrupted: () => boolean;
}
