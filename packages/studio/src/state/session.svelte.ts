/** The state and actions of the app, independent of the mode: settings, model, picture, problems. */

import { InputError } from "@relprop/core";
import { textOf } from "@relprop/core/internal";
import { parseModelCard } from "@relprop/core/zoo";
import type { Target } from "@relprop/engine/engine";
import { fetchBytes } from "../engine/fetch-bytes.ts";
import { isModelFile } from "./file-name.ts";
import type { AppState } from "./fields.ts";
import { readHash, writeHash } from "./hash.ts";
import { Models } from "./models.svelte.ts";
import { Pictures } from "./pictures.svelte.ts";
import { Problems, type ProblemTopic } from "./problems.svelte.ts";
import { isSettings, readSettings, settingsKeyword } from "./settings-file.ts";

/** Dropped, pasted or picked data that is meant for a mode. */
export type Dropped = "picture" | "video";

/** The session's view of a mode. */
export interface SessionMode {
  /** Its name in the URL. */
  readonly id: string;
  /** The kind of dropped data that it shows; other modes give way to the first one that takes it. */
  readonly takes: readonly Dropped[];
}

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

export class Session {
  /** All state in the URL. */
  app: AppState;
  /** A dropped, pasted or picked video; live plays it. */
  video: File | undefined = $state.raw();
  readonly problems: Problems = new Problems();
  readonly models: Models;
  readonly pictures: Pictures;
  readonly #modes: readonly SessionMode[];
  readonly #tabs: readonly string[];
  #said: { readonly text: string; readonly of: string } = $state.raw({ text: "", of: "" });

  /** Starts with the state in the URL. Must be created during the setup of a component. */
  constructor(modes: readonly SessionMode[]) {
    this.#modes = modes;
    this.#tabs = modes.map(({ id }) => id);
    this.app = $state.raw(readHash(location.hash, this.#tabs));
    this.models = new Models(this);
    this.pictures = new Pictures(this);
  }

  /** Changes the state and the URL. */
  set(change: Partial<AppState>): void {
    this.app = { ...this.app, ...change };
    history.replaceState(null, "", `${location.pathname}${location.search}${writeHash(this.app)}`);
  }

  setTarget(target: Target): void {
    this.set({ target });
  }

  /** The latest announcement, which screen readers read; empty once mode, model or picture has changed. */
  get status(): string {
    return this.#said.of === this.#subject ? this.#said.text : "";
  }

  say(text: string): void {
    this.#said = { text, of: this.#subject };
  }

  get #subject(): string {
    return JSON.stringify([this.app.tab, this.models.name, this.app.picture]);
  }

  /** Opens the model and the picture that the URL names. */
  async start(): Promise<void> {
    await Promise.all([this.pictures.follow(), this.models.start()]);
  }

  /** Follows a link within the page, or the back button. */
  async follow(hash: string): Promise<void> {
    await this.#adopt(readHash(hash, this.#tabs));
  }

  async #adopt(state: AppState): Promise<void> {
    const before = this.app;
    this.set(state);
    const picture = this.pictures.follow();
    if (state.engine !== before.engine) await this.models.useEngine(state.engine);
    else if (state.model !== this.models.name) await this.models.openNamed(state.model);
    await picture;
  }

  /** Opens dropped, pasted or picked files: pictures, models, model cards. */
  async take(files: readonly File[]): Promise<void> {
    this.problems.clear("model", "picture", "file");
    const turn = files.some(({ name }) => topicOf(name) === "picture") ? this.pictures.turn() : 0;
    for (const file of files) await this.#try(topicOf(file.name), () => this.#takeFile(file, turn));
  }

  /** Opens a picture or a model by its URL. */
  async takeUrl(url: string): Promise<void> {
    this.problems.clear("model", "picture", "file");
    const name = URL.canParse(url) ? (new URL(url).pathname.split("/").at(-1) ?? url) : url;
    await this.#try(topicOf(name), async () => {
      if (isModelFile(name)) await this.models.take(name, () => fetchBytes(url));
      else this.#show(await this.pictures.takeUrl(url));
    });
  }

  async #try(matter: ProblemTopic, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.problems.tell(matter, error);
    }
  }

  /** @param turn turn of the pictures among the files */
  async #takeFile(file: File, turn: number): Promise<void> {
    if (isModelFile(file.name)) {
      await this.models.take(file.name, async () => new Uint8Array(await file.arrayBuffer()));
    } else if (file.name.endsWith(".json")) {
      await this.#takeJson(file.name, await file.text());
    } else if (file.type.startsWith("video/")) {
      this.video = file;
      this.#showModeOf("video");
    } else {
      // A picture saved by this app restores its settings; heatmaps are not explained again.
      const settings = textOf(new Uint8Array(await file.arrayBuffer()), settingsKeyword);
      if (settings === undefined) this.#show(await this.pictures.take(file, turn));
      else await this.#takeSettings(file.name, settings);
    }
  }

  async #takeJson(name: string, text: string): Promise<void> {
    const json = parseJson(name, text);
    if (isSettings(json)) await this.#takeSettings(name, text);
    else await this.models.takeCard(parseModelCard(json, name));
  }

  /** Restores all settings except the engine, which depends on the machine. */
  async #takeSettings(name: string, text: string): Promise<void> {
    const { state, picture } = readSettings(text, this.#tabs);
    // Older files have only the name of the user's picture.
    const isOpen = state.picture === "" && picture === this.pictures.brought?.name;
    const { engine } = this.app;
    await this.#adopt({ ...state, engine, ...(isOpen && { picture: this.app.picture }) });
    const isHere = ["", this.app.picture, this.pictures.brought?.name].includes(picture);
    this.say(`The settings of ${name} are set${isHere ? "" : `; open ${picture} to see the same heatmap`}`);
  }

  /** @param picture the user's picture; undefined if a newer one was chosen meanwhile */
  #show(picture: { readonly name: string } | undefined): void {
    if (!picture) return;
    this.#showModeOf("picture");
    this.say(`${picture.name} is open`);
  }

  /** Stays in a mode that takes the data, else switches to the first one that does. */
  #showModeOf(dropped: Dropped): void {
    const takers = this.#modes.filter(({ takes }) => takes.includes(dropped));
    const [first] = takers;
    if (first && !takers.some(({ id }) => id === this.app.tab)) this.set({ tab: first.id });
  }
}

const topicOf = (name: string): ProblemTopic =>
  isModelFile(name) ? "model" : name.endsWith(".json") ? "file" : "picture";
