import { array, assert, constant, integer, nat, oneof, property, record } from "fast-check";
import { describe, expect, test } from "vitest";
import {
  added,
  boundsOf,
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
  type Patch,
  type PatchHistory,
  type Patches,
} from "../../src/modes/interact/patches.ts";

const dab = (x: number, y: number, size = 5): Omit<Patch, "id"> => ({
  fill: "mean",
  size,
  points: [{ x, y }],
});
const picture = { width: 28, height: 28 };

const withDabs = (...points: readonly [number, number][]): Patches =>
  points.reduce<Patches>((patches, [x, y]) => added(patches, dab(x, y))[0], []);

describe("patches", () => {
  test("get new ids, and the newest lies on top", () => {
    const patches = withDabs([5, 5], [7, 7]);
    expect(patches.map((patch) => patch.id)).toEqual([1, 2]);
    expect(patchAt(patches, { x: 6, y: 6 })?.id).toBe(2);
    expect(patchAt(patches, { x: 3, y: 3 })?.id).toBe(1);
    expect(patchAt(patches, { x: 20, y: 20 })).toBeUndefined();
  });

  test("move by whole pixels and never leave the picture for good", () => {
    const patches = withDabs([5, 5]);
    expect(moved(patches, 1, { x: 1, y: -2 }, picture)[0]?.points).toEqual([{ x: 6, y: 3 }]);
    const far = moved(patches, 1, { x: 1000, y: -1000 }, picture)[0];
    expect(far && boundsOf(far)).toEqual({ left: 27, top: -4, width: 5, height: 5 });
  });

  test("keep a size between one pixel and the largest", () => {
    const patches = withDabs([5, 5]);
    expect(resized(patches, 1, 0, 28)[0]?.size).toBe(1);
    expect(resized(patches, 1, 99, 28)[0]?.size).toBe(28);
    expect(resized(patches, 1, 5, 28)).toBe(patches);
  });

  test("a stroke has no holes", () => {
    const [patches, id] = added([], dab(2, 2, 3));
    const [stroke] = stroked(patches, id, { x: 20, y: 8 });
    const all = stroke ? [stroke] : [];
    for (let i = 0; i <= 18; i++) {
      const point = { x: 2 + i, y: Math.round(2 + i / 3) };
      expect(patchAt(all, point), JSON.stringify(point)).toBeDefined();
    }
    expect(stroke && boundsOf(stroke)).toEqual({ left: 1, top: 1, width: 21, height: 9 });
  });

  test("changes of a patch that is not there change nothing", () => {
    const patches = withDabs([5, 5]);
    expect(removed(patches, 9)).toBe(patches);
    expect(moved(patches, 9, { x: 1, y: 1 }, picture)).toBe(patches);
    expect(refilled(patches, 1, "mean")).toBe(patches);
    expect(removed(patches, 1)).toEqual([]);
  });
});

describe("undo and redo", () => {
  test("a drag is one step", () => {
    let history = changed(noPatches, withDabs([5, 5]));
    for (let i = 0; i < 10; i++) {
      history = changed(history, moved(history.present, 1, { x: 1, y: 0 }, picture), "drag 1");
    }
    expect(history.present[0]?.points[0]?.x).toBe(15);
    history = undo(history);
    expect(history.present[0]?.points[0]?.x).toBe(5);
    expect(redo(history).present[0]?.points[0]?.x).toBe(15);
  });

  test("a change after an undo forgets what was undone", () => {
    const history = changed(undo(changed(noPatches, withDabs([5, 5]))), withDabs([9, 9]));
    expect(redo(history)).toBe(history);
  });

  test("a drag that goes on after an undo is a new step", () => {
    let history = changed(noPatches, withDabs([1, 1]), "drag");
    history = undo(history);
    history = changed(history, withDabs([2, 2]), "drag");
    expect(undo(history).present).toEqual([]);
  });

  test("a reset can be undone, and resetting nothing is no step", () => {
    const history = changed(noPatches, withDabs([5, 5]));
    expect(undo(reset(history)).present).toBe(history.present);
    expect(reset(noPatches)).toBe(noPatches);
    expect(undo(noPatches)).toBe(noPatches);
  });

  test("undoing everything and redoing it gives the same patches", () => {
    const step = oneof(
      record({ kind: constant("add" as const), x: nat(27), y: nat(27) }),
      record({ kind: constant("move" as const), x: integer({ min: -9, max: 9 }), y: nat(9) }),
      record({ kind: constant("remove" as const), x: nat(3), y: nat(3) }),
    );
    assert(
      property(array(step, { maxLength: 30 }), (steps) => {
        let history: PatchHistory = noPatches;
        for (const { kind, x, y } of steps) {
          const { present } = history;
          if (kind === "add") history = changed(history, added(present, dab(x, y))[0]);
          else if (kind === "move") history = changed(history, moved(present, 1, { x, y }, picture));
          else history = changed(history, removed(present, x));
        }
        const end = history.present;
        while (history.past.length > 0) history = undo(history);
        expect(history.present).toEqual([]);
        while (history.future.length > 0) history = redo(history);
        expect(history.present).toEqual(end);
      }),
      { numRuns: 50 },
    );
  });
});
