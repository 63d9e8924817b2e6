/** The modes of the app, in the order of their tabs. A new one is a folder with its `mode.ts`, and a word here. */

import { draw } from "./draw/mode.ts";
import { images } from "./images/mode.ts";
import { interact } from "./interact/mode.ts";
import { layers } from "./layers/mode.ts";
import { live } from "./live/mode.ts";
import type { Mode } from "./mode.ts";

/** The first is the one that the app starts with. */
export const modes: readonly [Mode, ...Mode[]] = [images, draw, live, interact, layers];
