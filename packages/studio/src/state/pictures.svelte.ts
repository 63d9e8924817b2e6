/** Which picture is looked at: one of the gallery that fits the model, or one that was brought. */

import { InputError } from "@relprop/core";
import {
  galleryFor,
  galleryName,
  galleryOf,
  galleryUrl,
  loadGallery,
  loadPrecomputed,
  relevanceFile,
  type Gallery,
  type GalleryEntry,
  type GalleryName,
  type Precomputed,
} from "../pictures/gallery.ts";
import { keptPictures } from "../pictures/kept-files.ts";
import { pictureFromBlob, pictureFromUrl, type SourcePicture } from "../pictures/pictures.ts";
import { addedPicture, type AppState } from "./fields.ts";
import type { Models } from "./models.svelte.ts";
import type { Problems } from "./problems.svelte.ts";

const isAddress = (entry: string): boolean => /^https?:\/\//.test(entry);
const isBrought = (entry: string): boolean => isAddress(entry) || entry.startsWith(addedPicture);

/** What choosing a picture changes elsewhere. */
export interface PicturesHost {
  readonly app: AppState;
  readonly problems: Problems;
  readonly models: Models;
  set(change: Partial<AppState>): void;
}

export class Pictures {
  /** Added pictures that this browser keeps. */
  kept: readonly string[] = $state.raw([]);
  readonly #host: PicturesHost;
  /** Lists, pictures and heatmaps under what they are of, so that none can be taken for another's. */
  #galleries: Partial<Record<GalleryName, Gallery>> = $state.raw({});
  #fetched: Readonly<Record<string, SourcePicture>> = $state.raw({});
  #explained: Readonly<Record<string, Precomputed>> = $state.raw({});
  #brought: { readonly entry: string; readonly picture: SourcePicture } | undefined = $state.raw();
  readonly #loading = new Set<string>();
  #newest = 0;

