/** Plays a source: open, follow frame by frame, freeze, stop. */

import { sourceEnded, sourceWords, type SourceKind } from "./problems.ts";
import { openSource, SourceError, type LiveSource } from "./sources.ts";

/** Callbacks of the player. */
export interface PlayerHost {
  /** A source was opened, and runs from now on. */
  opened(kind: SourceKind): void;
  /** It starts, or continues after a freeze. */
  runs(): void;
  /** It shows a frame while it runs. */
  frame(): void;
  /** It is frozen, or was stopped. */
  rests(): void;
  /** It is about to be stopped. */
  stops(): void;
  say(text: string): void;
}

export class Player {
  phase: "stopped" | "starting" | "running" | "frozen" = $state("stopped");
  /** Why nothing plays, in words. */
  problem: string = $state("");
  /** What plays; closed when it is stopped. */
  source: LiveSource | undefined = $state.raw();
  /** The latest source, which the shown picture belongs to. */
  looked: LiveSource | undefined = $state.raw();
  readonly #host: PlayerHost;
  #isDisposed = false;

  constructor(host: PlayerHost) {
    this.#host = host;
  }

  async start(kind: SourceKind, file?: Blob): Promise<void> {
    this.stop();
    this.problem = "";
    this.phase = "starting";
    try {
      const wanted = kind === "file" ? { kind, file: file ?? new Blob() } : { kind };
      const opened = await openSource(wanted, () => this.#ended());
      // The user may have left the mode while the browser asked for permission.
      if (this.#isDisposed) return opened.close();
      this.source = this.looked = opened;
      this.phase = "running";
      this.#host.opened(kind);
      this.#host.runs();
      this.#follow(opened);
      this.#host.say(`Explaining the ${sourceWords[kind]}.`);
    } catch (error) {
      this.phase = "stopped";
      this.problem = error instanceof SourceError ? error.problem.text : String(error);
      this.#host.say(this.problem);
    }
  }

  stop(): void {
    this.#host.stops();
    this.source?.close();
    this.source = undefined;
    this.phase = "stopped";
    this.#host.rests();
  }

  /** Ends permanently. */
  leave(): void {
    this.#isDisposed = true;
    this.stop();
  }

  /** Freezes a running source, and continues a frozen one. */
  freeze(): void {
    if (this.phase === "frozen") {
      this.phase = "running";
      this.#host.runs();
      void this.source?.video.play();
    } else if (this.phase === "running") {
      this.phase = "frozen";
      this.source?.video.pause();
      this.#host.rests();
    }
  }

  #follow(opened: LiveSource): void {
    const { video } = opened;
    const next = (): void => {
      if (this.source !== opened) return;
      if (this.phase === "running") this.#host.frame();
      video.requestVideoFrameCallback(next);
    };
    video.requestVideoFrameCallback(next);
  }

  #ended(): void {
    this.stop();
    this.problem = sourceEnded;
    this.#host.say(this.problem);
  }
}
