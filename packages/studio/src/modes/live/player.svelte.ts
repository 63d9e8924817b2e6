/** What plays: a source that is opened, followed frame by frame, frozen and stopped. */

import { sourceEnded, sourceWords, type SourceKind } from "./problems.ts";
import { openSource, SourceError, type LiveSource } from "./sources.ts";

/** Who hears of it. */
export interface PlayerHost {
  /** A source was opened, and runs from now on. */
  opened(kind: SourceKind): void;
  /** It runs: from its beginning, or again. */
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
  /** What played last, which the picture that is shown is of. */
  looked: LiveSource | undefined = $state.raw();
  readonly #host: PlayerHost;
  #isGone = false;

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
      // The person may have gone to another mode while the browser asked for permission.
      if (this.#isGone) return opened.close();
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

  /** Ends for good. */
  leave(): void {
    this.#isGone = true;
    this.stop();
  }

  /** Freezes what runs, and lets what is frozen run again. */
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
