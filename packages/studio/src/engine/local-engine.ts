/** The engine of `relprop studio`: onnxruntime-node on this machine, behind a WebSocket. */

import { InputError } from "@relprop/core";
import type {
  AnswerNumbers,
  Engine,
  EngineStatus,
  ExplainRequest,
  ExplainResult,
  LayerRequest,
  LayerResult,
  LedgerResult,
  LoadedModel,
  ModelSource,
  OfferedModel,
  Picture,
  ScoreRequest,
} from "@relprop/engine/engine";
import {
  decodeMessage,
  encodeMessage,
  enginePath,
  tokenParameter,
  type EngineAnswers,
  type EngineRequest,
  type EngineResponse,
} from "@relprop/engine/protocol";

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

/** Asks the server of this page. Connects at the first request, and again after a lost connection. */
export class LocalEngine implements Engine {
  readonly #url: string;
  readonly #waiting = new Map<number, Waiting>();
  #socket: Promise<WebSocket> | undefined;
  #loaded: ModelSource | undefined;
  #nextId = 1;

  /** @param page URL of the page, with its token: `http://127.0.0.1:4000/?token=…` */
  constructor(page: string) {
    this.#url = engineUrl(page);
  }

  async load(source: ModelSource, onProgress?: Progress): Promise<LoadedModel> {
    const loaded = await this.#ask<"load">({ ask: "load", source }, onProgress);
    this.#loaded = source;
    return loaded;
  }

  explain(request: ExplainRequest): Promise<ExplainResult> {
    return this.#ask<"explain">({ ask: "explain", request });
  }

  explainBest(request: ExplainRequest): Promise<readonly ExplainResult[]> {
    return this.#ask<"explainBest">({ ask: "explainBest", request });
  }

  answer(picture: Picture): Promise<AnswerNumbers> {
    return this.#ask<"answer">({ ask: "answer", picture });
  }

  scores(request: ScoreRequest): Promise<Float32Array> {
    return this.#ask<"scores">({ ask: "scores", request });
  }

  ledger(request: ExplainRequest): Promise<LedgerResult> {
    return this.#ask<"ledger">({ ask: "ledger", request });
  }

  layer(request: LayerRequest): Promise<LayerResult> {
    return this.#ask<"layer">({ ask: "layer", request });
  }

  models(): Promise<readonly OfferedModel[]> {
    return this.#ask<"models">({ ask: "models" });
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
    const isNew = this.#socket === undefined;
    this.#socket ??= this.#connect();
    const socket = await this.#socket;
    // A new connection has no model yet.
    if (isNew && this.#loaded && question.ask !== "load") {
      await this.#send(socket, { ask: "load", source: this.#loaded });
    }
    return (await this.#send(socket, question, onProgress)) as EngineAnswers[A];
  }

  #send(socket: WebSocket, question: Question, onProgress?: Progress): Promise<EngineAnswers[Ask]> {
    const id = this.#nextId++;
    const answer = new Promise<EngineAnswers[Ask]>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onProgress });
    });
    socket.send(encodeMessage({ id, ...question }));
    return answer;
  }

  #connect(): Promise<WebSocket> {
    const socket = new WebSocket(this.#url);
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", (event: MessageEvent<ArrayBuffer>) => this.#hear(event.data));
    return new Promise((resolve, reject) => {
      socket.addEventListener("open", () => resolve(socket));
      socket.addEventListener("close", (event) => {
        const error = closed(event.code, event.reason);
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

/** The URL of the socket: same host, same token. */
export function engineUrl(page: string): string {
  const { protocol, host, searchParams } = new URL(page);
  const token = searchParams.get(tokenParameter) ?? "";
  const url = new URL(`${protocol === "https:" ? "wss:" : "ws:"}//${host}${enginePath}`);
  url.searchParams.set(tokenParameter, token);
  return url.href;
}

/** Causes and fixes for the codes of a closed WebSocket (RFC 6455, 7.4). */
const closures: Readonly<Record<number, readonly [why: string, fix: string]>> = {
  1007: ["it does not understand this page", "reload the page: app and engine must be of the same version"],
  1008: ["it does not serve this page", "open the address that `relprop studio` prints"],
  1009: [
    "a message was larger than it takes",
    "name the model on the command line: `relprop studio path/to/model.onnx`",
  ],
  1011: ["it failed", "load the model again"],
  1013: ["it is busy", "close other pages that use it"],
};

function closed(code: number, reason: string): InputError {
  const [why, fix] = closures[code] ?? [
    "`relprop studio` has ended, or has been restarted since this page was opened",
    "start `relprop studio` and open the address it prints",
  ];
  const what = "the local engine has closed the connection";
  return new InputError({ what, why: reason === "" ? why : `${why}: ${reason}`, fix });
}
