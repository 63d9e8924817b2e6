/** The studio on this machine: the app's files and the engine, on one port of loopback. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { OptionError, type FixedInputs } from "@relprop/core";
import sirv from "sirv";
import { tokenParameter } from "@relprop/engine/protocol";
import type { Device } from "../sessions/start-explainer.ts";
import { host, isOwnHost, makeToken, securityHeaders } from "./access.ts";
import { nameOf } from "./load-source.ts";
import { serveEngine, type EngineLimits } from "./serve-engine.ts";

/** Options of `relprop studio`. */
export interface StudioOptions {
  /** Folder of the built app. */
  readonly appFolder: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly device: Device;
  /** Names or paths of models that the app may request by name. */
  readonly models: readonly string[];
  /** What inputs of these models are fixed to. */
  readonly set?: FixedInputs;
  readonly limits?: Partial<EngineLimits>;
  /** Module of the engine's worker, @default the built one */
  readonly worker?: URL;
}

/** A running studio. */
export interface Studio {
  /** The app's address with the token; it selects the local engine and the first of the models. */
  readonly url: string;
  readonly port: number;
  readonly token: string;
  close(): Promise<void>;
}

/**
 * Starts serving.
 * @throws OptionError if the port is taken.
 */
export async function startStudio(options: StudioOptions): Promise<Studio> {
  const { appFolder, device, models, set, limits, worker } = options;
  const server = createServer();
  const port = await listen(server, options.port);
  const token = makeToken();
  server.on("request", serveFiles(appFolder, port));
  const engine = serveEngine(server, {
    thread: { device, known: { appFolder, given: models, ...(set && { set }) } },
    token,
    port,
    ...(limits && { limits }),
    ...(worker && { worker }),
  });
  const [model] = models;
  const state = new URLSearchParams({
    engine: "local",
    ...(model !== undefined && { model: nameOf(model, models) }),
  });
  return {
    url: `http://${host}:${port}/?${tokenParameter}=${token}#${state.toString()}`,
    port,
    token,
    close: async () => {
      await engine.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Serves files from a list made at the start, so that no URL can leave the folder. */
function serveFiles(
  folder: string,
  port: number,
): (request: IncomingMessage, response: ServerResponse) => void {
  const files = sirv(folder, { etag: true });
  const headers = new Map(Object.entries(securityHeaders(port)));
  return (request, response) => {
    response.setHeaders(headers);
    const answer = (status: number, text: string): void => {
      response.writeHead(status, { "Content-Type": "text/plain; charset=utf-8" }).end(`${text}\n`);
    };
    if (!isOwnHost(request, port)) answer(403, `this is ${host}:${port}, not ${request.headers.host}`);
    else if (request.method !== "GET" && request.method !== "HEAD") answer(405, "only GET and HEAD");
    else files(request, response, () => answer(404, "there is no such file"));
  };
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(notListening(port, error)));
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}

function notListening(port: number, error: NodeJS.ErrnoException): OptionError {
  const why = error.code === "EADDRINUSE" ? "another program uses it" : error.message;
  return new OptionError(
    { what: `cannot listen on port ${port}`, why, fix: "name another with --port, or 0 for any" },
    { cause: error },
  );
}
