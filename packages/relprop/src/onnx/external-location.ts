/**
 * Names of external-data files come from the model file, so they are as trustworthy as whoever made it: a location
 * must stay inside the model's folder on every operating system.
 */

/** Why a location is refused, or undefined if it is a relative path that stays inside the folder. */
export function locationProblem(location: string): string | undefined {
  if (location === "") return "it is empty";
  if (location.startsWith("/")) return "it is an absolute path";
  // Windows takes "\" for "/", and "c:" for a drive or a hidden stream of a file.
  if (location.includes("\\")) return 'it contains a "\\"';
  if (location.includes(":")) return 'it contains a ":"';
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f*?"<>|]/.test(location)) return "it contains a character that file names cannot have";
  if (location.split("/").some((part) => part === ".." || part === "")) return "it leaves the model's folder";
  // Windows drops trailing dots and spaces, so that ".. " would climb.
  if (location.split("/").some((part) => part !== "." && /[. ]$/.test(part)))
    return "a part of it ends in a dot or a space";
  return undefined;
}