  /** Made while a component is set up, whose effects load what is looked at. */
  constructor(host: PicturesHost) {
    this.#host = host;
    // Before the page is there: its first heatmap waits for it.
    $effect.pre(() => this.#loadGallery());
    $effect(() => this.#loadPicture());
    $effect(() => this.#loadPrecomputed());
  }

  /** The gallery that fits the model that the page is about. */
  readonly galleryName: GalleryName | undefined = $derived.by(() => {
    const { ready, source } = this.#host.models;
    return ready ? galleryFor(ready.model.card) : source && galleryOf(source);
  });

  readonly gallery: Gallery | undefined = $derived(this.galleryName && this.#galleries[this.galleryName]);

  /** The picture of the gallery that is chosen; its first where the URL names none of it. */
  readonly entry: GalleryEntry | undefined = $derived.by(() => {
    const { picture } = this.#host.app;
    if (isBrought(picture)) return undefined;
    const pictures = this.gallery?.pictures ?? [];
    return pictures.find((each) => galleryName(each) === picture) ?? pictures[0];
  });

  /** The picture that was brought, if it is looked at. */
  readonly brought: SourcePicture | undefined = $derived.by(() =>
    this.#brought?.entry === this.#host.app.picture ? this.#brought.picture : undefined,
  );

  /** What is looked at; undefined while it is being fetched, and where the model has no gallery. */
  readonly current: SourcePicture | undefined = $derived(
    this.brought ?? (this.entry && this.#fetched[this.entry.file]),
  );

  /** Whether the model that the page is about is the one that the gallery was explained with. */
  readonly #isExplained: boolean = $derived.by(() => {
    const { source } = this.#host.models;
    return source !== undefined && galleryOf(source) === this.galleryName;
  });

  /** What was explained of the current picture when the app was built, if the page's model is the one that did it. */
  readonly precomputed: Precomputed | undefined = $derived(
    this.entry && this.#isExplained ? this.#explained[this.entry.file] : undefined,
  );

  /** Whether a picture is on its way. */
  get isComing(): boolean {
    return !this.current && (isBrought(this.#host.app.picture) || this.galleryName !== undefined);
  }

  /** The turn of whoever brings a picture now: of all that are brought, the last one is shown, however long each takes. */
  turn(): number {
    return ++this.#newest;
  }

  /** Shows a picture of the gallery. */
  pick(name: string): void {
    this.turn();
    this.#host.problems.clear("picture");
    this.#host.set({ picture: name });
  }

  /** Shows a file, and keeps it for when the page is loaded again. @throws InputError if it is no picture */
  async take(file: File, turn: number): Promise<SourcePicture | undefined> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const taken = await this.#bring(`${addedPicture}${file.name}`, pictureFromBlob(file, file.name), turn);
    if (taken) void this.#keep(file.name, bytes);
    return taken;
  }

  /** Shows what lies at an address. @throws InputError or ModelFileError if that is no picture that pages may read */
  takeUrl(url: string): Promise<SourcePicture | undefined> {
    // What lies in the page itself, as a data or blob address, is not to be found again by a link.
    const entry = isAddress(url) ? url : `${addedPicture}${url.slice(0, 40)}`;
    return this.#bring(entry, pictureFromUrl(url), this.turn());
  }

  async forget(name: string): Promise<void> {
    await keptPictures.forget(name);
    this.kept = await keptPictures.names();
  }

  /** Brings the picture that the URL names, if it is none of a gallery. One that is gone is said to be. */
  async follow(): Promise<void> {
    this.kept = await keptPictures.names().catch(() => []);
    const { picture } = this.#host.app;
    this.#host.problems.clear("picture");
    if (this.brought || !isBrought(picture)) return;
    const read = isAddress(picture) ? pictureFromUrl : readKept;
    try {
      await this.#bring(picture, read(picture), this.turn());
    } catch (error) {
      if (this.#host.app.picture !== picture) return;
      this.#host.set({ picture: "" });
      this.#host.problems.tell("picture", error);
    }
  }

  /** @returns undefined if another one was chosen by the time that it is read */
  async #bring(
    entry: string,
    reading: Promise<SourcePicture>,
    turn: number,
  ): Promise<SourcePicture | undefined> {
    const picture = await reading;
    if (turn !== this.#newest) return undefined;
    this.#brought = { entry, picture };
    this.#host.set({ picture: entry });
    return picture;
  }

  async #keep(name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    // A browser that cannot keep it says so when the page is loaded again.
    await keptPictures.keep({ name, bytes }).catch(() => undefined);
    this.kept = await keptPictures.names().catch(() => []);
  }

  #loadGallery(): void {
    const name = this.galleryName;
    if (!name || this.#galleries[name]) return;
    this.#load(
      name,
      () => loadGallery(name),
      (list) => (this.#galleries = { ...this.#galleries, [name]: list }),
    );
  }

  #loadPicture(): void {
    const { entry } = this;
    if (!entry || this.#fetched[entry.file]) return;
    this.#load(
      entry.file,
      () => pictureFromUrl(galleryUrl(entry.file)),
      (picture) => {
        this.#fetched = { ...this.#fetched, [entry.file]: { ...picture, name: galleryName(entry) } };
      },
    );
  }

  #loadPrecomputed(): void {
    const { entry, gallery } = this;
    if (!entry || !gallery || !this.#isExplained || this.#explained[entry.file]) return;
    // Where it cannot be had, the model's own answer is waited for.
    const fetching = (): Promise<Precomputed | undefined> =>
      loadPrecomputed(gallery, entry).catch(() => undefined);
    this.#load(relevanceFile(entry), fetching, (found) => {
      if (found) this.#explained = { ...this.#explained, [entry.file]: found };
    });
  }

  /** Each file is fetched once at a time. */
  #load<T>(file: string, fetching: () => Promise<T>, use: (loaded: T) => void): void {
    if (this.#loading.has(file)) return;
    this.#loading.add(file);
    void fetching()
      .then(use, (error: unknown) => this.#host.problems.tell("picture", error))
      .finally(() => this.#loading.delete(file));
  }
}

/** @throws InputError if the browser does not have it any more */
async function readKept(entry: string): Promise<SourcePicture> {
  const name = entry.slice(addedPicture.length);
  const { bytes } = await keptPictures.read(name).catch((error: unknown) => {
    throw new InputError(
      {
        what: `cannot show "${name}"`,
        why: "the link holds its name only, and this browser does not have it (any more)",
        fix: "add the file again",
      },
      { cause: error },
    );
  });
  return pictureFromBlob(new Blob([bytes]), name);
}
