/** Numbers with a shape, row-major. */
export interface FloatArray {
  /** The elements, row-major. */
  readonly data: Float32Array;
  /** Sizes, outermost axis first. */
  readonly dims: readonly number[];
}

/** Values of an input. Whole numbers may be held by any of these. */
export interface InputArray {
  /** The elements, row-major. */
  readonly data: Float32Array | Float64Array | Int32Array | BigInt64Array;
  /** Sizes, outermost axis first. */
  readonly dims: readonly number[];
}
