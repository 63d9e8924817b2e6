import * as ort from "onnxruntime-node";
import { InputError, OptionError } from "@relprop/core";
import { expect, test } from "vitest";
import { outputModels } from "../../relprop/test/support/output-models.ts";
import { ModelRunner } from "../src/model-runner.ts";
import { readSource } from "../src/read-source.ts";
import { firstTarget, warmUp } from "../src/warm-up.ts";
import { outputFile } from "../../studio/test/support/output-pictures.ts";

const pictures = outputModels.filter(({ input }) => input.length === 2 || input.length === 4);
const open = async (name: string): Promise<ModelRunner> =>
  new ModelRunner(name, await readSource("m.onnx", outputFile(name)), { ort });

test.each(pictures.filter(({ kind }) => kind !== "nodes").map(({ name }) => name))(
  "%s can be run before anything is named",
  async (name) => {
    const runner = await open(name);
    expect(await warmUp(runner)).toBeGreaterThan(0);
    await runner.dispose();
  },
);

test("what has to be named is the first element", async () => {
  const { loaded } = await open("a U-Net of two classes");
  expect(firstTarget(loaded.facts)).toEqual({ kind: "elements", text: "0,0,0,0" });
  expect(firstTarget((await open("one value")).loaded.facts)).toEqual({ kind: "prediction" });
});

test("an answer that is no number keeps no model from being opened, what a model cannot do does", async () => {
  const { loaded } = await open("softmax");
  const failing = (error: Error): Parameters<typeof warmUp>[0] => ({
    loaded,
    explain: () => Promise.reject(error),
  });
  expect(await warmUp(failing(new InputError({ what: "w", why: "y" })))).toBeGreaterThanOrEqual(0);
  await expect(warmUp(failing(new OptionError({ what: "w", why: "y" })))).rejects.toThrow(OptionError);
});
