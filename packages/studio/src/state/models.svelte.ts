/** The open model, the model being opened, and their engine. */

import { InputError, outputKinds } from "@relprop/core";
import type { ModelCard } from "@relprop/core/zoo";
import type { Engine, LoadedModel, ModelSource, OfferedModel } from "@relprop/engine/engine";
import { makeEngine } from "./make-engine.ts";
import { tokenParameter } from "@relprop/engine/protocol";
import { keptModels } from "../pictures/kept-files.ts";
import { inTurn } from "@relprop/engine/in-turn";
import type { AppState } from "./fields.ts";
import type { Problems } from "./problems.svelte.ts";

/** The output of a model, in words. */
const outputWords = ({ facts, classes }: LoadedModel): string =>
  facts.kind === "classes" || facts.kind === "multi-label"
    ? `${classes} classes`
    : (outputKinds[facts.kind].split(", [")[0] as string);

/** Name of the model that comes with the app. */
export const shippedModel = "digits";

const shippedSource: ModelSource = { kind: "shipped", name: shippedModel };

/** A model that is being opened. */
export interface Opening {
  readonly name: string;
  /** Undefined until the origin of the model is known. */
  readonly source?: ModelSource;
  /** Progress in [0, 1] and in words. */
  readonly fraction: number;
  readonly what: string;
}

/** The shipped model's origin, and with it its gallery, is known at once. */
const begun = (name: string): Opening => ({
  name,
  ...(name === shippedModel && { source: shippedSource }),
  fraction: 0,
  what: "starting",
});

/** A model that can be asked, and its engine. */
export interface Ready {
  readonly engine: Engine;
  readonly model: LoadedModel;
}

/** Callbacks for the rest of the app. */
export interface ModelsHost {
  readonly app: AppState;
  readonly problems: Problems;
  set(change: Partial<AppState>): void;
  say(text: string): void;
}

export class Models {
  opening: Opening | undefined = $state.raw();
  /** The current engine, in words. */
  engineWords: string = $state("");
  /** Dropped models stored in this browser. */
  kept: readonly string[] = $state.raw([]);
  /** Models that the local engine knows by name. */
  offered: readonly OfferedModel[] = $state.raw([]);
  /** Whether the page was served by `relprop studio`. */
  readonly hasLocalEngine: boolean = new URLSearchParams(location.search).has(tokenParameter);

  readonly #host: ModelsHost;
  /** Creates the engine for the next model. */
  #engine: Engine | undefined = $state.raw();
  #opened: (Ready & { readonly source: ModelSource }) | undefined = $state.raw();
  /** The origin of the model that is being opened; undefined if it cannot be found. */
  #finding: Promise<ModelSource | undefined> | undefined;
  #newest = 0;

  /** Starts with the model that the URL names; {@link Models.start} opens it. */
  constructor(host: ModelsHost) {
    this.#host = host;
    this.opening = begun(host.app.model);
  }

  /** The model that can be asked now; undefined while one is being opened, since an engine has one model at a time. */
  get ready(): Ready | undefined {
    return this.opening || this.#opened?.engine !== this.#engine ? undefined : this.#opened;
  }

  /** The latest opened model, even if it cannot be asked now. */
  get model(): LoadedModel | undefined {
    return this.#opened?.model;
  }

  /** The page's model: the one being opened, else the open one. */
  get name(): string {
    return this.opening?.name ?? this.model?.name ?? this.#host.app.model;
  }

  /** The origin of the page's model, once it is known. */
  get source(): ModelSource | undefined {
    return this.opening ? this.opening.source : this.#opened?.source;
  }

  /** Whether the engine is the one of `relprop studio`. */
  get isLocal(): boolean {
    const { engine } = this.#host.app;
    return this.hasLocalEngine && (engine === "local" || engine === "auto");
  }

