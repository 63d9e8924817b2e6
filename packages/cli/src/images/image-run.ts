/** What all images of a run of `relprop explain` share. */

import type { Theme } from "@relprop/core/heatmap";
import type { Wanted } from "./image-files.ts";
import type { ImageResult } from "./image-result.ts";
import type { ImageFile, SeenPicture } from "../files/read-images.ts";
import type { OpenImages } from "../run/open-images.ts";
import type { PictureOptions, PictureRun } from "../run/start-pictures.ts";

/** Everything that `relprop explain` can be told. */
export interface ExplainOptions extends PictureOptions, Wanted {
  /** Of figures. */
  readonly theme: Theme;
}

/** What all images of a run share. */
export interface Run extends PictureRun, Omit<OpenImages<ImageResult>, "images"> {
  readonly options: ExplainOptions;
}

/** An image that has to be explained, read. */
export interface Pending extends ImageFile {
  readonly hash: string;
  readonly picture: SeenPicture;
}
