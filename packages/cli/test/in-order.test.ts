import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { inOrder } from "../src/sessions/in-order.ts";

const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

const slowFirst = (i: number): Promise<number> => sleep(20 - i, i);

async function failsAtThree(i: number): Promise<number> {
  if (i === 3) throw new Error("three");
  return slowFirst(i);
}

async function* breaking(): AsyncGenerator<number> {
  yield* [0, 1];
  throw new Error("source");
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const taken: T[] = [];
  for await (const each of source) taken.push(each);
  return taken;
}

describe("work in order", () => {
  test("gives results in the source's order, whichever is ready first", async () => {
    expect(await all(inOrder(numbers(20), 5, slowFirst))).toEqual(numbers(20));
    expect(await all(inOrder([], 5, slowFirst))).toEqual([]);
  });

  test("begins no more than it may, and that many at once", async () => {
    let begun = 0;
    let taken = 0;
    let most = 0;
    const work = async (i: number): Promise<number> => {
      most = Math.max(most, ++begun - taken);
      await sleep(1);
      return i;
    };
    for await (const _ of inOrder(numbers(50), 4, work)) {
      taken++;
      await sleep(2);
    }
    // The one that the reader has is taken already.
    expect(most).toBe(4);
    expect(begun).toBe(50);
  });

  test("works while the reader does something else, also through several stages", async () => {
    const events: string[] = [];
    const first = inOrder(numbers(6), 2, async (i) => {
      events.push(`first ${i}`);
      return i;
    });
    const second = inOrder(first, 2, async (i) => {
      events.push(`second ${i}`);
      return i;
    });
    for await (const i of second) {
      await sleep(5);
      events.push(`read ${i}`);
    }
    expect(events.indexOf("first 4")).toBeLessThan(events.indexOf("read 0"));
    expect(events.at(-1)).toBe("read 5");
  });

  test("throws what went wrong at its place, after what comes before it", async () => {
    const taken: number[] = [];
    const read = async (): Promise<void> => {
      for await (const i of inOrder(numbers(10), 4, failsAtThree)) taken.push(i);
    };
    await expect(read()).rejects.toThrow("three");
    expect(taken).toEqual([0, 1, 2]);
    const got: number[] = [];
    const readBreaking = async (): Promise<void> => {
      for await (const i of inOrder(breaking(), 4, async (i) => i)) got.push(i);
    };
    await expect(readBreaking()).rejects.toThrow("source");
    expect(got).toEqual([0, 1]);
  });

  test("a reader that stops ends it: nothing more begins, and what was begun ends first", async () => {
    let begun = 0;
    let ended = 0;
    let isReturned = false;
    function* source(): Generator<number> {
      try {
        yield* numbers(100);
      } finally {
        isReturned = true;
      }
    }
    const stages = inOrder(source(), 3, async (i) => {
      begun++;
      await sleep(5);
      ended++;
      return i;
    });
    for await (const i of inOrder(stages, 2, async (i) => i)) if (i === 4) break;
    expect(ended).toBe(begun);
    expect(begun).toBeLessThanOrEqual(5 + 3 + 2 + 1);
    expect(isReturned).toBe(true);
    await sleep(20);
    expect(begun).toBe(ended);
  });
});
