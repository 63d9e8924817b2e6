/** What the app knows and does, whatever mode is shown: its state, its model, its picture, what went wrong. */

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
import { Problems, type Matter } from "./problems.svelte.ts";
import { isSettings, readSettings, settingsKeyword } from "./settings-file.ts";

/** What of that which is dropped, pasted or picked is for a mode. */
export type Dropped = "picture" | "video";

/** A mode, as far as the session knows it. */
export interface TabbedMode {
  /** In the URL. */
  readonly id: string;
  /** What it shows of that which is dropped; in other modes the first one that takes it is shown instead. */
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
  /** Everything that the URL holds. */
  app: AppState;
  /** A video that was dropped, pasted or picked; live plays it. */
  video: File | undefined = $state.raw();
  readonly problems: Problems = new Problems();
  readonly models: Models;
  readonly pictures: Pictures;
  readonly #modes: readonly TabbedMode[];
  readonly #tabs: readonly string[];
  #said: { readonly text: string; readonly of: string } = $state.raw({ text: "", of: "" });

  /** Begins with what the URL holds. Made while a component is set up. */
  constructor(modes: readonly TabbedMode[]) {
    this.#modes = modes;
    this.#tabs = modes.map(({ id }) => id);
    this.app = $state.raw(readHash(location.hash, this.#tabs));
    this.models = new Models(this);
    this.pictures = new Pictures(this);
  }

  /** Changes the state and the URL with it. */
  set(change: Partial<AppState>): void {
    this.app = { ...this.app, ...change };
    history.replaceState(null, "", `${location.pathname}${location.search}${writeHash(this.app)}`);
  }

  setTarget(target: Target): void {
    this.set({ target });
  }

  /** What was said last, which is read aloud, as long as the mode, the model and the picture are those that it was said of. */
  get status(): string {
    return this.#said.of === this.#subject ? this.#said.text : "";
  }

  say(text: string): void {
    this.#said = { text, of: this.#subject };
  }

  get #subject(): string {
    return JSON.stringify([this.app.tab, this.models.name, this.app.picture]);
  }

  /** Starts with the model and the picture that the URL names. */
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

  /** Takes whatever was dropped, pasted or picked: pictures, models, model cards. */
  async take(files: readonly File[]): Promise<void> {
    this.problems.clear("model", "picture", "file");
    const turn = files.some(({ name }) => matterOf(name) === "picture") ? this.pictures.turn() : 0;
    for (const file of files) await this.#try(matterOf(file.name), () => this.#takeFile(file, turn));
  }

  /** Takes a picture or a model by its address. */
  async takeUrl(url: string): Promise<void> {
    this.problems.clear("model", "picture", "file");
    const name = URL.canParse(url) ? (new URL(url).pathname.split("/").at(-1) ?? url) : url;
    await this.#try(matterOf(name), async () => {
      if (isModelFile(name)) await this.models.take(name, () => fetchBytes(url));
      else this.#show(await this.pictures.takeUrl(url));
    });
  }

  async #try(matter: Matter, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.problems.tell(matter, error);
    }
  }

  /** @param turn of the pictures among the files */
  async #takeFile(file: File, turn: number): Promise<void> {
    if (isModelFile(file.name)) {
      await this.models.take(file.name, async () => new Uint8Array(await file.arrayBuffer()));
    } else if (file.name.endsWith(".json")) {
      await this.#takeJson(file.name, await file.text());
    } else if (file.type.startsWith("video/")) {
      this.video = file;
      this.#showModeOf("video");
    } else {
      // A picture that this app saved stands for its settings: a heatmap is not explained again.
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

  /** All settings but the engine: that is a matter of the machine. */
  async #takeSettings(name: string, text: string): Promise<void> {
    const { state, picture } = readSettings(text, this.#tabs);
    // Of a picture that was brought, older files hold the name only.
    const isOpen = state.picture === "" && picture === this.pictures.brought?.name;
    const { engine } = this.app;
    await this.#adopt({ ...state, engine, ...(isOpen && { picture: this.app.picture }) });
    const isHere = ["", this.app.picture, this.pictures.brought?.name].includes(picture);
    this.say(`The settings of ${name} are set${isHere ? "" : `; open ${picture} to see the same heatmap`}`);
  }

  /** @param picture that was brought; undefined if a newer one was chosen meanwhile */
  #show(picture: { readonly name: string } | undefined): void {
    if (!picture) return;
    this.#showModeOf("picture");
    this.say(`${picture.name} is open`);
  }

  /** Stays where it is taken, else goes to the first mode that takes it. */
  #showModeOf(dropped: Dropped): void {
    const takers = this.#modes.filter(({ takes }) => takes.includes(dropped));
    const [first] = takers;
    if (first && !takers.some(({ id }) => id === this.app.tab)) this.set({ tab: first.id });
  }
}

const matterOf = (name: string): Matter =>
  isModelFile(name) ? "model" : name.endsWith(".json") ? "file" : "picture";
