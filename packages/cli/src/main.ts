/** The `relprop` command. */

import { runCommand } from "./commands/run-command.ts";

// Must be set before ONNX Runtime is loaded.
process.env["ORT_DISABLE_TELEMETRY"] = "1";

// `relprop … | head` closes the pipe early, which is not an error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

// Unlike exit(), this lets pending writes to a pipe finish.
process.exitCode = await runCommand(process.argv.slice(2));
