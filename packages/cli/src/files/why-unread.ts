/** Why a file could not be read, in words. */

const words: Readonly<Record<string, string>> = {
  EISDIR: "it is a folder",
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "it may not be read",
};

/** @param error what reading it threw */
export function whyUnread(error: unknown): string {
  const { code = "" } = error as NodeJS.ErrnoException;
  return words[code] ?? (error instanceof Error ? error.message : String(error));
}
