/** The current picture: one of the gallery, or one of the user's. */

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

/** Callbacks for the rest of the app. */
export interface PicturesHost {
  readonly app: AppState;
  readonly problems: Problems;
  readonly models: Models;
  set(change: Partial<AppState>): void;
}

export class Pictures {
  /** Added pictures stored in this browser. */
  kept: readonly string[] = $state.raw([]);
  readonly #host: PicturesHost;
  /** Lists, pictures and heatmaps by their source, so that none is shown for another. */
  #galleries: Partial<Record<GalleryName, Gallery>> = $state.raw({});
  #fetched: Readonly<Record<string, SourcePicture>> = $state.raw({});
  #explained: Readonly<Record<string, Precomputed>> = $state.raw({});
  #brought: { readonly entry: string; readonly picture: SourcePicture } | undefined = $state.raw();
  readonly #loading = new Set<string>();
  #newest = 0;

  /** Must be created during the setup of a component, whose effects load the current picture. */
  constructor(host: PicturesHost) {
    this.#host = host;
    // Starts before the page is mounted, since its first heatmap needs this.
    $effect.pre(() => this.#loadGallery());
    $effect(() => this.#loadPicture());
    $effect(() => this.#loadPrecomputed());
  }

  /** The gallery that fits the page's model. */
  readonly galleryName: GalleryName | undefined = $derived.by(() => {
    const { ready, source } = this.#host.models;
    return ready ? galleryFor(ready.model.card) : source && galleryOf(source);
  });

  readonly gallery: Gallery | undefined = $derived(this.galleryName && this.#galleries[this.galleryName]);

  /** The chosen picture of the gallery; the first one if the URL names none of them. */
  readonly entry: GalleryEntry | undefined = $derived.by(() => {
    const { picture } = this.#host.app;
    if (isBrought(picture)) return undefined;
    const pictures = this.gallery?.pictures ?? [];
    return pictures.find((each) => galleryName(each) === picture) ?? pictures[0];
  });

  /** The user's picture, if it is shown. */
  readonly brought: SourcePicture | undefined = $derived.by(() =>
    this.#brought?.entry === this.#host.app.picture ? this.#brought.picture : undefined,
  );

  /** The current picture; undefined while it is being fetched, and if the model has no gallery. */
  readonly current: SourcePicture | undefined = $derived(
    this.brought ?? (this.entry && this.#fetched[this.entry.file]),
  );

  /** Whether the gallery was explained with the page's model. */
  readonly #isExplained: boolean = $derived.by(() => {
    const { source } = this.#host.models;
    return source !== undefined && galleryOf(source) === this.galleryName;
  });

  /** The stored explanation of the current picture, if the page's model made it. */
  readonly precomputed: Precomputed | undefined = $derived(
    this.entry && this.#isExplained ? this.#explained[this.entry.file] : undefined,
  );

  /** Whether a picture is being fetched. */
  get isComing(): boolean {
    return !this.current && (isBrought(this.#host.app.picture) || this.galleryName !== undefined);
  }

  /** A turn for a new picture: of several, the latest is shown, however long each takes. */
  turn(): number {
    return ++this.#newest;
  }

  /** Shows a picture of the gallery. */
  pick(name: string): void {
    this.turn();
    this.#host.problems.clear("picture");
    this.#host.set({ picture: name });
  }

  /** Shows a file and stores it for reloads. @throws InputError if it is not a picture */
  async take(file: File, turn: number): Promise<SourcePicture | undefined> {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const taken = await this.#bring(`${addedPicture}${file.name}`, pictureFromBlob(file, file.name), turn);
    if (taken) void this.#keep(file.name, bytes);
    return taken;
  }

  /** Shows the picture at a URL. @throws InputError or ModelFileError if the page cannot read a picture there */
  takeUrl(url: string): Promise<SourcePicture | undefined> {
    // A link cannot find a data or blob URL again.
    const entry = isAddress(url) ? url : `${addedPicture}${url.slice(0, 40)}`;
    return this.#bring(entry, pictureFromUrl(url), this.turn());
  }

  async forget(name: string): Promise<void> {
    await keptPictures.forget(name);
    this.kept = await keptPictures.names();
  }

  /** Fetches the picture that the URL names, unless it is in a gallery. Reports a missing one. */
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

  /** @returns undefined if another picture was chosen while this one was read */
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
    // A browser that cannot store it reports that at the next load.
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
    // If it fails, the model's own answer replaces it.
    const fetching = (): Promise<Precomputed | undefined> =>
      loadPrecomputed(gallery, entry).catch(() => undefined);
    this.#load(relevanceFile(entry), fetching, (found) => {
      if (found) this.#explained = { ...this.#explained, [entry.file]: found };
    });
  }

  /** Fetches a file once, even for simultaneous requests. */
  #load<T>(file: string, fetching: () => Promise<T>, use: (loaded: T) => void): void {
    if (this.#loading.has(file)) return;
    this.#loading.add(file);
    void fetching()
      .then(use, (error: unknown) => this.#host.problems.tell("picture", error))
      .finally(() => this.#loading.delete(file));
  }
}

/** @throws InputError if the browser no longer has it */
async function readKept(entry: string): Promise<SourcePicture> {
  const name = entry.slice(addedPicture.length);
  const { bytes } = await keptPictures.read(name).catch((error: unknown) => {
    throw new InputError(
      {
        what: `cannot show "${name}"`,
        why: "the link has only its name, and this browser does not have the file (any more)",
        fix: "add the file again",
      },
      { cause: error },
    );
  });
  return pictureFromBlob(new Blob([bytes]), name);
}
