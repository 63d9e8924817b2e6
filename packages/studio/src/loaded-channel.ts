/** Name of the channel on which the engine's worker reports its loaded files. */
export const loadedChannel = "relprop loaded";
