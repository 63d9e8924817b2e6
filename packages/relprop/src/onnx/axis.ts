/** An axis of a rank, or an index of a length, counted from the start: negative ones count from the end. */
export const wrapped = (index: number, length: number): number => (index < 0 ? index + length : index);
