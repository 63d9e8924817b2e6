/** SVG -> PNG, also on machines without fonts. */

import { createRequire } from "node:module";
import type { ResvgRenderOptions } from "@resvg/resvg-js";
import { OptionError } from "@relprop/core";

const { resolve } = createRequire(import.meta.url);
const inter = ["400Regular/Inter_400Regular.ttf", "600SemiBold/Inter_600SemiBold.ttf"];
const fontFiles = inter.map((file) => resolve(`@expo-google-fonts/inter/${file}`));

/** Characters that Inter has. Loading the system's fonts is slow, so it is done only for other characters. */
const ofInter = /^[\s!-~\u00a0-\u024f\u0370-\u03ff\u0400-\u052f\u1e00-\u1fff\u2000-\u206f\u2190-\u22ff]*$/;

/** Joins characters into one, mostly emoji. If no font has the joined form, the renderer overprints its parts. */
const joiners = /\u200d|\p{Variation_Selector}|\p{Emoji_Modifier}/gu;

/**
 * Renders an SVG at its own size. Text is set in Inter, characters that Inter lacks in a font of the system, or as a box
 * if no font has them.
 * @throws OptionError if there is no renderer for this platform
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

/** Whether there is a renderer for this platform. */
export const canRasterize = (): Promise<boolean> =>
  renderer().then(
    () => true,
    () => false,
  );

/** The renderer is native code, which some platforms lack, so it is loaded on demand. */
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