  /** Opens the model that the URL names. */
  async start(): Promise<void> {
    this.kept = await keptModels.names().catch(() => []);
    await this.openNamed(this.#host.app.model);
  }

  /** Opens the shipped model, a stored one, or one of the local engine's models. */
  openNamed(name: string): Promise<void> {
    this.#host.problems.clear("model");
    return this.#openOrSay(name, () => this.#sourceOf(name));
  }

  /** @throws the engine's errors, with messages for the user; the previous model stays open. */
  async open(source: ModelSource): Promise<void> {
    await this.#open(source.name, async () => source);
  }

  /** Opens and stores a model file. @throws errors of reading it, and those of {@link Models.open} */
  async take(name: string, read: () => Promise<Uint8Array<ArrayBuffer>>): Promise<void> {
    const reading = read();
    const isOpen = await this.#open(name, async () => ({ kind: "file", name, bytes: await reading }));
    if (!isOpen) return;
    const bytes = await reading;
    await keptModels.keep({ name, bytes }).catch(() => {
      this.#host.say(`${name} is open, but this browser cannot keep it`);
    });
    this.kept = await keptModels.names().catch(() => []);
  }

  /** Opens the latest model file again, with another card. */
  async takeCard(card: ModelCard): Promise<void> {
    const source = this.opening ? await this.#finding : this.#opened?.source;
    if (source?.kind !== "file") {
      throw new InputError({
        what: `cannot use the card of "${card.name}"`,
        why: "the model that is open came with its own",
        fix: "drop the model's file first, then its card",
      });
    }
    await this.open({ ...source, card });
  }

  async forget(name: string): Promise<void> {
    await keptModels.forget(name);
    this.kept = await keptModels.names();
    if (this.#host.app.model === name) await this.openNamed(shippedModel);
  }

  /** Cancels opening a model. The previous one is opened again on a new engine. */
  async cancel(): Promise<void> {
    const before = this.#opened?.source;
    const isBack = before === undefined || this.opening?.source === before;
    await this.#stop();
    this.#host.say("Opening the model was cancelled");
    if (!isBack) await this.#openOrSay(before.name, async () => before);
  }

  /** Changes the engine, and opens the model there. */
  async useEngine(engine: AppState["engine"]): Promise<void> {
    const source = this.source;
    const { name } = this;
    this.#host.problems.clear("model");
    this.#host.set({ engine });
    await this.#stop();
    await this.#openOrSay(name, async () => source ?? this.#sourceOf(name));
  }

  /** Opens the shipped model if no other could be opened, since the page would be empty. */
  async #openOrSay(name: string, find: () => Promise<ModelSource>): Promise<void> {
    try {
      await this.#open(name, find);
    } catch (error) {
      this.#host.problems.tell("model", error);
      if (this.ready || name === shippedModel) return;
      await this.#openOrSay(shippedModel, () => this.#sourceOf(shippedModel));
    }
  }

  /**
   * Opens models one after another, and skips one if a newer one is wanted by then.
   * @returns whether it was opened
   */
  async #open(name: string, find: () => Promise<ModelSource>): Promise<boolean> {
    const mine = ++this.#newest;
    const isNewest = (): boolean => mine === this.#newest;
    const tell = (change: Partial<Opening>): void => {
      if (isNewest() && this.opening) this.opening = { ...this.opening, ...change };
    };
    this.opening = begun(name);
    this.#engine ??= this.#makeEngine();
    const engine = this.#engine;
    try {
      const finding = find();
      this.#finding = finding.catch(() => undefined);
      const source = await finding;
      tell({ source });
      return await inTurn(engine, async () => {
        if (!isNewest()) return false;
        const model = await engine.load(source, (fraction, what) => tell({ fraction, what }));
        if (engine !== this.#engine) return false;
        this.#adopt({ engine, model, source }, isNewest());
        this.engineWords = (await engine.status()).words;
        this.offered = await engine.models();
        return true;
      });
    } catch (error) {
      if (isNewest()) throw error;
      return false;
    } finally {
      if (isNewest()) this.opening = undefined;
    }
  }

  /** Adopts the model that the engine has loaded, even if another one is already being opened. */
  #adopt(opened: Ready & { readonly source: ModelSource }, isNewest: boolean): void {
    const { app } = this.#host;
    const { model, source } = opened;
    // Another model has other classes and layers; links and saved settings name the model along with them.
    const isOther = app.model !== source.name;
    const { labels } = model.card;
    const hasSameClasses = labels.length > 0 && String(this.model?.card.labels) === String(labels);
    this.#opened = opened;
    if (isNewest) this.opening = undefined;
    this.#host.set({
      model: source.name,
      ...(isOther && { layer: "" }),
      ...(isOther && !hasSameClasses && { target: { kind: "prediction" }, target2: { kind: "prediction" } }),
    });
    this.#host.say(`${model.name} is ready: ${outputWords(model)}`);
  }

  async #stop(): Promise<void> {
    this.#newest++;
    this.opening = undefined;
    const engine = this.#engine;
    this.#engine = undefined;
    this.engineWords = "";
    await engine?.dispose();
  }

  #makeEngine(): Engine {
    return makeEngine(this.#host.app.engine, this.isLocal, ({ words }) => {
      this.engineWords = words;
      this.#host.say(`Runs on ${words} now`);
    });
  }

  async #sourceOf(name: string): Promise<ModelSource> {
    if (name === shippedModel) return shippedSource;
    if (this.isLocal) {
      this.#engine ??= this.#makeEngine();
      this.offered = await this.#engine.models();
      const isOffered = this.offered.some((each) => each.name === name);
      if (isOffered || !this.kept.includes(name)) return { kind: "zoo", name };
    }
    return { kind: "file", ...(await keptModels.read(name)) };
  }
}
