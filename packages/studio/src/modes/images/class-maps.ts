/**
 * The maps of a picture's best classes, made together behind the answer that is shown: a click on a class then needs no run.
 * The first map waits for none of them.
 */

import { inTurn } from "@relprop/engine/in-turn";
import type { Engine, ExplainResult, LoadedModel, Picture } from "@relprop/engine/engine";
import type { ViewSettings } from "../../state/view-settings.ts";

/** What a map is of. */
type Asked = Pick<ViewSettings, "composite" | "target" | "keep">;

/** A picture as a model sees it. Both are compared by identity. */
export interface SeenPicture {
  readonly engine: Engine;
  readonly model: LoadedModel;
  /** The picture that was chosen. */
  readonly picture: object;
}

/** Keeps the maps of one picture. */
export class ClassMaps {
  #of: Pick<SeenPicture, "model" | "picture"> | undefined;
  /** Those of one composite and filter, by class. */
  #results = new Map<number, ExplainResult>();
  #settings = "";

  /** The map of a class, if it is there. */
  find(of: Omit<SeenPicture, "engine">, view: Asked): ExplainResult | undefined {
    const { target } = view;
    if (target.kind !== "class" || !this.#isOf(of, view)) return undefined;
    return this.#results.get(target.index);
  }

  /**
   * Makes them, unless they are there or being made.
   * @param view of any class of the picture
   * @param isWanted asked when the engine is free: whether the picture is still shown
   */
  async make(of: SeenPicture, picture: Picture, view: Asked, isWanted: () => boolean): Promise<void> {
    if (this.#isOf(of, view)) return;
    const results = new Map<number, ExplainResult>();
    this.#of = { model: of.model, picture: of.picture };
    this.#settings = settingsOf(view);
    this.#results = results;
    const { composite, target, keep } = view;
    try {
      const made = await inTurn(of.engine, async () =>
        isWanted() ? of.engine.explainBest({ picture, composite, target, keep }) : undefined,
      );
      // The next answer to the picture asks again.
      if (!made && this.#results === results) this.#of = undefined;
      for (const result of made ?? []) results.set(result.explained.numbers.index ?? -1, result);
    } catch {
      // The class that is clicked has a run of its own, which says what is wrong.
    }
  }

  #isOf({ model, picture }: Omit<SeenPicture, "engine">, view: Asked): boolean {
    return this.#of?.model === model && this.#of.picture === picture && this.#settings === settingsOf(view);
  }
}

const settingsOf = ({ composite, keep }: Asked): string => JSON.stringify([composite, keep]);
