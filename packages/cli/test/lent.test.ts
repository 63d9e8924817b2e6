import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Lent } from "../src/sessions/lent.ts";

test("one has a thing at a time, and who asked first is next", async () => {
  const lent = new Lent(["a", "b"]);
  const busy = new Set<string>();
  const order: number[] = [];
  const work = (i: number): Promise<string> =>
    lent.use(async (thing) => {
      expect(busy.has(thing)).toBe(false);
      busy.add(thing);
      order.push(i);
      await sleep(5 - i);
      busy.delete(thing);
      return thing;
    });
  const things = await Promise.all([0, 1, 2, 3, 4].map(work));
  expect(order).toEqual([0, 1, 2, 3, 4]);
  expect(new Set(things)).toEqual(new Set(["a", "b"]));
});

test("a thing comes back from work that failed", async () => {
  const lent = new Lent(["a"]);
  const failing = lent.use(async () => {
    throw new Error("no");
  });
  const waiting = lent.use(async (thing) => thing);
  await expect(failing).rejects.toThrow("no");
  expect(await waiting).toBe("a");
  expect(await lent.use(async (thing) => thing)).toBe("a");
});
