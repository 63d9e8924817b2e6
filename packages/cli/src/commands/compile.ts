/** `relprop compile`: a model in, the model that also outputs its relevance out. */

import { realpath } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { InvalidArgumentError, type Command } from "@commander-js/extra-typings";
import { compile, compileMethod, OptionError } from "relprop";
import { writeModel } from "relprop/onnx";
import { loadCompilable, weightBytes } from "../load-model.ts";
import { methodOptions } from "../method-wish.ts";
import { megabyteText } from "../progress.ts";
import { say } from "../report.ts";
import { writeWhole } from "../write-file.ts";
import { given, number, size } from "./arguments.ts";
import { compileFlags, compileOptions } from "./compile-options.ts";
import { methodFlags, methodWish } from "./method-options.ts";

const examples = `
Examples:
  relprop compile net.onnx -o net.lrp.onnx --composite epsilon-plus-flat
  relprop compile resnet50 -o resnet50.lrp.onnx --composite fischer --reduce channels --top-k 0.1
  relprop compile net.onnx -o net.ig.onnx --method integrated-gradients --steps 64

The result is an ordinary ONNX model: the same inputs and outputs, and the output "relevance". With --seed logit or one it
has the input "target" (float32, shaped like the explained output, 1 at the class); with --top-k input, the input "keep"; with --ledger, the output "ledger".`;

/** A protobuf file must stay below 2 GiB; weights above this go into a file of their own. */
const mostWeightBytes = 2e9;

/** Adds the command to the program. @param done called with the exit status. */
export function addCompile(program: Command, done: (status: number) => void): void {
  const flags = compileFlags();
  const ofMethod = methodFlags("where relevance stops; with grad-cam, the feature map");
  program
    .command("compile")
    .summary("the explanation as an ONNX model")
    .description("Compiles a model's explanation into its graph.")
    .argument("<model>", "name of the zoo, .onnx file or checkpoint")
    .requiredOption("-o, --out <file>", "the .onnx file to write")
    .addOption(flags.composite)
    .addOption(flags.dialect)
    .addOption(flags.seed)
    .addOption(flags.reduce)
    .option("--top-k <fraction>", "relevance filter: fraction kept at each layer, or `input`", topK)
    .addOption(flags.epsilon)
    .addOption(flags.stabilizer)
    .addOption(flags.zeroBias)
    .addOption(flags.gamma)
    .addOption(flags.alpha)
    .addOption(flags.beta)
    .addOption(flags.low)
    .addOption(flags.high)
    .addOption(flags.strides)
    .addOption(flags.activations)
    .addOption(flags.input)
    .addOption(flags.output)
    .option("--size <h,w>", "input size, where the model leaves it open", size)
    .addOption(flags.fallback)
    .addOption(flags.rule)
    .addOption(flags.ledger)
    .addOption(ofMethod.method)
    .addOption(ofMethod.steps)
    .addOption(ofMethod.samples)
    .addOption(ofMethod.layer)
    .option("--external-data", "weights in <file>.data, as for models above 2 GB", false)
    .option("--quiet", "errors only", false)
    .addHelpText("after", examples)
    .action(async (name, options) => {
      const { topK, size, quiet, out, externalData, ...rest } = options;
      const method = methodWish(options);
      const relevance = await compileOptions(rest);
      await refuseSameFile(name, out);
      const loaded = await loadCompilable(name, given({ size, quiet }));
      const { sha256 } = loaded;
      const sized = given({ size: loaded.isSized ? undefined : size, sourceSha256: sha256 });
      const compiled = method
        ? compileMethod(loaded.model, methodOptions(method, { ...relevance, ...sized }))
        : compile(loaded.model, { ...relevance, ...sized, ...given({ topK, layer: rest.layer }) });
      const isLarge = weightBytes(compiled.model) > mostWeightBytes;
      const external = { location: `${basename(out)}.data` };
      const file = writeModel(compiled.model, externalData || isLarge ? { external } : {});
      // Data first: a model whose data is missing is worse than data without a model.
      if (file.external) await writeWhole(`${out}.data`, file.external.chunks);
      await writeWhole(out, file.chunks);
      const { composite, seed, reduce, topK: filter, strides } = compiled.settings;
      if (!quiet) {
        const how = method ? `method ${method.method}` : `composite ${composite}`;
        const settings = `${how} · seed ${seed} · reduce ${reduce} · filter ${filter === 0 ? "off" : filter} · strides ${strides}`;
        say(
          `${out}: ${megabyteText(file.byteLength)}, ${compiled.model.graph.nodes.length} nodes · ${settings}`,
        );
      }
      done(0);
    });
}

/** A fraction, or the word `input`. */
export function topK(text: string): number | "input" {
  if (text === "input") return text;
  try {
    return number(0, 1)(text);
  } catch {
    throw new InvalidArgumentError('It must be a number from 0 to 1, or "input".');
  }
}

const real = (path: string): Promise<string> => realpath(path).catch(() => resolve(path));

async function refuseSameFile(model: string, out: string): Promise<void> {
  if ((await real(model)) !== (await real(out))) return;
  throw new OptionError({
    what: `will not write "${out}"`,
    why: "it is the model to compile",
    fix: "name another file with -o",
  });
}
