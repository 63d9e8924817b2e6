/** All operators that relprop knows the shapes of, each with what is known of it: one record, in its family's file. */

import { activations } from "./activations.ts";
import { arithmetic } from "./arithmetic.ts";
import { control } from "./control.ts";
import { gathering } from "./gathering.ts";
import { images } from "./images.ts";
import { layout } from "./layout.ts";
import { logic } from "./logic.ts";
import { making } from "./making.ts";
import { normalization } from "./normalization.ts";
import type { Operator } from "./operator.ts";
import { parts } from "./parts.ts";
import { products } from "./products.ts";
import { recurrence } from "./recurrent.ts";
import { reductions } from "./reductions.ts";
import { scattering } from "./scattering.ts";
import { slicing } from "./slicing.ts";
import { spectra } from "./spectra.ts";
import { types } from "./types.ts";
import { windows } from "./windows.ts";

/** opType -> operator; relprop's own (Affine, Linear, Product, Contraction) among those of ai.onnx. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  [
    arithmetic,
    activations,
    logic,
    types,
    windows,
    products,
    normalization,
    reductions,
    layout,
    parts,
    slicing,
    gathering,
    scattering,
    images,
    making,
    spectra,
    recurrence,
    control,
  ].flatMap((family) => Object.entries(family)),
);
