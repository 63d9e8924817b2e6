/** Numbers with a shape, row-major. */
export interface FloatArray {
  /** The elements, row-major. */
  readonly data: Float32Array;
  /** Sizes, outermost axis first. */
  readonly dims: readonly number[];
}

/** Values of the explained input. */
export interface InputArray {
  /** The elements, row-major. */
  readonly data: Float32Array | Int32Array | BigInt64Array;
  /** Sizes, outermost axis first. */
  readonly dims: readonly number[];
}
