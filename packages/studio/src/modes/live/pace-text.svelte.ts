/** The frame rate in words, updated a few times a second. */

import { PaceMeter, paceText } from "./meter.ts";
import { slowText } from "./problems.ts";

export class PaceText {
  pace: string = $state("");
  /** Advice if it is slow. */
  slow: string = $state("");
  readonly #meter = new PaceMeter();
  #saidAt = 0;

  /**
   * Records a finished frame and the milliseconds since it was grabbed.
   * @param rate maximum frames a second; 0 for no limit
   * @returns whether the words were renewed
   */
  add(latency: number, rate: number, isLocal: boolean): boolean {
    const now = performance.now();
    this.#meter.add(now, latency);
    if (now - this.#saidAt < 400) return false;
    this.#saidAt = now;
    const measured = this.#meter.pace(now);
    this.pace = measured ? paceText(measured) : "";
    const isLimited = rate !== 0 && rate <= 5;
    this.slow = measured && !isLimited && this.#meter.slow(now) ? slowText(measured.rate, isLocal) : "";
    return true;
  }

  /** Restarts the measurement. */
  reset(): void {
    this.#meter.reset();
  }

  clear(): void {
    this.pace = this.slow = "";
  }
}
