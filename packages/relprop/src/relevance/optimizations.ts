/**
 * Savings that the compiler makes: each leaves relevance as it is, but for rounding, and can be left out to measure
 * what it is worth or to prove that it changes nothing (test/relevance/optimizations.test.ts).
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
