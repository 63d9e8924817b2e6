/** {@link Answers} for a component: asked when what is wanted changes, ended with the component. */

import { untrack } from "svelte";
import { Answers, type AnswersOptions, type Question } from "./answers.ts";

/** Made while a component is set up, whose effect it is. */
export function useAnswers<Q extends Question, A>(options: AnswersOptions<Q, A>): Answers<Q, A> {
  const answers = new Answers(options);
  $effect(() => {
    void answers.wanted;
    untrack(() => answers.follow());
  });
  $effect(() => () => answers.stop());
  return answers;
}
