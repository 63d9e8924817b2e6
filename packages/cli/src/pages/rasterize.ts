/** SVG -> PNG, on machines without fonts as well. */

import { createRequire } from "node:module";
import type { ResvgRenderOptions } from "@resvg/resvg-js";
import { OptionError } from "@relprop/core";

const { resolve } = createRequire(import.meta.url);
const inter = ["400Regular/Inter_400Regular.ttf", "600SemiBold/Inter_600SemiBold.ttf"];
const fontFiles = inter.map((file) => resolve(`@expo-google-fonts/inter/${file}`));

/** Scripts and signs that Inter has; the system's fonts are only searched for others, since that takes a while. */
const ofInter = /^[\s!-~\u00a0-\u024f\u0370-\u03ff\u0400-\u052f\u1e00-\u1fff\u2000-\u206f\u2190-\u22ff]*$/;

/** Joins signs to one, emoji above all. What it leaves joined and no font can draw, the renderer draws on top of each other. */
const joiners = /\u200d|\p{Variation_Selector}|\p{Emoji_Modifier}/gu;

/**
 * Draws an SVG at the size that it asks for. Text is set in Inter; what Inter lacks in a font of the system, and as a box where
 * that has none.
 * @throws OptionError if there is no renderer for this kind of machine
 */
export async function rasterize(svg: string): Promise<Uint8Array> {
  const { renderAsync } = await renderer();
  const text = svg.replaceAll(/ href="data:[^"]*"/g, "");
  const font: ResvgRenderOptions["font"] = {
    fontFiles,
    loadSystemFonts: !ofInter.test(text),
    defaultFontFamily: "Inter",
    sansSerifFamily: "Inter",
  };
  const image = await renderAsync(svg.replaceAll(joiners, ""), { font });
  return image.asPng();
}

/** Whether this kind of machine has the renderer. */
export const canRasterize = (): Promise<boolean> =>
  renderer().then(
    () => true,
    () => false,
  );

/** Native code, which not every machine has: only who wants figures needs it. */
const renderer = (): Promise<typeof import("@resvg/resvg-js")> =>
  import("@resvg/resvg-js").catch((error: unknown) => {
    const why = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    throw new OptionError(
      {
        what: "cannot draw figures as PNG",
        why,
        fix: "leave the style figure out, or take SVG (--save svg)",
      },
      { cause: error },
    );
  });
