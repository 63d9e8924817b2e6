/** The `relprop` command. */

import { runCommand } from "./commands/run-command.ts";
import { exitCodeOf, exitCodes } from "./terminal/exit-codes.ts";
import { sayError } from "./terminal/report.ts";

// Must be set before ONNX Runtime is loaded.
process.env["ORT_DISABLE_TELEMETRY"] = "1";

// `relprop … | head` closes the pipe early. What is written to files matters more than lines on the way, so work goes on.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.stdout.write = () => true;
  if (error.code === "EPIPE") return;
  sayError(error);
  process.exit(exitCodes.unforeseen);
});
process.stderr.on("error", () => (process.stderr.write = () => true));
// What no await sees: a callback of a library, a promise that nobody waits for.
for (const event of ["uncaughtException", "unhandledRejection"])
  process.on(event, (error: unknown) => {
    sayError(error);
    process.exit(exitCodeOf(error));
  });

// Unlike exit(), this lets pending writes to a pipe finish.
process.exitCode = await runCommand(process.argv.slice(2));
