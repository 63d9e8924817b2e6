/** The shared state of a run of `relprop explain`. */

import type { Theme } from "@relprop/core/heatmap";
import type { Wanted } from "./image-files.ts";
import type { ImageResult } from "./image-result.ts";
import type { InputFile } from "../files/find-files.ts";
import type { SeenPicture } from "../files/read-images.ts";
import type { OpenInputs } from "../run/open-inputs.ts";
import type { PictureOptions, PictureRun } from "../run/start-pictures.ts";

/** All options of `relprop explain` for images. */
export interface ExplainOptions extends PictureOptions, Wanted {
  /** The background of figures. */
  readonly theme: Theme;
}

/** The state that all images of a run share. */
export interface Run extends PictureRun, Omit<OpenInputs<ImageResult>, "files"> {
  readonly options: ExplainOptions;
}

/** A decoded image that must be explained. */
export interface Pending extends InputFile {
  readonly hash: string;
  readonly picture: SeenPicture;
}
