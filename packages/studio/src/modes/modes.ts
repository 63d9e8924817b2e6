/** The modes of the app, in the order of their tabs. To add one, add a folder with its `mode.ts` and an entry here. */

import { draw } from "./draw/mode.ts";
import { images } from "./images/mode.ts";
import { interact } from "./interact/mode.ts";
import { layers } from "./layers/mode.ts";
import { live } from "./live/mode.ts";
import type { Mode } from "./mode.ts";

/** The app starts with the first mode. */
export const modes: readonly [Mode, ...Mode[]] = [images, draw, live, interact, layers];
