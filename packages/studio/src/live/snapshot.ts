/** Pictures for the person at the page. */

/** What a canvas shows, as a PNG. */
export function canvasToPng(canvas: HTMLCanvasElement): Promise<Blob> {
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) =>
        blob ? resolve(blob) : reject(new Error("The canvas is empty: there is nothing to save yet.")),
      "image/png",
    );
  });
}

/** Copies a PNG to the clipboard; false where the browser or its user does not let a page do so. */
export async function copyPng(png: Blob): Promise<boolean> {
  if (!("clipboard" in navigator) || typeof ClipboardItem === "undefined") return false;
  try {
    await navigator.clipboard.write([new ClipboardItem({ "image/png": png })]);
    return true;
  } catch {
    return false;
  }
}
