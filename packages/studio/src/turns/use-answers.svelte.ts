/** {@link Answers} for a component: asks when the question changes, and ends with the component. */

import { untrack } from "svelte";
import { Answers, type AnswersOptions, type Question } from "./answers.ts";

/** Must be created during the setup of a component, which owns its effect. */
export function useAnswers<Q extends Question, A>(options: AnswersOptions<Q, A>): Answers<Q, A> {
  const answers = new Answers(options);
  $effect(() => {
    void answers.wanted;
    untrack(() => answers.follow());
  });
  $effect(() => () => answers.stop());
  return answers;
}
