import { expect, test } from "vitest";
import { inTurn } from "../src/in-turn.ts";

test("jobs of one engine follow each other, also after a failure; other engines do not wait", async () => {
  const engine = {};
  const order: string[] = [];
  const gate: { fail?: (reason: Error) => void } = {};
  const first = inTurn(engine, () => {
    order.push("first starts");
    return new Promise<void>((_, reject) => {
      gate.fail = reject;
    });
  });
  const second = inTurn(engine, async () => {
    order.push("second");
    return 2;
  });
  await inTurn({}, async () => order.push("other engine"));
  expect(order).toEqual(["first starts", "other engine"]);
  gate.fail?.(new Error("failed"));
  await expect(first).rejects.toThrow("failed");
  await expect(second).resolves.toBe(2);
});
