/** What the app knows and does, whatever mode is shown: its state, its engine, its model. */

import { zoo, parseModelCard, type ModelCard } from "relprop/zoo";
import { BrowserEngine } from "../engine/browser-engine.ts";
import type { Engine, LoadedModel, ModelSource, Target } from "../engine/engine.ts";
import { fetchBytes } from "../engine/fetch-bytes.ts";
import { LocalEngine } from "../engine/local-engine.ts";
import { tokenParameter } from "../engine/protocol.ts";
import { cachedModels, cacheModel, forgetModel, readCachedModel } from "../pictures/model-cache.ts";
import { pictureFromBlob, pictureFromUrl, type SourcePicture } from "../pictures/pictures.ts";
import type { AppState } from "./fields.ts";
import { readHash, writeHash } from "./hash.ts";

/** Name of the model that comes with the app. */
export const shippedModel = "digits";

const isModelFile = (name: string): boolean => /\.(onnx|pth?|safetensors|bin)$/i.test(name);

export class Session {
  /** Everything that the URL holds. */
  app: AppState = $state.raw(readHash(location.hash));
  engine: Engine | undefined = $state.raw();
  model: LoadedModel | undefined = $state.raw();
  /** What is being loaded, in [0, 1] and in words. */
  progress: { readonly fraction: number; readonly what: string } | undefined = $state.raw();
  /** What went wrong last, until it is dismissed. */
  problem: string | undefined = $state.raw();
  /** Read aloud. */
  status: string = $state("");
  engineWords: string = $state("");
  /** Dropped models that this browser keeps. */
  kept: readonly string[] = $state.raw([]);
  /** A picture that was dropped, pasted, picked or fetched; modes show it. */
  picture: SourcePicture | undefined = $state.raw();

  /** Whether the page was served by `relprop studio`. */
  readonly hasLocalEngine: boolean = new URLSearchParams(location.search).has(tokenParameter);
  #source: ModelSource | undefined;
  #load = 0;

  /** Changes the state and the URL with it. */
  set(change: Partial<AppState>): void {
    this.app = { ...this.app, ...change };
    history.replaceState(null, "", `${location.pathname}${location.search}${writeHash(this.app)}`);
  }

  setTarget(target: Target): void {
    this.set({ target });
  }

  say(text: string): void {
    this.status = text;
  }

  fail(error: unknown): void {
    this.problem = error instanceof Error ? error.message : String(error);
  }

  /** Starts with the model that the URL names. */
  async start(): Promise<void> {
    this.kept = await cachedModels().catch(() => []);
    await this.openNamed(this.app.model);
  }

  /** Follows a link within the page, or the back button. */
  async follow(hash: string): Promise<void> {
    const before = this.app;
    this.app = readHash(hash);
    if (this.app.engine !== before.engine) await this.useEngine(this.app.engine);
    else if (this.app.model !== before.model) await this.openNamed(this.app.model);
  }

  /** Names that {@link openNamed} knows. */
  get names(): readonly string[] {
    const zooNames = this.#isLocal ? zoo.map(({ name }) => name) : [];
    return [shippedModel, ...this.kept, ...zooNames];
  }

  /** Opens the shipped model, one that was dropped before, or one of the zoo. */
  async openNamed(name: string): Promise<void> {
    try {
      await this.open(await this.#sourceOf(name));
    } catch (error) {
      this.fail(error);
      if (!this.model && name !== shippedModel) await this.openNamed(shippedModel);
    }
  }

  /** @throws what the engine throws, with words for the user; the model that was open stays. */
  async open(source: ModelSource): Promise<void> {
    const load = ++this.#load;
    this.engine ??= this.#makeEngine();
    const { engine } = this;
    this.progress = { fraction: 0, what: "loading the model" };
    try {
      const model = await engine.load(source, (fraction, what) => {
        if (load === this.#load) this.progress = { fraction, what };
      });
      if (load !== this.#load) return;
      this.model = model;
      this.#source = source;
      this.engineWords = (await engine.status()).words;
      this.set({ model: source.name });
      this.say(`${model.name} is ready: ${model.classes} classes`);
    } finally {
      if (load === this.#load) this.progress = undefined;
    }
  }

  /** Stops loading; the engine starts anew with the next model. */
  async cancel(): Promise<void> {
    await this.#stop();
    this.say("Loading was cancelled");
  }

  async #stop(): Promise<void> {
    this.#load++;
    this.progress = undefined;
    const { engine } = this;
    this.engine = undefined;
    this.model = undefined;
    await engine?.dispose();
  }

  /** Takes whatever was dropped, pasted or picked: pictures, models, model cards. */
  async take(files: readonly File[]): Promise<void> {
    this.problem = undefined;
    for (const file of files) {
      try {
        await this.#takeFile(file);
      } catch (error) {
        this.fail(error);
      }
    }
  }

  /** Takes a picture or a model by its address. */
  async takeUrl(url: string): Promise<void> {
    this.problem = undefined;
    try {
      const name = URL.canParse(url) ? (new URL(url).pathname.split("/").at(-1) ?? url) : url;
      if (isModelFile(name)) await this.#takeModel(name, await fetchBytes(url));
      else this.#takePicture(await pictureFromUrl(url));
    } catch (error) {
      this.fail(error);
    }
  }

  async forget(name: string): Promise<void> {
    await forgetModel(name);
    this.kept = await cachedModels();
    if (this.app.model === name) await this.openNamed(shippedModel);
  }

  /** Changes what runs the model, and loads it there. */
  async useEngine(engine: AppState["engine"]): Promise<void> {
    this.set({ engine });
    const source = this.#source ?? (await this.#sourceOf(this.app.model));
    await this.#stop();
    await this.open(source).catch((error: unknown) => this.fail(error));
  }

  get #isLocal(): boolean {
    const { engine } = this.app;
    return this.hasLocalEngine && (engine === "local" || engine === "auto");
  }

  #makeEngine(): Engine {
    if (this.#isLocal) return new LocalEngine(location.href);
    const { engine } = this.app;
    return new BrowserEngine(engine === "local" ? "auto" : engine);
  }

  async #sourceOf(name: string): Promise<ModelSource> {
    if (name === shippedModel) return { kind: "shipped", name };
    if (this.#isLocal && !this.kept.includes(name)) return { kind: "zoo", name };
    return { kind: "file", name, bytes: await readCachedModel(name) };
  }

  async #takeFile(file: File): Promise<void> {
    if (isModelFile(file.name)) {
      await this.#takeModel(file.name, new Uint8Array(await file.arrayBuffer()));
    } else if (file.name.endsWith(".json")) {
      await this.#takeCard(parseModelCard(JSON.parse(await file.text()), file.name));
    } else {
      this.#takePicture(await pictureFromBlob(file, file.name));
    }
  }

  async #takeModel(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.open({ kind: "file", name, bytes });
    await cacheModel(name, bytes).catch(() => this.say(`${name} is open, but this browser cannot keep it`));
    this.kept = await cachedModels().catch(() => []);
  }

  async #takeCard(card: ModelCard): Promise<void> {
    const source = this.#source;
    const bytes = source?.kind === "file" ? source.bytes : undefined;
    if (!bytes || !source) throw new Error("Drop the model first, then its card.");
    await this.open({ kind: "file", name: source.name, bytes, card });
  }

  #takePicture(picture: SourcePicture): void {
    this.picture = picture;
    this.set({
      picture: "",
      ...(this.app.tab === "draw" || this.app.tab === "layers" ? { tab: "images" } : {}),
    });
    this.say(`${picture.name} is open`);
  }
}
