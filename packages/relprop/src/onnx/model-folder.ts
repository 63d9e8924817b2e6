/** The files of a model, read in parts. */

/** A model's file and those of its external data, beside each other. Names are checked: none leads out of the folder. */
export interface ModelFolder {
  /** The path of a file of it, for a runtime that reads files itself; links are resolved. */
  pathOf(name: string): string;
  /** Bytes of a file. @throws if there is no such file */
  sizeOf(name: string): number;
  /** `length` bytes from `offset`, in memory that nobody else changes. @throws if they are not there */
  read(name: string, offset: number, length: number): Uint8Array;
}
