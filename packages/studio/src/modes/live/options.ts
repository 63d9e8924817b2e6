/** The options of the live picture. */

export interface LiveOptions {
  /** Relevance and its largest value are averaged over frames. */
  isSmooth: boolean;
  /** Left and right are exchanged in what is shown, as a mirror does; the network sees the picture as it is. */
  isMirrored: boolean;
  /** Dark for light, before the network sees it. */
  isInverted: boolean;
  /** Pixels that the shown picture is high, without its caption. */
  height: number;
  /** Most heatmaps a second; 0 is as many as there can be. */
  rate: number;
}

export const heights: readonly number[] = [240, 320, 480, 640, 960];
export const rates: readonly number[] = [0, 30, 15, 10, 5, 2];

/** Heatmaps a second for those who asked their system for less motion. */
export const calmRate = 2;

export const liveOptions = (isCalm: boolean): LiveOptions => ({
  isSmooth: true,
  isMirrored: true,
  isInverted: false,
  height: 480,
  rate: isCalm ? calmRate : 0,
});
