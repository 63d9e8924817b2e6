/** What is known of an axis of an array, and what is written along it. */

/** An axis: honest names where its meaning is not known, `axis 0`. */
export interface ArrayAxis {
  readonly name: string;
  readonly unit?: string;
  /**
   * Distance of two elements, in `unit`: 1/rate for a signal.
   * @default 1
   */
  readonly step?: number;
  /**
   * Where its first element is, in `unit`: of a curve.
   * @default 0
   */
  readonly start?: number;
  /** Names of its elements, such as channels or features. */
  readonly names?: readonly string[];
}

/** `time (s)`, and of what has no unit its name. */
export const axisLabel = ({ name, unit }: ArrayAxis): string =>
  unit === undefined ? name : `${name} (${unit})`;

/** A time axis of a rate in Hz; without one, an axis of samples. */
export const timeAxis = (rate?: number): ArrayAxis =>
  rate === undefined ? { name: "sample" } : { name: "time", unit: "s", step: 1 / rate };
