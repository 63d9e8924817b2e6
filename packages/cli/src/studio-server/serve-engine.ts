/** The engine behind a WebSocket: access, message limits, one inference at a time. */

import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { InputError } from "@relprop/core";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import {
  decodeMessage,
  encodeMessage,
  enginePath,
  tokenParameter,
  type EngineResponse,
} from "@relprop/engine/protocol";
import { inTurn } from "@relprop/engine/in-turn";
import { isOwnHost, isOwnOrigin, isToken } from "./access.ts";
import { EngineThread, type ThreadSettings } from "./engine-thread.ts";
import { errorResponse } from "./error-response.ts";
import { readRequest, requestId } from "./read-request.ts";

/** Limits of the engine; requests above them are refused. */
export interface EngineLimits {
  /** Bytes of a message; the largest ones send a model. Larger models are named on the command line. */
  readonly messageBytes: number;
  /** Connected apps, each with a model of its own in memory. */
  readonly clients: number;
  /** Waiting requests of one app; a well-behaved app has one. */
  readonly waiting: number;
}

export const engineLimits: EngineLimits = { messageBytes: 256 * 2 ** 20, clients: 16, waiting: 8 };

/** Options of {@link serveEngine}. */
export interface ServeOptions {
  readonly thread: ThreadSettings;
  /** Module of the worker, @default the built one */
  readonly worker?: URL;
  readonly token: string;
  readonly port: number;
  readonly limits?: Partial<EngineLimits>;
}

/** A running engine. */
export interface ServedEngine {
  /** Closes all connections and frees their models, after the running job. */
  close(): Promise<void>;
}

/** Answers a WebSocket at {@link enginePath} of an HTTP server. Models of all clients run one at a time. */
export function serveEngine(server: Server, options: ServeOptions): ServedEngine {
  const limits = { ...engineLimits, ...options.limits };
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    perMessageDeflate: false,
  });
  const onCrash = (why: string): void => {
    for (const socket of sockets.clients) socket.close(1011, reasonOf(`it crashed: ${why}`));
  };
  const thread = new EngineThread(options.thread, onCrash, options.worker);
  let clients = 0;
  let nextClient = 1;
  server.on("upgrade", (request, stream, head) => {
    const refusal = refusalOf(request, options);
    if (refusal) return refuse(stream, refusal);
    sockets.handleUpgrade(request, stream, head, (socket) => {
      // Browsers hide the status of a refused handshake, but show the reason of a close frame.
      if (clients >= limits.clients) return socket.close(1013, `${clients} pages use it already`);
      clients++;
      socket.on("close", () => clients--);
      serveSocket(socket, thread, nextClient++, limits);
    });
  });
  return {
    close: async () => {
      const closed = [...sockets.clients].map((socket) => once(socket, "close"));
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await Promise.all(closed);
      // The models are freed in turn, before any later request.
      await inTurn(thread, () => thread.close());
    },
  };
}

type Refusal = "400 Bad Request" | "401 Unauthorized" | "403 Forbidden" | "404 Not Found";

/** Why a connection is refused, as an HTTP status. */
function refusalOf(request: IncomingMessage, { token, port }: ServeOptions): Refusal | undefined {
  if (!URL.canParse(request.url ?? "", "ws://127.0.0.1")) return "400 Bad Request";
  const url = new URL(request.url ?? "", "ws://127.0.0.1");
  if (url.pathname !== enginePath) return "404 Not Found";
  if (!isOwnHost(request, port) || !isOwnOrigin(request, port)) return "403 Forbidden";
  if (!isToken(url.searchParams.get(tokenParameter), token)) return "401 Unauthorized";
  return undefined;
}

function refuse(stream: Duplex, status: Refusal): void {
  stream.on("error", () => stream.destroy());
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function serveSocket(socket: WebSocket, thread: EngineThread, client: number, limits: EngineLimits): void {
  let waiting = 0;
  const send = (response: EngineResponse): void => {
    if (socket.readyState === socket.OPEN) socket.send(encodeMessage(response));
  };
  const answer = async (id: number, message: unknown): Promise<void> => {
    // A closed connection needs no answer, and others wait.
    if (socket.readyState !== socket.OPEN) return;
    try {
      await thread.answer(client, readRequest(message), send);
    } catch (error) {
      send(errorResponse(id, error));
    }
  };
  const onMessage = (data: RawData, isBinary: boolean): void => {
    let message: unknown;
    try {
      if (!isBinary) throw new InputError({ what: "cannot read a message", why: "it is text, not binary" });
      message = decodeMessage(bytesOf(data));
    } catch (error) {
      // Our app never sends this.
      socket.close(1007, reasonOf(error instanceof Error ? error.message : ""));
      return;
    }
    const id = requestId(message) ?? 0;
    if (waiting >= limits.waiting) {
      const why = `${waiting} requests wait already`;
      send(
        errorResponse(id, new InputError({ what: "cannot take a request", why, fix: "wait for an answer" })),
      );
      return;
    }
    waiting++;
    void inTurn(thread, () => answer(id, message)).finally(() => waiting--);
  };
  socket.on("message", onMessage);
  // The message was too large or malformed: ws closes the connection itself.
  socket.on("error", () => undefined);
  socket.on("close", () => void inTurn(thread, () => thread.leave(client)));
}

/** A close frame holds 123 bytes of reason. */
const reasonOf = (text: string): string => {
  let reason = text.slice(0, 123);
  while (Buffer.byteLength(reason) > 123) reason = reason.slice(0, -1);
  return reason;
};

const bytesOf = (data: RawData): Uint8Array =>
  Array.isArray(data) ? Buffer.concat(data) : data instanceof ArrayBuffer ? new Uint8Array(data) : data;
