/** What a film is to those who read its frames, whatever file it comes from. */

import type { Pixels } from "@relprop/core/heatmap";
import type { FilmFacts, Stretch } from "../media/jobs.ts";

/** A frame, and when it is shown: both times in seconds of the file. */
export interface FilmFrame {
  readonly time: number;
  readonly duration: number;
  readonly picture: Pixels;
}

/** A film that is open. */
export interface Film extends FilmFacts {
  /** Frames in the order in which they are shown. To be read once; who stops earlier ends the reading. */
  readonly frames: AsyncIterable<FilmFrame>;
}

/** Which frames are wanted. */
export interface FilmStretch extends Stretch {
  /** Each so many-th frame. @default 1 */
  readonly every?: number;
}
