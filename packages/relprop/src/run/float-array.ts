/** Numbers with a shape, row-major. */
export interface FloatArray {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

/** Values of the explained input. Whole numbers may be held by any of these. */
export interface InputArray {
  readonly data: Float32Array | Int32Array | BigInt64Array;
  readonly dims: readonly number[];
}
