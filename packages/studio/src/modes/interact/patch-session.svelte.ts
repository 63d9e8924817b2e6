/** The editing state of patches: history, selection, brush. */

import {
  added,
  changed,
  moved,
  noPatches,
  patchAt,
  redo,
  refilled,
  removed,
  reset,
  resized,
  stroked,
  undo,
  type Fill,
  type Patch,
  type PatchHistory,
  type Patches,
  type Point,
} from "./patches.ts";

/** The effect of the pointer on the picture. */
export type Tool = "brush" | "move";

export class PatchSession {
  history: PatchHistory = $state.raw(noPatches);
  selectedId: number | undefined = $state();
  tool: Tool = $state("brush");
  fill: Fill = $state("mean");
  /** Side of the brush in pixels of the input. */
  size: number = $state(1);
  /** Size of the picture, in pixels. */
  width: number = $state(1);
  height: number = $state(1);
  #gesture: { readonly name: string; readonly id: number; last: Point } | undefined;
  #gestures = 0;

  get patches(): Patches {
    return this.history.present;
  }

  get selected(): Patch | undefined {
    return this.patches.find((patch) => patch.id === this.selectedId);
  }

  /** Largest side that a brush can have. */
  get largest(): number {
    return Math.max(this.width, this.height);
  }

  /** Starts over on a picture of this size, with a brush of a fifth of its shorter side. */
  begin(width: number, height: number): void {
    const isSameSize = width === this.width && height === this.height;
    this.width = width;
    this.height = height;
    if (!isSameSize) this.size = Math.max(1, Math.round(Math.min(width, height) / 5));
    this.history = noPatches;
    this.selectedId = undefined;
    this.#gesture = undefined;
  }

  /** The pointer went down: starts a stroke, or grabs the patch under it. */
  press(point: Point): void {
    const name = `gesture ${++this.#gestures}`;
    if (this.tool === "brush") {
      this.#gesture = { name, id: this.add(point, name), last: point };
      return;
    }
    const patch = patchAt(this.patches, point);
    this.selectedId = patch?.id;
    this.#gesture = patch && { name, id: patch.id, last: point };
  }

  /** The pointer moved while it was down. */
  drag(point: Point): void {
    const gesture = this.#gesture;
    if (!gesture) return;
    const { id, last, name } = gesture;
    const after =
      this.tool === "brush"
        ? stroked(this.patches, id, point)
        : moved(this.patches, id, { x: point.x - last.x, y: point.y - last.y }, this);
    gesture.last = point;
    this.#change(after, name);
  }

  release(): void {
    this.#gesture = undefined;
  }

  /** Adds a square patch around a point (the picture's centre if none is given) and selects it. */
  add(
    point: Point = { x: Math.floor(this.width / 2), y: Math.floor(this.height / 2) },
    gesture?: string,
  ): number {
    const { fill, size } = this;
    const [patches, id] = added(this.patches, { fill, size, points: [point] });
    this.#change(patches, gesture);
    this.selectedId = id;
    return id;
  }

  /** Moves the selected patch; repeated keys are one undo step. */
  nudge(x: number, y: number): void {
    this.#changeSelected((id) => moved(this.patches, id, { x, y }, this), "nudge");
  }

  /** Resizes the selected patch by some pixels; without a selection, the brush. */
  grow(by: number): void {
    const { selected } = this;
    if (selected) this.resizeSelected(selected.size + by);
    else this.size = Math.min(this.largest, Math.max(1, this.size + by));
  }

  resizeSelected(size: number): void {
    this.#changeSelected((id) => resized(this.patches, id, size, this.largest), "resize");
  }

  fillSelected(fill: Fill): void {
    this.#changeSelected((id) => refilled(this.patches, id, fill), undefined);
  }

  /** Removes the selected patch and selects the topmost one. */
  remove(): void {
    this.#changeSelected((id) => removed(this.patches, id), undefined);
    this.selectedId = this.patches.at(-1)?.id;
  }

  undo(): void {
    this.#travel(undo(this.history));
  }

  redo(): void {
    this.#travel(redo(this.history));
  }

  reset(): void {
    this.#travel(reset(this.history));
  }

  #travel(history: PatchHistory): void {
    this.history = history;
    this.#gesture = undefined;
    if (!this.selected) this.selectedId = this.patches.at(-1)?.id;
  }

  #changeSelected(change: (id: number) => Patches, gesture: string | undefined): void {
    const id = this.selected?.id;
    if (id === undefined) return;
    this.#change(change(id), gesture === undefined ? undefined : `${gesture} ${id}`);
  }

  #change(patches: Patches, gesture: string | undefined): void {
    this.history = changed(this.history, patches, gesture);
  }
}
