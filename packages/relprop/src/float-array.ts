/** Numbers with a shape, row-major. */
export interface FloatArray {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}
