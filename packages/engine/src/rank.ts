/** How many classes an {@link ExplainResult} ranks. */
export const rankedClasses = 10;
