/** The engine behind a WebSocket: who gets in, what a message may weigh, one inference at a time. */

import { once } from "node:events";
import type { IncomingMessage, Server } from "node:http";
import type { Duplex } from "node:stream";
import { InputError, RelpropError } from "relprop";
import { WebSocketServer, type RawData, type WebSocket } from "ws";
import {
  decodeMessage,
  encodeMessage,
  enginePath,
  tokenParameter,
  type EngineResponse,
} from "../../../studio/src/engine/protocol.ts";
import { isOwnHost, isOwnOrigin, isToken } from "./access.ts";
import { NativeEngine, Turns, type NativeRuntime } from "./native-engine.ts";
import type { KnownModels } from "./load-source.ts";
import { readRequest, requestId } from "./read-request.ts";

/** How much the engine takes; anything above is refused. */
export interface EngineLimits {
  /** Bytes of a message: a model that is sent, mostly. A larger one is named on the command line. */
  readonly messageBytes: number;
  /** Apps at a time, each with a model of its own in memory. */
  readonly clients: number;
  /** Requests of one app that wait for their turn. An app that behaves has one. */
  readonly waiting: number;
}

export const engineLimits: EngineLimits = { messageBytes: 256 * 2 ** 20, clients: 16, waiting: 8 };

/** What {@link serveEngine} needs. */
export interface ServeOptions {
  readonly runtime: NativeRuntime;
  readonly known: KnownModels;
  readonly token: string;
  readonly port: number;
  readonly limits?: Partial<EngineLimits>;
}

/** A running engine. */
export interface ServedEngine {
  /** Ends all connections and frees their models, after what is running. */
  close(): Promise<void>;
}

/** Answers a WebSocket at {@link enginePath} of an HTTP server. */
export function serveEngine(server: Server, options: ServeOptions): ServedEngine {
  const limits = { ...engineLimits, ...options.limits };
  const turns = new Turns();
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: limits.messageBytes,
    perMessageDeflate: false,
  });
  server.on("upgrade", (request, stream, head) => {
    const refusal = refusalOf(request, options, sockets.clients.size >= limits.clients);
    if (refusal) refuse(stream, refusal);
    else sockets.handleUpgrade(request, stream, head, (socket) => connect(socket));
  });
  const connect = (socket: WebSocket): void =>
    serveSocket(socket, new NativeEngine(options.runtime, options.known), turns, limits);
  return {
    close: async () => {
      const closed = [...sockets.clients].map((socket) => once(socket, "close"));
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
      await Promise.all(closed);
      // Freeing the models waits for its turn; what is asked for now comes after it.
      await turns.take(() => Promise.resolve());
    },
  };
}

type Refusal =
  | "400 Bad Request"
  | "401 Unauthorized"
  | "403 Forbidden"
  | "404 Not Found"
  | "503 Service Unavailable";

/** Why a connection is not taken, as an HTTP status. */
function refusalOf(
  request: IncomingMessage,
  { token, port }: ServeOptions,
  isFull: boolean,
): Refusal | undefined {
  if (!URL.canParse(request.url ?? "", "ws://127.0.0.1")) return "400 Bad Request";
  const url = new URL(request.url ?? "", "ws://127.0.0.1");
  if (url.pathname !== enginePath) return "404 Not Found";
  if (!isOwnHost(request, port) || !isOwnOrigin(request, port)) return "403 Forbidden";
  if (!isToken(url.searchParams.get(tokenParameter), token)) return "401 Unauthorized";
  return isFull ? "503 Service Unavailable" : undefined;
}

function refuse(stream: Duplex, status: Refusal): void {
  stream.on("error", () => stream.destroy());
  stream.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}

function serveSocket(socket: WebSocket, engine: NativeEngine, turns: Turns, limits: EngineLimits): void {
  let waiting = 0;
  const send = (response: EngineResponse): void => {
    if (socket.readyState === socket.OPEN) socket.send(encodeMessage(response));
  };
  const sayError = (id: number, error: unknown): void => {
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    // What is not ours is ONNX Runtime's: its first line says it, the rest is its stack.
    const text =
      error instanceof RelpropError ? message : `the local engine failed: ${message.split("\n")[0]}`;
    send({ id, say: "error", name, message: text });
  };
  const onMessage = (data: RawData, isBinary: boolean): void => {
    let message: unknown;
    try {
      if (!isBinary) throw new InputError({ what: "cannot read a message", why: "it is text, not binary" });
      message = decodeMessage(bytesOf(data));
    } catch (error) {
      // Whoever sends this is no app of ours.
      socket.close(1007, error instanceof Error ? error.message.slice(0, 100) : "");
      return;
    }
    const id = requestId(message) ?? 0;
    if (waiting >= limits.waiting) {
      const why = `${waiting} requests wait already`;
      sayError(id, new InputError({ what: "cannot take a request", why, fix: "wait for an answer" }));
      return;
    }
    waiting++;
    void turns.take(async () => {
      try {
        if (socket.readyState !== socket.OPEN) return;
        const onProgress = (fraction: number, what: string): void =>
          send({ id, say: "progress", fraction, what });
        send({ id, say: "answer", answer: await engine.answer(readRequest(message), onProgress) });
      } catch (error) {
        sayError(id, error);
      } finally {
        waiting--;
      }
    });
  };
  socket.on("message", onMessage);
  // A message above the limit, a broken frame: ws closes the connection by itself.
  socket.on("error", () => undefined);
  socket.on("close", () => void turns.take(() => engine.dispose()));
}

/** Plain bytes: a Buffer's `slice` gives views on memory it shares with others, where decoding needs copies. */
function bytesOf(data: RawData): Uint8Array {
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  const { buffer, byteOffset, byteLength } = Array.isArray(data) ? Buffer.concat(data) : data;
  return new Uint8Array(buffer, byteOffset, byteLength);
}
