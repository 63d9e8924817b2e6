/**
 * Matches answers to questions. Every mode asks through this class, so that the studio never shows an
 * answer for the wrong question: each time an answer is read, the model, the picture and the settings of its
 * question are compared with the current ones.
 */

import { createSubscriber } from "svelte/reactivity";
import { inTurn } from "@relprop/engine/in-turn";
import { NewestWins, type Clock } from "./newest-wins.ts";

/** A question to an engine; its answer belongs to exactly this. */
export interface Question {
  readonly engine: object;
  /** Compared by identity, like the picture: a model that is loaded again counts as another one. */
  readonly model: object;
  readonly picture: object;
  /** Settings that need a run of the network; compared by content. */
  readonly asked: object;
  /** Changes of the picture while it is shown, such as strokes and patches. Answers to earlier states are shown meanwhile. */
  readonly moment?: unknown;
}

/** An answer with its question. */
export interface Answered<Q, A> {
  readonly question: Q;
  readonly answer: A;
}

/** Runs a job on the question's engine in turn, unless the question is outdated by then. */
export type RunInTurn<Q extends Question> = <T>(job: (engine: Q["engine"]) => Promise<T>) => Promise<T>;

export interface AnswersOptions<Q extends Question, A> {
  /** The current question; undefined if there is none, or while a model is being loaded. */
  readonly wanted: () => Q | undefined;
  readonly run: (question: Q, inItsTurn: RunInTurn<Q>) => Promise<A>;
  /** Called with each answer that may be shown, and its duration in milliseconds. */
  readonly onAnswer?: (answered: Answered<Q, A>, latency: number) => void;
  /** Called for each failure of the current question. */
  readonly onProblem?: (text: string) => void;
  /** Minimum milliseconds between two answers. */
  readonly interval?: () => number;
  readonly clock?: Clock;
}

/** Ends a run whose answer is outdated. */
class Superseded extends Error {}

export class Answers<Q extends Question, A> {
  readonly #options: AnswersOptions<Q, A>;
  readonly #turns: NewestWins<Q, A>;
  #latest: Answered<Q, A> | undefined;
  #problem: { readonly question: Q; readonly text: string } | undefined;
  #running: Q | undefined;
  #isAskedAgain = false;
  #isStopped = false;
  #changed: () => void = () => undefined;
  readonly #subscribe = createSubscriber((update) => {
    this.#changed = update;
    return () => (this.#changed = () => undefined);
  });

  constructor(options: AnswersOptions<Q, A>) {
    this.#options = options;
    const { interval, clock } = options;
    this.#turns = new NewestWins<Q, A>({
      run: (question) => options.run(question, (job) => this.#inItsTurn(question, job)),
      onResult: (answer, question, latency) => this.#accept({ question, answer }, latency),
      onError: (error, question) => this.#fail(error, question),
      ...(interval && { interval }),
      ...(clock && { clock }),
    });
  }

  /** Does nothing after the end, when the source of the question may be gone, too. */
  get wanted(): Q | undefined {
    return this.#isStopped ? undefined : this.#options.wanted();
  }

  /**
   * The newest answer for the current model and picture. Facts that depend only on these, such as the classes, can be
   * read from it; facts that depend on the settings are valid only if {@link isCurrent}.
   */
  get shown(): Answered<Q, A> | undefined {
    this.#subscribe();
    const { wanted } = this;
    return wanted && this.#latest && isOfSame(this.#latest.question, wanted) ? this.#latest : undefined;
  }

  /** Whether the shown answer is the current one, and no repeated run has failed. */
  get isCurrent(): boolean {
    const { wanted, shown } = this;
    return (
      wanted !== undefined &&
      shown !== undefined &&
      isSame(shown.question, wanted) &&
      this.problem === undefined
    );
  }

  /** Whether the shown answer has the current settings, possibly for an earlier state of the picture. */
  get isOfSettings(): boolean {
    const { wanted, shown } = this;
    return wanted !== undefined && shown !== undefined && hasSameSettings(shown.question, wanted);
  }

  /** Why the current question has no answer. Cleared by another question or a success. */
  get problem(): string | undefined {
    this.#subscribe();
    const { wanted } = this;
    return wanted && this.#problem && isSame(this.#problem.question, wanted) ? this.#problem.text : undefined;
  }

  /** Whether the answer to the current question is being computed. */
  get isBusy(): boolean {
    return this.wanted !== undefined && !this.isCurrent && this.problem === undefined;
  }

  /** Asks the current question, unless it is answered, has failed, or is running. Call it when the question changes. */
  follow(): void {
    const { wanted } = this;
    if (wanted && this.isBusy && !(this.#running && isSame(this.#running, wanted))) this.#offer();
  }

  /** Asks the current question again: after a failure, or for the next frame of a video. */
  ask(): void {
    this.#isAskedAgain = true;
    if (this.#problem) this.#change(() => (this.#problem = undefined));
    this.#offer();
  }

  /** Starts nothing until {@link Answers.resume}. */
  pause(): void {
    this.#turns.pause();
  }

  resume(): void {
    this.#turns.resume();
  }

  /** Ends permanently. */
  stop(): void {
    this.#isStopped = true;
    this.#turns.stop();
  }

  /** Resolves when nothing runs and nothing waits. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  #offer(): void {
    this.#turns.offer(() => {
      const { wanted } = this;
      const isNeeded = this.#isAskedAgain || this.isBusy;
      this.#isAskedAgain = false;
      if (!wanted || !isNeeded) throw new Superseded();
      this.#running = wanted;
      return wanted;
    });
  }

  #inItsTurn<T>(question: Q, job: (engine: Q["engine"]) => Promise<T>): Promise<T> {
    return inTurn(question.engine, async () => {
      if (!this.#isWanted(question)) throw new Superseded();
      return job(question.engine);
    });
  }

  #accept(answered: Answered<Q, A>, latency: number): void {
    this.#running = undefined;
    if (this.#isWanted(answered.question)) {
      this.#change(() => {
        this.#latest = answered;
        this.#problem = undefined;
      });
      this.#options.onAnswer?.(answered, latency);
    }
    this.follow();
  }

  #fail(error: unknown, question: Q | undefined): void {
    this.#running = undefined;
    if (question && !(error instanceof Superseded) && this.#isWanted(question)) {
      const text = error instanceof Error ? error.message : String(error);
      this.#change(() => (this.#problem = { question, text }));
      this.#options.onProblem?.(text);
    }
    this.follow();
  }

  /** Whether an answer to this question could be shown now. */
  #isWanted(question: Q): boolean {
    const { wanted } = this;
    return wanted !== undefined && isOfSame(question, wanted) && hasSameSettings(question, wanted);
  }

  #change(change: () => void): void {
    change();
    this.#changed();
  }
}

/** Whether two questions concern the same picture and the same model. */
const isOfSame = (a: Question, b: Question): boolean => a.model === b.model && a.picture === b.picture;

const hasSameSettings = (a: Question, b: Question): boolean =>
  JSON.stringify(a.asked) === JSON.stringify(b.asked);

const isSame = (a: Question, b: Question): boolean =>
  isOfSame(a, b) && hasSameSettings(a, b) && a.moment === b.moment;
