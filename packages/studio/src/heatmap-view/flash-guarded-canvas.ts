/** {@link FlashGuard} for a canvas. */

import { FlashGuard, guardCells } from "./flash-guard.ts";

/** Checks the pictures that a canvas is about to show. */
export class FlashGuardedCanvas {
  readonly #guard = new FlashGuard();
  readonly #small = document.createElement("canvas");

  constructor() {
    this.#small.width = guardCells;
    this.#small.height = guardCells;
  }

  /** Whether a picture may be shown now without a fourth flash within a second; if so, it counts as shown. */
  allows(picture: CanvasImageSource): boolean {
    const context = this.#small.getContext("2d", { willReadFrequently: true });
    if (context === null) throw new Error("This browser gives no 2D canvas.");
    context.drawImage(picture, 0, 0, guardCells, guardCells);
    return this.#guard.allows(context.getImageData(0, 0, guardCells, guardCells).data, performance.now());
  }
}

/** Milliseconds before a rejected picture is tried again. */
export const retryMilliseconds = 350;
