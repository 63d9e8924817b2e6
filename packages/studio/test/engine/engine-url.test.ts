import { expect, test } from "vitest";
import { engineUrl } from "../../src/engine/local-engine.ts";

test("the engine is asked where the page came from, with its token", () => {
  expect(engineUrl("http://127.0.0.1:4000/?token=a%2Bb#tab=draw")).toBe(
    "ws://127.0.0.1:4000/engine?token=a%2Bb",
  );
});
