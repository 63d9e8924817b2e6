/** A picture as a model sees it, before the model has answered. */

import type { InputCard } from "@relprop/core/zoo";
import type { Picture } from "@relprop/engine/engine";
import { fitPicture } from "./pictures.ts";

type Cut = Pick<InputCard, "size" | "resize">;
/** What is shown of a picture while it is not known what the model takes. */
const square: Cut = { size: [224, 224], resize: { shortSide: 224 } };

interface Wanted {
  readonly bitmap: ImageBitmap;
  /** Undefined while it is not known. */
  readonly input: Cut | undefined;
}

export class FittedPicture {
  readonly #wanted: () => Wanted | undefined;
  #fitted: (Wanted & { readonly picture: Picture }) | undefined = $state.raw();

  /** Made while a component is set up, whose effect it is. */
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

  /** Undefined until it is there. */
  get picture(): Picture | undefined {
    const now = this.#wanted();
    const isSame = now && this.#fitted?.bitmap === now.bitmap && this.#fitted.input === now.input;
    return isSame ? this.#fitted?.picture : undefined;
  }
}
