/** `relprop studio`: the app in the browser, with models running natively on this machine. */

import { Option, type Command } from "@commander-js/extra-typings";
import { say } from "../terminal/report.ts";
import { devices } from "../sessions/start-explainer.ts";
import { inputValues, integer } from "./arguments.ts";

/** The default port. */
const usualPort = 4749;

const examples = `
Examples:
  relprop studio                          opens the app; it offers the zoo's models by name
  relprop studio net.onnx vgg16.pth       offers your own models too
  relprop studio --port 0 --no-open       on any free port, prints the address only

The server listens on 127.0.0.1 only, and accepts only clients with the token of the printed address. A model
dropped into the app may have 256 MB; name a larger one here. Ctrl-C stops the server.`;

/** Adds the command to the program. @param done receives the exit status. */
export function addStudio(program: Command, done: (status: number) => void): void {
  program
    .command("studio")
    .summary("the app: live, interactive, in your browser")
    .description("Serves the app to this machine's browser and runs its models natively.")
    .argument("[models...]", "models that the app may ask for: .onnx files, checkpoints")
    .option("--port <n>", "where to listen; 0 for any free port", integer(0, 65535), usualPort)
    .addOption(
      new Option("--host <address>", "only this address is possible").choices(["127.0.0.1"] as const),
    )
    .addOption(
      new Option("-d, --device <device>", "where models run; gpu is cuda")
        .choices(devices)
        .default("cpu" as const),
    )
    .option("--set <input=value>", "fixes a further input of these models, such as sr=16000", inputValues)
    .option("--no-open", "do not open the browser")
    .addHelpText("after", examples)
    .action(async (models, options) => {
      const { port, device, set } = options;
      // Loaded here, since no other command needs it.
      const { findAppFolder } = await import("../studio-server/app-folder.ts");
      const { startStudio } = await import("../studio-server/start-studio.ts");
      const studio = await startStudio({
        appFolder: await findAppFolder(),
        port,
        device,
        models,
        ...(set && { set }),
      });
      // The address is the only line on stdout, for scripts.
      process.stdout.write(`${studio.url}\n`);
      say("the studio is open at this address until Ctrl-C");
      if (options.open) await openBrowser(studio.url);
      await new Promise<void>((resolve) => {
        for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
      });
      await studio.close();
      done(0);
    });
}

/** A missing browser is not a failure: the address is printed. */
async function openBrowser(url: string): Promise<void> {
  const { default: open } = await import("open");
  await open(url).then((browser) => browser.once("error", sayNoBrowser), sayNoBrowser);
}

const sayNoBrowser = (): void => say("no browser could be started; open the address yourself");
