/**
 * The studio's gallery of photographs: makes examples/photos small, as packages/studio/public/gallery holds them, and
 * explains them with the zoo's ResNet-50, which is fetched if it is not in the cache. Run it after a photo or what the
 * network gives for them changed: `node scripts/precompute-photos.mjs`.
 */

import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { loadConfigFromFile, runnerImport } from "vite";

const root = fileURLToPath(new URL("../", import.meta.url));
const studio = `${root}packages/studio`;
const loaded = await loadConfigFromFile({ command: "build", mode: "production" }, undefined, studio);
const load = async (file) =>
  (await runnerImport(file, { resolve: { alias: loaded?.config.resolve?.alias } })).module;
const { loadModel } = await load(`${root}packages/cli/src/models/load-model.ts`);
const { writeGallery } = await load(`${studio}/scripts/precompute-gallery.ts`);

/** The first is what the app opens with. */
const photos = [
  ["chelsea.png", "a tabby cat", "Stefan van der Walt, CC0"],
  ["coffee.png", "an espresso cup on a table", "Rachel Michetti, CC0"],
  ["astronaut.png", "an astronaut in front of a model of a space shuttle", "NASA, public domain"],
  ["rocket.jpg", "a rocket on its launch pad", "SpaceX, CC0"],
];
/** As ResNet-50 takes them: then nothing is resampled in the browser, and its heatmap is the one that is stored. */
const shorterSide = 256;

const pictures = [];
for (const [photo, alt, credit] of photos) {
  const file = photo.replace(/\.\w+$/, ".webp");
  const { size } = await sharp(`${root}examples/photos/${photo}`)
    .removeAlpha()
    .toColourspace("srgb")
    .resize(shorterSide, shorterSide, { fit: "outside" })
    .webp({ quality: 88, effort: 6 })
    .toFile(`${studio}/public/gallery/${file}`);
  console.log(`${file} ${(size / 1000).toFixed(1)} KB`);
  pictures.push({ file, alt, credit });
}
await writeGallery("photos", await loadModel("resnet50"), pictures);
