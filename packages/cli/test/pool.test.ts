import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Pool } from "../src/sessions/pool.ts";

test("one has a thing at a time, and who asked first is next", async () => {
  const pool = new Pool(["a", "b"]);
  const busy = new Set<string>();
  const order: number[] = [];
  const work = (i: number): Promise<string> =>
    pool.use(async (thing) => {
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
  const pool = new Pool(["a"]);
  const failing = pool.use(async () => {
    throw new Error("no");
  });
  const waiting = pool.use(async (thing) => thing);
  await expect(failing).rejects.toThrow("no");
  expect(await waiting).toBe("a");
  expect(await pool.use(async (thing) => thing)).toBe("a");
});
