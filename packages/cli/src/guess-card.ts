/** How pictures are fed to a model that comes without a card: the library knows. */
export { guessCard, type GuessedCard, type InputOptions, overrideCard } from "relprop/zoo";
