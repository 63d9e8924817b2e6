/** The recording of the live picture: started, fed, ended and saved. */

import { download } from "../../parts/exports.ts";
import { saveName } from "../../state/file-name.ts";
import { startRecorder } from "./recorder.ts";
import type { Recorder } from "./video-file.ts";

/** The parts of a recording's file name. */
export interface Named {
  readonly model: string;
  readonly label: string | undefined;
}

export class LiveRecording {
  #recorder: Recorder | undefined = $state.raw();
  /** Whole seconds since the start, for the button; updated by {@link LiveRecording.tell}. */
  seconds: number = $state(0);

  get isOn(): boolean {
    return this.#recorder !== undefined;
  }

  /** @throws Error with words for the user if the browser records no video. */
  async start(canvas: HTMLCanvasElement): Promise<void> {
    this.#recorder = await startRecorder(canvas);
    this.seconds = 0;
  }

  /** The canvas has a new picture. */
  frame(): void {
    this.#recorder?.frame();
  }

  tell(): void {
    this.seconds = Math.floor(this.#recorder?.elapsed ?? 0);
  }

  /**
   * Ends and saves the recording, if there is one. Returns a sentence about the file.
   * @throws the encoder's error, if it failed during the recording.
   */
  async end({ model, label }: Named): Promise<string | undefined> {
    const recorder = this.#recorder;
    this.#recorder = undefined;
    if (!recorder) return undefined;
    const { file, extension, duration, frames } = await recorder.stop();
    const name = saveName(model, label, new Date(), extension);
    download(file, name);
    return `Saved ${name}: ${duration.toFixed(1)} s, ${frames} frames.`;
  }
}
