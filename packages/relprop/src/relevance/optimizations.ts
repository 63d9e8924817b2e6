/**
 * Optimizations of the compiler. Each keeps relevance the same, except for rounding, and can be turned off to measure
 * its effect or to test that it changes nothing (test/relevance/optimizations.test.ts).
 *
 * | optimization       | what is saved                                                                                  |
 * |---------------|------------------------------------------------------------------------------------------------|
 * | `zeros`       | what would be computed for relevance that is known to be 0: zeros.ts                            |
 * | `complements` | a convolution: contributions against an output are its value less those for it                 |
 * | `factors`     | signs and products of what relevance is a multiple of: factors.ts                              |
 */
export const optimizations = ["zeros", "complements", "factors"] as const;
/** One of {@link optimizations}. */
export type Optimization = (typeof optimizations)[number];
