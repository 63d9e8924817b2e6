/** `relprop card`: how a network takes pictures, found out with a photo, as a model card. */

import type { Command } from "@commander-js/extra-typings";
import { OptionError } from "@relprop/core";
import { stampPng } from "@relprop/core/internal";
import { candidateLines } from "../cards/candidate-text.ts";
import { stripSvg } from "../cards/draw-strip.ts";
import { tryCandidates } from "../cards/try-candidates.ts";
import { Inputs, refuseKept } from "../files/guard.ts";
import { isOwnPicture } from "../files/own-files.ts";
import { writeGuarded } from "../files/write-file.ts";
import { loadModel } from "../models/load-model.ts";
import { rasterize } from "../pages/rasterize.ts";
import { refuseOtherInputs } from "../run/start-pictures.ts";
import { SessionThreads } from "../sessions/session-thread.ts";
import { say } from "../terminal/report.ts";
import { withoutUndefined } from "../without-undefined.ts";
import { integer } from "./arguments.ts";
import { addOptions, type OptionTable } from "./options.ts";
import { feedOptions, inputOptions, runOptions } from "./picture-options.ts";

const { layout, resize, channels, labels } = feedOptions;

const table = {
  choose: { flag: "--choose <n>", help: "the number of the way that becomes the card", read: integer(1, 99) },
  out: { flag: "-o, --out <file>", help: "the picture of all ways", default: "card.png" },
  size: runOptions.size,
  layout,
  resize,
  channels,
  labels,
  quiet: { flag: "--quiet", help: "errors only", default: false },
  force: { flag: "--force", help: "also overwrite a picture that relprop did not write", default: false },
} as const satisfies OptionTable;

const examples = `
Examples:
  relprop card model.onnx cat.jpg > model.card.json
  relprop card model.onnx cat.jpg --choose 3 > model.card.json

It feeds a photo in all usual ways, draws what the network would see beside its best answers, and
prints the card of the best way. Ways whose numbers cannot be right come last: those that the first
batch-norm has not seen in training, and those whose logits lie too far apart. Among the others the
best class's probability decides, and above 0.99 the more usual way. So take a photo of something
that the network knows. explain and concepts read MODEL.card.json beside the model by themselves.`;

/** Adds the command to the program. @param done receives the exit status. */
export function addCard(program: Command, done: (status: number) => void): void {
  const command = program
    .command("card")
    .summary("how a network takes pictures, found out with a photo")
    .description("Finds out how a network takes pictures, and prints it as a model card.")
    .argument("<model>", ".onnx file, checkpoint or name of the zoo")
    .argument("<photo>", "a photo of something that the network knows");
  addOptions(command, table)
    .addHelpText("after", examples)
    .action(async (name, photo, options) => {
      const { out, force, quiet, choose } = options;
      const guard = {
        force,
        isOurs: isOwnPicture,
        inputs: await Inputs.of("it is an input", [name, photo]),
        Refusal: OptionError,
      };
      await refuseKept([out], guard);
      const input = await inputOptions(options);
      const loaded = await loadModel(name, {
        input,
        isWithoutCard: true,
        quiet,
        ...withoutUndefined({ labels: options.labels }),
      });
      refuseOtherInputs(loaded.model, undefined, "leave its card out: explain guesses how it takes pictures");
      const threads = new SessionThreads();
      try {
        const { all, hasNorm } = await tryCandidates(loaded, photo, await threads.first.runtime());
        const index = (choose ?? 1) - 1;
        const chosen = all[index];
        if (!chosen) throw noSuchWay(choose ?? 1, all.length);
        const png = await rasterize(await stripSvg(all, index));
        await writeGuarded(out, stampPng(png, {}), guard);
        if (!quiet) {
          for (const line of candidateLines(all, index)) say(line);
          if (!hasNorm)
            say("the network has no batch-norm that tells the range of its inputs: look at the answers");
          say(`look at ${out}; --choose N takes another way`);
        }
        const { kind, output } = loaded.card;
        const card = withoutUndefined({ name: loaded.card.name, kind, output, input: chosen.input });
        process.stdout.write(`${JSON.stringify({ ...card, labels: loaded.card.labels }, undefined, 2)}\n`);
      } finally {
        await threads.close();
      }
      done(0);
    });
}

const noSuchWay = (choose: number, count: number): OptionError =>
  new OptionError({
    what: `cannot choose way ${choose}`,
    why: `there are ${count}`,
    fix: "give the number of one of them",
  });
