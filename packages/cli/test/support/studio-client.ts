/** Clients of a running studio for tests: well-behaved ones and others. */

import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { connect } from "node:net";
import { WebSocket } from "ws";
import { decodeMessage, encodeMessage, type EngineResponse } from "@relprop/engine/protocol";
import type { Studio } from "../../src/studio-server/start-studio.ts";

/** The origin of the studio's own pages. */
export const originOf = (studio: Studio): string => `http://127.0.0.1:${studio.port}`;

/** Path and query of the engine, token included. */
export const enginePathOf = (studio: Studio): string => `engine?token=${studio.token}`;

/** The status of a handshake: 101 where it is taken. */
export function handshake(studio: Studio, query: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${studio.port}/${query}`, { headers });
    socket.on("open", () => {
      socket.close();
      resolve(101);
    });
    socket.on("unexpected-response", (_request, response) => {
      resolve(response.statusCode ?? 0);
      response.resume();
    });
    socket.on("error", reject);
  });
}

/** A connected app. */
export class Client {
  readonly socket: WebSocket;
  readonly #heard: EngineResponse[] = [];
  readonly #listeners = new Set<() => void>();
  #nextId = 1;
  /** Code and reason that the server closed with. */
  readonly closed: Promise<{ code: number; reason: string }>;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on("error", () => undefined);
    socket.on("message", (data: Buffer) => {
      this.#heard.push(decodeMessage(data) as EngineResponse);
      for (const listener of this.#listeners) listener();
    });
  }

  static async connect(studio: Studio): Promise<Client> {
    const socket = new WebSocket(`ws://127.0.0.1:${studio.port}/${enginePathOf(studio)}`, {
      origin: originOf(studio),
    });
    const client = new Client(socket);
    await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
    return client;
  }

  /** Sends a request as it is and waits for what comes back, progress left out. */
  async ask(request: object): Promise<Exclude<EngineResponse, { say: "progress" }>> {
    const id = this.#nextId++;
    this.socket.send(encodeMessage({ id, ...request }));
    const answer = (): EngineResponse | undefined =>
      this.#heard.find((each) => each.id === id && each.say !== "progress");
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (!answer()) return;
        this.#listeners.delete(look);
        resolve();
      };
      this.#listeners.add(look);
      look();
    });
    return answer() as Exclude<EngineResponse, { say: "progress" }>;
  }

  async answer<T>(request: object): Promise<T> {
    const response = await this.ask(request);
    if (response.say === "error") throw new Error(response.message);
    return response.answer as T;
  }

  /** The message of the error that a request is answered with. */
  async error(request: object): Promise<string> {
    const response = await this.ask(request);
    return response.say === "error" ? response.message : "";
  }

  progress(): string[] {
    return this.#heard.flatMap((each) => (each.say === "progress" ? [each.what] : []));
  }

  /** Resolves with the answer to a ping. */
  async ping(): Promise<void> {
    const pong = once(this.socket, "pong");
    this.socket.ping();
    await pong;
  }

  close(): void {
    this.socket.close();
  }
}

/** Connects, and closes whatever happens. */
export async function withClient(studio: Studio, use: (client: Client) => Promise<void>): Promise<void> {
  const client = await Client.connect(studio);
  try {
    await use(client);
  } finally {
    client.close();
    await client.closed;
  }
}

/** fetch would tidy the path and the headers up. */
export const get = (
  studio: Studio,
  path: string,
  headers: Record<string, string> = {},
  method = "GET",
): Promise<{ status: number; text: string; headers: Record<string, unknown> }> =>
  new Promise((resolve, reject) => {
    const sent = httpRequest({ host: "127.0.0.1", port: studio.port, path, headers, method }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => (text += part));
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text, headers: response.headers }),
      );
    });
    sent.on("error", reject).end();
  });

/** A handshake, the head of a frame of 100 bytes, ten of them, and the line goes dead. */
export function halfAFrame(studio: Studio): Promise<void> {
  return new Promise((resolve, reject) => {
    const line = connect(studio.port, "127.0.0.1");
    line.on("error", reject);
    line.on("close", () => resolve());
    line.once("data", () => {
      line.write(Buffer.from([0x82, 0x80 | 100, 1, 2, 3, 4, ...Buffer.alloc(10)]), () => line.destroy());
    });
    const headers = [
      `GET /${enginePathOf(studio)} HTTP/1.1`,
      `Host: 127.0.0.1:${studio.port}`,
      `Origin: ${originOf(studio)}`,
      "Upgrade: websocket",
      "Connection: Upgrade",
      "Sec-WebSocket-Version: 13",
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString("base64")}`,
    ];
    line.write(`${headers.join("\r\n")}\r\n\r\n`);
  });
}
