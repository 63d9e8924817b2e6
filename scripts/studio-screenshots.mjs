/**
 * Pictures of every mode of the studio for the docs: `node scripts/studio-screenshots.mjs [mode …]` writes
 * docs/studio/<mode>-<desktop|phone>-<light|dark>.png. It builds the app and drives Chromium (CHROMIUM, else
 * /usr/bin/chromium). The camera is made up: it shows a digit of the gallery.
 */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { runnerImport } from "vite";

const root = fileURLToPath(new URL("../", import.meta.url));
const out = `${root}docs/studio`;
const studio = `${root}packages/studio`;
const load = async (file) => (await runnerImport(`${studio}/test/support/${file}`)).module;
const { startApp } = await load("browser.ts");
const { cameraArguments, writeCamera } = await load("camera.ts");

const devices = {
  desktop: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
};

/** A point of an element, as shares of its sides. */
async function pointer(page, locator) {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  const at = (x, y) => [box.x + x * box.width, box.y + y * box.height];
  return {
    async stroke(points) {
      const [first, ...rest] = points;
      await page.mouse.move(...at(...first));
      await page.mouse.down();
      for (const point of rest) await page.mouse.move(...at(...point), { steps: 6 });
      await page.mouse.up();
    },
  };
}

/** A 2 as a hand draws it: an arc, a slope, a foot. */
const two = [
  ...Array.from({ length: 14 }, (_, i) => {
    const angle = Math.PI * (1 + (1.25 * i) / 13);
    return [0.5 + 0.19 * Math.cos(angle), 0.33 + 0.17 * Math.sin(angle)];
  }),
  [0.33, 0.8],
  [0.5, 0.79],
  [0.72, 0.81],
];

/** Where a mode begins, if not as its tab does, what is done in it before the picture is taken, and what is at its top. */
const recipes = {
  images: {
    hash: "#picture=digit-3&target=3",
    act: (page) => page.getByText(/^digit-3: 3/).waitFor(),
  },
  draw: {
    async act(page) {
      const { stroke } = await pointer(page, page.getByRole("application", { name: /Drawing surface/ }));
      await stroke(two);
      await page.getByRole("heading", { name: "It is taken for 2" }).waitFor();
      await page.mouse.move(0, 0);
    },
  },
  live: {
    async act(page) {
      await page.getByRole("button", { name: "Start camera" }).click();
      await page.getByTestId("pace").filter({ hasText: "fps" }).waitFor();
      await page.getByLabel("Mirror what is shown").uncheck();
      await page.waitForTimeout(3000);
    },
  },
  interact: {
    hash: "#tab=interact&target=8",
    async act(page) {
      await page.getByRole("button", { name: "a handwritten 8" }).click();
      const { stroke } = await pointer(page, page.getByRole("application"));
      await stroke([
        [0.42, 0.36],
        [0.42, 0.4],
      ]);
      await page.getByRole("cell").first().waitFor();
      await page.waitForTimeout(800);
    },
  },
  layers: {
    hash: "#tab=layers&picture=digit-3&target=3",
    top: "#ledger-title",
    async act(page) {
      await page.getByRole("treeitem").filter({ hasText: "Conv" }).nth(1).click();
      await page.getByRole("region", { name: "Layer" }).getByRole("img").first().waitFor();
      await page.waitForTimeout(1500);
    },
  },
};

const wanted = process.argv.slice(2);

/** The brightness of a camera that shows a digit of the gallery, swaying a little. */
async function digit(file) {
  const side = 84;
  const pixels = await sharp(`${studio}/public/gallery/${file}`)
    .resize(side, side)
    .grayscale()
    .raw()
    .toBuffer();
  return (x, y, frame) => {
    const left = x - 22 - Math.round(2 * Math.sin(frame / 3));
    const top = y - 6;
    return left >= 0 && left < side && top >= 0 && top < side ? Math.max(16, pixels[top * side + left]) : 16;
  };
}

const folder = await mkdtemp(join(tmpdir(), "relprop-screenshots-"));
const camera = join(folder, "camera.y4m");
await writeCamera(camera, await digit("digit-5.png"));
await mkdir(out, { recursive: true });
const app = await startApp(join(folder, "dist"), cameraArguments(camera));
try {
  const { page: first } = await app.open();
  await first.getByRole("navigation").waitFor();
  const modes = (await first.locator("nav button:not(.help)").allTextContents()).map((tab) =>
    tab.toLowerCase(),
  );
  await first.context().close();
  const unknown = wanted.filter((name) => !modes.includes(name));
  if (unknown.length > 0)
    throw new Error(`There is no mode ${unknown.join(", ")}; there are ${modes.join(", ")}.`);
  for (const name of wanted.length > 0 ? wanted : modes) {
    const { hash = `#tab=${name}`, act = async () => undefined, top = "body" } = recipes[name] ?? {};
    for (const [device, options] of Object.entries(devices)) {
      for (const colorScheme of ["light", "dark"]) {
        const { page, problems } = await app.open(hash, { ...options, colorScheme });
        await page.getByText(/^WASM, \d threads?/).waitFor();
        await act(page);
        await page.evaluate(
          (top) => scrollTo(0, document.querySelector(top).getBoundingClientRect().top + scrollY - 30),
          top,
        );
        const png = await page.screenshot();
        const file = `${name}-${device}-${colorScheme}.png`;
        const { size } = await sharp(png)
          .png({ palette: true, dither: 0, effort: 10 })
          .toFile(`${out}/${file}`);
        console.log(`${file} ${Math.round(size / 1000)} KB`);
        for (const problem of problems) console.error(`${file}: ${problem}`);
        await page.context().close();
      }
    }
  }
} finally {
  await app.close();
  await rm(folder, { recursive: true });
}
