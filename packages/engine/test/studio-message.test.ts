import { OptionError, UnexplainableError } from "@relprop/core";
import { expect, test } from "vitest";
import { studioMessage } from "../src/studio-message.ts";
import { readSource } from "../src/read-source.ts";
import { textModel } from "../../studio/test/support/models.ts";

const can = "the studio cannot do more here, but the command `relprop` can";

test("a text model is refused without advice that the page has no place for", async () => {
  const error = await readSource("text.onnx", textModel()).catch((thrown: unknown) => thrown);
  if (!(error instanceof OptionError)) throw new Error("it was not refused");
  expect(studioMessage(error)).toBe(
    'cannot feed pictures to this model: its inputs are "input_ids" [1, 8]; a picture needs float [N, C, H, W] or [N, H, W, C], or without a batch [C, H, W], [H, W, C] or [H, W]; ' +
      "use `relprop compile` and feed the graph yourself",
  );
});

test("what has no options in it stays as it is", () => {
  const parts = { what: "cannot read “a--b.onnx”", why: "it is empty", fix: "save it again" };
  expect(studioMessage(new OptionError(parts))).toBe("cannot read “a--b.onnx”: it is empty; save it again");
});

test.each([
  ["choose another with --output or --input", can],
  ["give --low and --high, as the network sees them after preprocessing", can],
  ["explain a tensor before it (--output NAME), give a rule (--rule 'NODE=RULE'), or choose a fallback", can],
  ["run `relprop studio`", "run `relprop studio`"],
])("the advice “%s”", (fix, instead) => {
  const words = studioMessage(
    new OptionError({ what: "cannot explain it", where: "node a", why: "so", fix }),
  );
  expect(words).toBe(`cannot explain it (node a): so; ${instead}`);
});

test.each([
  [
    "its pads are known only at run time: fix the image size with --size H,W",
    "its pads are known only at run time",
  ],
  [
    "relevance cannot go to indices: explain another tensor (--layer)",
    "relevance cannot go to indices: explain another tensor",
  ],
  [
    "which is the gate is not known: share between them (--rule '/a/b=uniform')",
    "which is the gate is not known: share between them",
  ],
])("an obstacle: “%s”", (why, instead) => {
  const obstacle = { node: "n", operator: "Pad", path: ["y", "n"], why, behind: 0 };
  const error = new UnexplainableError({ what: "cannot", why: "one node stands in the way" }, [obstacle]);
  expect(studioMessage(error)).toBe(
    `cannot: one node stands in the way\n  Pad "n" on the way from y <- n\n    ${instead}`,
  );
});
