/** Measures the frame rate. */

/** A frame rate and a latency, for the status line. */
export interface Pace {
  /** Frames a second over the last two seconds. */
  readonly rate: number;
  /** Mean milliseconds from grabbing a frame to its heatmap, over the same time. */
  readonly latency: number;
}

const span = 2000;
/** Lower frame rates count as slow. */
export const slowRate = 5;

/** Counts frames. */
export class PaceMeter {
  #frames: { readonly time: number; readonly latency: number }[] = [];
  #since: number | undefined;

  /** A frame was finished at this time; all in milliseconds. */
  add(time: number, latency: number): void {
    this.#since ??= time;
    this.#frames.push({ time, latency });
    this.#frames = this.#frames.filter((frame) => frame.time > time - span);
  }

  /** The pace up to this time, or undefined before there are two frames. */
  pace(time: number): Pace | undefined {
    const frames = this.#frames.filter((frame) => frame.time > time - span);
    const first = frames[0];
    if (first === undefined || frames.length < 2) return undefined;
    const latency = frames.reduce((sum, frame) => sum + frame.latency, 0) / frames.length;
    // From the first frame to the last there are one fewer intervals than frames.
    const last = frames.at(-1) ?? first;
    const rate = last.time > first.time ? (1000 * (frames.length - 1)) / (last.time - first.time) : 0;
    return { rate, latency };
  }

  /** Whether it has been slow for three seconds, long enough to tell the user. */
  slow(time: number): boolean {
    if (this.#since === undefined || time - this.#since < 3000) return false;
    return (this.pace(time)?.rate ?? 0) < slowRate;
  }

  reset(): void {
    this.#frames = [];
    this.#since = undefined;
  }
}

/** "24 fps · 31 ms". */
export function paceText({ rate, latency }: Pace): string {
  return `${rate < 10 ? rate.toFixed(1) : Math.round(rate)} fps · ${Math.round(latency)} ms`;
}
