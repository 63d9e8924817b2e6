/** The picture of the gallery that a link names, for modes that begin with one. */

import { galleryName, galleryUrl, loadGallery, type GalleryEntry } from "./gallery.ts";
import { pictureFromUrl, type SourcePicture } from "./pictures.ts";

/** Loads the gallery's list, then the picture; made while a component is set up, whose effects it is. */
export class GalleryPicture {
  entries: readonly GalleryEntry[] = $state.raw([]);
  picture: SourcePicture | undefined = $state.raw();

  /**
   * @param name of the picture; one that the gallery lacks stands for its first
   * @param onError gets what loading throws, with words for the user
   */
  constructor(name: () => string, onError: (error: unknown) => void) {
    const entry = $derived(this.entries.find((each) => galleryName(each) === name()) ?? this.entries[0]);
    void loadGallery().then(({ pictures }) => (this.entries = pictures), onError);
    $effect(() => {
      if (!entry) return;
      const wanted = entry;
      void pictureFromUrl(galleryUrl(wanted.file)).then((picture) => {
        if (wanted === entry) this.picture = { ...picture, name: galleryName(wanted) };
      }, onError);
    });
  }
}
