/** The engine of `relprop studio`: onnxruntime-node on this machine, behind a WebSocket. */

import { InputError } from "relprop";
import type {
  Engine,
  EngineStatus,
  ExplainRequest,
  ExplainResult,
  LoadedModel,
  ModelSource,
  Picture,
} from "./engine.ts";
import {
  decodeMessage,
  encodeMessage,
  enginePath,
  tokenParameter,
  type EngineAnswers,
  type EngineRequest,
  type EngineResponse,
} from "./protocol.ts";

type Progress = (fraction: number, what: string) => void;
type Ask = EngineRequest["ask"];
type Question = EngineRequest extends infer Each
  ? Each extends EngineRequest
    ? Omit<Each, "id">
    : never
  : never;

interface Waiting {
  readonly resolve: (answer: EngineAnswers[Ask]) => void;
  readonly reject: (error: Error) => void;
  readonly onProgress?: Progress | undefined;
}

/** Asks the server that this page came from. The connection is made at the first question and again after it broke. */
export class LocalEngine implements Engine {
  readonly #url: string;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Promise<WebSocket> | undefined;
  #nextId = 1;

  /** @param page address of the page, with its token: `http://127.0.0.1:4000/?token=…` */
  constructor(page: string) {
    this.#url = engineUrl(page);
  }

  load(source: ModelSource, onProgress?: Progress): Promise<LoadedModel> {
    return this.#ask<"load">({ ask: "load", source }, onProgress);
  }

  explain(request: ExplainRequest): Promise<ExplainResult> {
    return this.#ask<"explain">({ ask: "explain", request });
  }

  classify(pictures: readonly Picture[]): Promise<readonly Float32Array[]> {
    return this.#ask<"classify">({ ask: "classify", pictures });
  }

  status(): Promise<EngineStatus> {
    return this.#ask<"status">({ ask: "status" });
  }

  async dispose(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    (await socket?.catch(() => undefined))?.close();
  }

  async #ask<A extends Ask>(question: Question, onProgress?: Progress): Promise<EngineAnswers[A]> {
    this.#socket ??= this.#connect();
    const socket = await this.#socket;
    const id = this.#nextId++;
    const answer = new Promise<EngineAnswers[Ask]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress });
    });
    socket.send(encodeMessage({ id, ...question }));
    return (await answer) as EngineAnswers[A];
  }

  #connect(): Promise<WebSocket> {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event: MessageEvent<ArrayBuffer>) => this.#hear(event.data));
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve(socket));
      socket.addEventListener("close", (event) => {
        const error = closed(event.reason);
        reject(error);
        this.#socket = undefined;
        for (const { reject: fail } of this.#waiting.values()) fail(error);
        this.#waiting.clear();
      });
    });
  }

  #hear(data: ArrayBuffer): void {
    const response = decodeMessage(new Uint8Array(data)) as EngineResponse;
    const waiting = this.#waiting.get(response.id);
    if (response.say === "progress") return waiting?.onProgress?.(response.fraction, response.what);
    this.#waiting.delete(response.id);
    if (response.say === "answer") return waiting?.resolve(response.answer);
    const error = new Error(response.message);
    error.name = response.name;
    waiting?.reject(error);
  }
}

/** The socket's address: same host, same token. */
export function engineUrl(page: string): string {
  const { protocol, host, searchParams } = new URL(page);
  const token = searchParams.get(tokenParameter) ?? "";
  const url = new URL(`${protocol === "https:" ? "wss:" : "ws:"}//${host}${enginePath}`);
  url.searchParams.set(tokenParameter, token);
  return url.href;
}

const closed = (reason: string): InputError =>
  new InputError({
    what: "the local engine is gone",
    why: reason === "" ? "the connection to `relprop studio` was closed" : reason,
    fix: "start `relprop studio` again and open the address it prints",
  });
