/** What the app knows and does, whatever mode is shown: its state, its engine, its model. */

import { InputError } from "relprop";
import { parseModelCard, type ModelCard } from "relprop/zoo";
import { BrowserEngine } from "../engine/browser-engine.ts";
import type { Engine, LoadedModel, ModelSource, OfferedModel, Target } from "../engine/engine.ts";
import { fetchBytes } from "../engine/fetch-bytes.ts";
import { LocalEngine } from "../engine/local-engine.ts";
import { tokenParameter } from "../engine/protocol.ts";
import { cachedModels, cacheModel, forgetModel, readCachedModel } from "../pictures/model-cache.ts";
import { pictureFromBlob, pictureFromUrl, type SourcePicture } from "../pictures/pictures.ts";
import { isModelFile } from "../parts/file-name.ts";
import { textOf } from "../parts/png-text.ts";
import type { AppState } from "./fields.ts";
import { readHash, writeHash } from "./hash.ts";
import { isSettings, readSettings, settingsKeyword } from "./settings-file.ts";

/** Name of the model that comes with the app. */
export const shippedModel = "digits";

/** The modes that explain a picture that was brought; in others it is shown by Images. */
const showsPictures: ReadonlySet<string> = new Set(["images", "interact", "layers"]);

function parseJson(name: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new InputError(
      { what: `cannot read "${name}"`, why: "it is no JSON", fix: "drop a model card or saved settings" },
      { cause: error },
    );
  }
}

const isAddress = (text: string): boolean => /^https?:\/\//.test(text);

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
  /** Models that the local engine knows by name. */
  offered: readonly OfferedModel[] = $state.raw([]);
  /** A picture that was dropped, pasted, picked or fetched; modes show it. */
  picture: SourcePicture | undefined = $state.raw();
  /** A video that was dropped, pasted or picked; live plays it. */
  video: File | undefined = $state.raw();

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

  /** Shows a picture of the gallery, in place of one that was brought. */
  pickPicture(name: string): void {
    this.picture = undefined;
    this.set({ picture: name });
  }

  say(text: string): void {
    this.status = text;
  }

  fail(error: unknown): void {
    this.problem = error instanceof Error ? error.message : String(error);
  }

  /** Starts with the model that the URL names. */
  async start(): Promise<void> {
    void this.#fetchPicture();
    this.kept = await cachedModels().catch(() => []);
    await this.openNamed(this.app.model);
  }

  /** Follows a link within the page, or the back button. */
  async follow(hash: string): Promise<void> {
    await this.#adopt(readHash(hash));
  }

  async #adopt(state: AppState): Promise<void> {
    const before = this.app;
    this.set(state);
    if (state.picture !== "" && state.picture !== before.picture) this.picture = undefined;
    void this.#fetchPicture();
    if (this.app.engine !== before.engine) await this.useEngine(this.app.engine);
    else if (this.app.model !== before.model) await this.openNamed(this.app.model);
  }

  /** Opens the shipped model, one that was dropped before, or one that the local engine offers. */
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
      this.offered = await engine.models();
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
      else this.#takePicture(await pictureFromUrl(url), url);
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
    return new BrowserEngine(engine === "local" ? "auto" : engine, ({ words }) => {
      this.engineWords = words;
      this.say(`Runs on ${words} now`);
    });
  }

  async #sourceOf(name: string): Promise<ModelSource> {
    if (name === shippedModel) return { kind: "shipped", name };
    if (this.#isLocal) {
      this.engine ??= this.#makeEngine();
      this.offered = await this.engine.models();
      const isOffered = this.offered.some((each) => each.name === name);
      if (isOffered || !this.kept.includes(name)) return { kind: "zoo", name };
    }
    return { kind: "file", name, bytes: await readCachedModel(name) };
  }

  async #takeFile(file: File): Promise<void> {
    if (isModelFile(file.name)) {
      await this.#takeModel(file.name, new Uint8Array(await file.arrayBuffer()));
    } else if (file.name.endsWith(".json")) {
      await this.#takeJson(file.name, await file.text());
    } else if (file.type.startsWith("video/")) {
      this.video = file;
      this.set({ tab: "live" });
    } else {
      // A picture that this app saved stands for its settings: a heatmap is not explained again.
      const settings = textOf(new Uint8Array(await file.arrayBuffer()), settingsKeyword);
      if (settings === undefined) this.#takePicture(await pictureFromBlob(file, file.name));
      else await this.#takeSettings(file.name, settings);
    }
  }

  async #takeJson(name: string, text: string): Promise<void> {
    const json = parseJson(name, text);
    if (isSettings(json)) await this.#takeSettings(name, text);
    else await this.#takeCard(parseModelCard(json, name));
  }

  /** All settings but the engine: that is a matter of the machine. */
  async #takeSettings(name: string, text: string): Promise<void> {
    const { state, picture } = readSettings(text);
    await this.#adopt({ ...state, engine: this.app.engine });
    const isHere = state.picture !== "" || picture === "" || picture === this.picture?.name;
    this.say(`The settings of ${name} are set${isHere ? "" : `; open ${picture} to see the same heatmap`}`);
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

  /** Fetches the picture that the URL gives the address of. */
  async #fetchPicture(): Promise<void> {
    const { picture } = this.app;
    if (!isAddress(picture) || this.picture) return;
    try {
      const fetched = await pictureFromUrl(picture);
      if (this.app.picture === picture) this.picture = fetched;
    } catch (error) {
      this.fail(error);
    }
  }

  /** @param address where it came from, if it has one that a link can hold */
  #takePicture(picture: SourcePicture, address = ""): void {
    this.picture = picture;
    this.set({
      picture: isAddress(address) ? address : "",
      ...(showsPictures.has(this.app.tab) ? {} : { tab: "images" }),
    });
    this.say(`${picture.name} is open`);
  }
}
