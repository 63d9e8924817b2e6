/** `relprop studio`: the app in the browser, its models run natively by this machine. */

import { Option, type Command } from "@commander-js/extra-typings";
import { say } from "../terminal/report.ts";
import { devices } from "../sessions/start-explainer.ts";
import { integer } from "./arguments.ts";

/** What the app is served on unless another is named. */
const usualPort = 4749;

const examples = `
Examples:
  relprop studio                          opens the app; it offers the zoo's models by name
  relprop studio net.onnx vgg16.pth       offers your own models too
  relprop studio --port 0 --no-open       on any free port, prints the address only

The server listens on 127.0.0.1 only, and takes nobody who does not have the token of the printed address. A model that
is dropped into the app may have 256 MB; name a larger one here. Ctrl-C ends it.`;

/** Adds the command to the program. @param done called with the exit status. */
export function addStudio(program: Command, done: (status: number) => void): void {
  program
    .command("studio")
    .summary("the app: live, interactive, in your browser")
    .description("Serves the app to this machine's browser and runs its models natively.")
    .argument("[models...]", "models that the app may ask for: .onnx files, checkpoints")
    .option("--port <n>", "where to listen; 0 for any free port", integer(0, 65535), usualPort)
    .addOption(
      new Option("--host <address>", "for clarity: there is no other").choices(["127.0.0.1"] as const),
    )
    .addOption(
      new Option("-d, --device <device>", "where models run; gpu is cuda")
        .choices(devices)
        .default("cpu" as const),
    )
    .option("--no-open", "do not open the browser")
    .addHelpText("after", examples)
    .action(async (models, options) => {
      const { port, device } = options;
      // What no other command needs is loaded here and not before.
      const { findAppFolder } = await import("../studio-server/app-folder.ts");
      const { startStudio } = await import("../studio-server/start-studio.ts");
      const studio = await startStudio({ appFolder: await findAppFolder(), port, device, models });
      // Data, for scripts: the address is the only line on stdout.
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

/** No browser is no failure: the address was printed. */
async function openBrowser(url: string): Promise<void> {
  const { default: open } = await import("open");
  await open(url).then((browser) => browser.once("error", sayNoBrowser), sayNoBrowser);
}

const sayNoBrowser = (): void => say("no browser could be started; open the address yourself");
