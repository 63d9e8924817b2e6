/** Name of the channel on which the engine's worker says which files it has loaded. */
export const loadedChannel = "relprop loaded";
