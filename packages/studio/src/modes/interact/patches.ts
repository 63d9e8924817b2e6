/** The patches that cover a picture, and their undo history: immutable lists, pure functions. */

/** What a patch shows in place of the picture. `image` is another picture, at the same place. */
export const fills = ["mean", "noise", "black", "white", "blur", "image"] as const;
export type Fill = (typeof fills)[number];

/** Names of the fills, for lists and sentences. */
export const fillNames: Readonly<Record<Fill, string>> = {
  mean: "mean colour",
  noise: "noise",
  black: "black",
  white: "white",
  blur: "blur",
  image: "another image",
};

/** A pixel of the input, from its top left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** One stroke of a square brush, in pixels of the input. A single dab is a square patch. */
export interface Patch {
  readonly id: number;
  readonly fill: Fill;
  /** Side of the square, at least 1. */
  readonly size: number;
  /** Centres of the brush; at least one point. */
  readonly points: readonly Point[];
}

export type Patches = readonly Patch[];

/** Patches with their undo and redo steps. */
export interface PatchHistory {
  readonly past: readonly Patches[];
  readonly present: Patches;
  readonly future: readonly Patches[];
  /** Changes of the same gesture (a drag, a stroke) are undone together. */
  readonly gesture: string | undefined;
}

export const noPatches: PatchHistory = { past: [], present: [], future: [], gesture: undefined };

/** The maximum number of undo steps. */
const memory = 200;

/**
 * The history after a change.
 * @param gesture successive changes with the same name become one step; undefined makes a step of its own.
 */
export function changed(history: PatchHistory, present: Patches, gesture?: string): PatchHistory {
  if (present === history.present) return history;
  const continues = gesture !== undefined && gesture === history.gesture;
  const past = continues ? history.past : [...history.past, history.present].slice(-memory);
  return { past, present, future: [], gesture };
}

/** One step back; the same history if there is none. */
export function undo(history: PatchHistory): PatchHistory {
  const before = history.past.at(-1);
  if (before === undefined) return history;
  return {
    past: history.past.slice(0, -1),
    present: before,
    future: [history.present, ...history.future],
    gesture: undefined,
  };
}

/** One step forward; the same history if there is none. */
export function redo(history: PatchHistory): PatchHistory {
  const [after, ...future] = history.future;
  if (after === undefined) return history;
  return { past: [...history.past, history.present], present: after, future, gesture: undefined };
}

/** Removes all patches; can be undone. */
export function reset(history: PatchHistory): PatchHistory {
  return history.present.length === 0 ? history : changed(history, []);
}

/** Puts a new patch on top. Its id is one more than the largest. */
export function added(patches: Patches, patch: Omit<Patch, "id">): readonly [patches: Patches, id: number] {
  const id = 1 + patches.reduce((largest, { id }) => Math.max(largest, id), 0);
  return [[...patches, { ...patch, id }], id];
}

/** Continues a stroke to a point; points between are filled in to close gaps. */
export function stroked(patches: Patches, id: number, to: Point): Patches {
  return replaced(patches, id, (patch) => {
    const from = patch.points.at(-1) ?? to;
    const distance = Math.max(Math.abs(to.x - from.x), Math.abs(to.y - from.y));
    if (distance === 0) return patch;
    const stride = Math.max(1, Math.floor(patch.size / 2));
    const steps = Math.ceil(distance / stride);
    const between = Array.from({ length: steps }, (_, i) => ({
      x: Math.round(from.x + ((to.x - from.x) * (i + 1)) / steps),
      y: Math.round(from.y + ((to.y - from.y) * (i + 1)) / steps),
    }));
    return { ...patch, points: [...patch.points, ...between] };
  });
}

/** Moves a patch by whole pixels, but keeps at least one pixel of it in the picture. */
export function moved(
  patches: Patches,
  id: number,
  by: Point,
  picture: { readonly width: number; readonly height: number },
): Patches {
  return replaced(patches, id, (patch) => {
    const box = boundsOf(patch);
    const x = clamp(by.x, 1 - box.left - box.width, picture.width - 1 - box.left);
    const y = clamp(by.y, 1 - box.top - box.height, picture.height - 1 - box.top);
    if (x === 0 && y === 0) return patch;
    return { ...patch, points: patch.points.map((point) => ({ x: point.x + x, y: point.y + y })) };
  });
}

/** Changes the brush size of a patch, between 1 and `largest` pixels. */
export function resized(patches: Patches, id: number, size: number, largest: number): Patches {
  return replaced(patches, id, (patch) => {
    const fitting = clamp(Math.round(size), 1, largest);
    return fitting === patch.size ? patch : { ...patch, size: fitting };
  });
}

export function refilled(patches: Patches, id: number, fill: Fill): Patches {
  return replaced(patches, id, (patch) => (patch.fill === fill ? patch : { ...patch, fill }));
}

export function removed(patches: Patches, id: number): Patches {
  return patches.some((patch) => patch.id === id) ? patches.filter((patch) => patch.id !== id) : patches;
}

/** The topmost patch that contains a pixel. */
export function patchAt(patches: Patches, { x, y }: Point): Patch | undefined {
  return patches.findLast((patch) =>
    patch.points.some((point) => {
      const { left, top } = squareAt(point, patch.size);
      return x >= left && x < left + patch.size && y >= top && y < top + patch.size;
    }),
  );
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** The bounding box of a patch. */
export function boundsOf(patch: Patch): Box {
  const lefts = patch.points.map((point) => squareAt(point, patch.size).left);
  const tops = patch.points.map((point) => squareAt(point, patch.size).top);
  const left = lefts.reduce((a, b) => Math.min(a, b), Infinity);
  const top = tops.reduce((a, b) => Math.min(a, b), Infinity);
  return {
    left,
    top,
    width: lefts.reduce((a, b) => Math.max(a, b), -Infinity) + patch.size - left,
    height: tops.reduce((a, b) => Math.max(a, b), -Infinity) + patch.size - top,
  };
}

/** The top left corner of a brush's square around a point. */
export function squareAt({ x, y }: Point, size: number): { readonly left: number; readonly top: number } {
  const half = Math.floor(size / 2);
  return { left: x - half, top: y - half };
}

function replaced(patches: Patches, id: number, change: (patch: Patch) => Patch): Patches {
  let isSame = true;
  const after = patches.map((patch) => {
    if (patch.id !== id) return patch;
    const next = change(patch);
    if (next !== patch) isSame = false;
    return next;
  });
  return isSame ? patches : after;
}

const clamp = (value: number, low: number, high: number): number => Math.min(high, Math.max(low, value));
