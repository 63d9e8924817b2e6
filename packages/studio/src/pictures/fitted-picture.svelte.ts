/** A picture resized for a model, before the model has answered. */

import type { InputCard } from "@relprop/core/zoo";
import type { Picture } from "@relprop/engine/engine";
import { fitPicture } from "./pictures.ts";

type CropSettings = Pick<InputCard, "size" | "resize">;
/** The part of a picture that is shown while the model's input is unknown. */
const square: CropSettings = { size: [224, 224], resize: { shortSide: 224 } };

interface Wanted {
  readonly bitmap: ImageBitmap;
  /** Undefined while it is unknown. */
  readonly input: CropSettings | undefined;
}

export class FittedPicture {
  readonly #wanted: () => Wanted | undefined;
  #fitted: (Wanted & { readonly picture: Picture }) | undefined = $state.raw();

  /** Must be created during the setup of a component, which owns its effect. */
  constructor(wanted: () => Wanted | undefined, onError: (error: unknown) => void) {
    this.#wanted = wanted;
    $effect(() => {
      const now = wanted();
      if (!now || this.picture) return;
      fitPicture(now.bitmap, now.input ?? square).then(
        (picture) => (this.#fitted = { ...now, picture }),
        onError,
      );
    });
  }

  /** Undefined until it is ready. */
  get picture(): Picture | undefined {
    const now = this.#wanted();
    const isSame = now && this.#fitted?.bitmap === now.bitmap && this.#fitted.input === now.input;
    return isSame ? this.#fitted?.picture : undefined;
  }
}
