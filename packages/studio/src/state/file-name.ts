/** Names of saved pictures and recordings. */

/**
 * `lrp-<model>-<class>-<date>.<extension>`: each part is in lower case, with letters, digits and single hyphens only;
 * the date is local year, month, day and time, which sorts files and keeps them distinct.
 * @param target the text of `targetLabel`; undefined for the whole prediction.
 */
export function saveName(model: string, target: string | undefined, date: Date, extension: string): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const time = `${two(date.getHours())}${two(date.getMinutes())}${two(date.getSeconds())}`;
  return `lrp-${slug(model.replace(modelEnding, ""))}-${slug(target ?? "prediction")}-${day}-${time}.${extension}`;
}

const modelEnding = /\.(onnx|pth?|safetensors|bin)$/i;
/** Whether a file is a model, judged by its name. */
export const isModelFile = (name: string): boolean => modelEnding.test(name);

const two = (number: number): string => String(number).padStart(2, "0");

function slug(text: string): string {
  const plain = text
    .normalize("NFKD")
    .toLowerCase()
    .replaceAll(/\p{Mark}/gu, "")
    .replaceAll(/[^\p{Letter}\p{Number}]+/gu, "-")
    .replaceAll(/^-+|-+$/g, "");
  return plain.slice(0, 40) || "unnamed";
}
