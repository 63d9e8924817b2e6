/**
 * Answers under the names they belong to. Every mode of the app asks through this, so that the studio never shows one
 * thing's answer under another's name: what may be drawn is decided here, each time it is read, by comparing the model,
 * the picture and the settings of the newest answer with those that are wanted now.
 */

import { createSubscriber } from "svelte/reactivity";
import { inTurn } from "@relprop/engine/in-turn";
import { NewestWins, type Clock } from "./newest-wins.ts";

/** What is asked of an engine, and so what its answer belongs to. */
export interface Question {
  readonly engine: object;
  /** A model as it was loaded: loaded again it is another one. Told from others by identity, like the picture. */
  readonly model: object;
  readonly picture: object;
  /** Settings that need a run of the network; the same if they read the same. */
  readonly asked: object;
  /** What of the picture changes while it is looked at: strokes, patches. An answer to earlier ones is a step towards it. */
  readonly moment?: unknown;
}

/** An answer with the question it is the answer to. */
export interface Answered<Q, A> {
  readonly question: Q;
  readonly answer: A;
}

/** Runs a job on the question's engine when its turn comes, unless something else is wanted by then. */
export type InItsTurn<Q extends Question> = <T>(job: (engine: Q["engine"]) => Promise<T>) => Promise<T>;

export interface AnswersOptions<Q extends Question, A> {
  /** What is wanted now; undefined while there is nothing to ask, or a model is being loaded: then pictures wait. */
  readonly wanted: () => Q | undefined;
  readonly run: (question: Q, inItsTurn: InItsTurn<Q>) => Promise<A>;
  /** Hears of each answer that may be drawn, and of the milliseconds that it took. */
  readonly onAnswer?: (answered: Answered<Q, A>, latency: number) => void;
  /** Hears of each failure of what is wanted. */
  readonly onProblem?: (text: string) => void;
  /** Least milliseconds between two answers. */
  readonly interval?: () => number;
  readonly clock?: Clock;
}

/** Ends a run whose answer nobody wants any more. */
class Superseded extends Error {}

export class Answers<Q extends Question, A> {
  readonly #options: AnswersOptions<Q, A>;
  readonly #turns: NewestWins<Q, A>;
  #latest: Answered<Q, A> | undefined;
  #problem: { readonly question: Q; readonly text: string } | undefined;
  #running: Q | undefined;
  #isAfresh = false;
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

  /** Nothing once these have ended: what it is found out from may have ended too. */
  get wanted(): Q | undefined {
    return this.#isStopped ? undefined : this.#options.wanted();
  }

  /**
   * The newest answer of the model and the picture that are wanted. What belongs to these two, as the classes do, can be
   * read from it; what belongs to the settings too is the answer to what is wanted only if {@link isCurrent}.
   */
  get shown(): Answered<Q, A> | undefined {
    this.#subscribe();
    const { wanted } = this;
    return wanted && this.#latest && isOfSame(this.#latest.question, wanted) ? this.#latest : undefined;
  }

  /** Whether what is shown is the answer to what is wanted, and asking for it anew has not failed. */
  get isCurrent(): boolean {
    const { wanted, shown } = this;
    return (
      wanted !== undefined &&
      shown !== undefined &&
      isSame(shown.question, wanted) &&
      this.problem === undefined
    );
  }

  /** Whether what is shown was made with the settings that are wanted, be it of an earlier moment. */
  get isOfSettings(): boolean {
    const { wanted, shown } = this;
    return wanted !== undefined && shown !== undefined && hasSameSettings(shown.question, wanted);
  }

  /** Why there is no answer to what is wanted. It goes when something else is wanted, or when it succeeds. */
  get problem(): string | undefined {
    this.#subscribe();
    const { wanted } = this;
    return wanted && this.#problem && isSame(this.#problem.question, wanted) ? this.#problem.text : undefined;
  }

  /** Whether an answer to what is wanted is on its way. */
  get isAtWork(): boolean {
    return this.wanted !== undefined && !this.isCurrent && this.problem === undefined;
  }

  /** Asks what is wanted, unless that is answered, has failed, or is being answered. To be called when it changes. */
  follow(): void {
    const { wanted } = this;
    if (wanted && this.isAtWork && !(this.#running && isSame(this.#running, wanted))) this.#offer();
  }

  /** Asks again what is wanted: after a failure, or for the next frame of a video. */
  ask(): void {
    this.#isAfresh = true;
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

  /** Ends for good. */
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
      const isNeeded = this.#isAfresh || this.isAtWork;
      this.#isAfresh = false;
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

  /** Whether a question's answer may be drawn now, were it there. */
  #isWanted(question: Q): boolean {
    const { wanted } = this;
    return wanted !== undefined && isOfSame(question, wanted) && hasSameSettings(question, wanted);
  }

  #change(change: () => void): void {
    change();
    this.#changed();
  }
}

/** Whether two questions are about the same picture, put to the same model. */
const isOfSame = (a: Question, b: Question): boolean => a.model === b.model && a.picture === b.picture;

const hasSameSettings = (a: Question, b: Question): boolean =>
  JSON.stringify(a.asked) === JSON.stringify(b.asked);

const isSame = (a: Question, b: Question): boolean =>
  isOfSame(a, b) && hasSameSettings(a, b) && a.moment === b.moment;
