/** The `relprop` command. */

import { runCommand } from "./commands/run-command.ts";

// Before anything of ONNX Runtime is loaded.
process.env["ORT_DISABLE_TELEMETRY"] = "1";

// `relprop … | head` closes the pipe: nobody reads any more, which is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

// Not exit(): what is still being written to a pipe would be cut off.
process.exitCode = await runCommand(process.argv.slice(2));
