/** The options of the live picture. */

export interface LiveOptions {
  /** Relevance and its largest value are averaged over frames. */
  isSmooth: boolean;
  /** Mirrors only what is shown; the network sees the original picture. */
  isMirrored: boolean;
  /** Inverts brightness before the network sees the picture. */
  isInverted: boolean;
  /** Height of the shown picture in pixels, without its caption. */
  height: number;
  /** Maximum heatmaps a second; 0 is no limit. */
  rate: number;
}

export const heights: readonly number[] = [240, 320, 480, 640, 960];
export const rates: readonly number[] = [0, 30, 15, 10, 5, 2];

/** Heatmaps a second for people who prefer reduced motion. */
export const reducedMotionRate = 2;

export const liveOptions = (isCalm: boolean): LiveOptions => ({
  isSmooth: true,
  isMirrored: true,
  isInverted: false,
  height: 480,
  rate: isCalm ? reducedMotionRate : 0,
});
