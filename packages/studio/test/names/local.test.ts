/** The same with the local engine: photo networks, an engine that is slow, lost and back. */

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startStudio, type Studio } from "../../../cli/src/studio-server/start-studio.ts";
import { canRun, give, startApp, type App } from "../support/browser.ts";
import { cameraArguments, writeCamera } from "../support/camera.ts";
import { pictureModel } from "../support/models.ts";
import { delay, hold, release, slowEngine, type Ask } from "../support/slow-engine.ts";
import { moments, watch } from "../support/watch.ts";

const worker = new URL("../../../cli/src/studio-server/engine-worker.ts", import.meta.url);
const photo = (name: string): Promise<Buffer> =>
  readFile(fileURLToPath(new URL(`../../../../examples/photos/${name}`, import.meta.url)));
const ready = (page: Page): Promise<void> =>
  page.getByText("this machine, native", { exact: true }).waitFor();
const map = (page: Page): Locator => page.getByRole("img", { name: /(Relevance|No relevance) for/ });
const bars = (page: Page): Locator =>
  page.getByRole("list", { name: "Classes, best first" }).getByRole("button");
const photos = (page: Page): Locator => page.getByRole("region", { name: "Gallery" }).getByRole("img");

/** Closes the page's connections, as a server does that is ended. */
const closeSockets = (page: Page): Promise<void> =>
  page.evaluate(() => {
    for (const socket of (globalThis as unknown as { sockets: WebSocket[] }).sockets) socket.close();
  });

describe.skipIf(!canRun)("the local engine", () => {
  let app: App;
  let folder: string;
  let studio: Studio;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "relprop-local-names-"));
    const camera = join(folder, "one.y4m");
    await writeCamera(camera);
    app = await startApp(join(folder, "dist"), cameraArguments(camera));
    const models = [join(folder, "colour.onnx"), join(folder, "x-ray.onnx")];
    await writeFile(models[0] ?? "", pictureModel({ channels: 3, side: 64, classes: 6 }));
    await writeFile(models[1] ?? "", pictureModel({ channels: 1, side: 96, classes: 6 }));
    studio = await startStudio({ appFolder: join(folder, "dist"), port: 0, device: "cpu", models, worker });
  }, 120_000);
  afterAll(async () => {
    await studio.close();
    await app.close();
    await rm(folder, { recursive: true });
  });

  async function open(hash: string, held: readonly Ask[] = []): Promise<{ page: Page; problems: string[] }> {
    const { page, problems } = await app.open(
      "about:blank",
      { viewport: { width: 1280, height: 800 } },
      async (page) => {
        await slowEngine(page, held);
        await page.addInitScript(() => {
          const sockets: WebSocket[] = [];
          Object.assign(globalThis, { sockets });
          const Real = WebSocket;
          globalThis.WebSocket = class extends Real {
            constructor(url: string | URL) {
              super(url);
              sockets.push(this);
            }
          };
        });
      },
    );
    problems.length = 0;
    await page.goto(`${studio.url.replace(/#.*/, "")}${hash}`);
    return { page, problems };
  }

  test("ResNet-50 opens on the photos, explained before it has loaded", async () => {
    const { page, problems } = await open("#engine=local&model=resnet50", ["load"]);
    await map(page).waitFor();
    expect(
      await photos(page).evaluateAll((all) => all.map((image) => (image as HTMLImageElement).alt)),
    ).toEqual([
      "a tabby cat",
      "an espresso cup on a table",
      "an astronaut in front of a model of a space shuttle",
      "a rocket on its launch pad",
    ]);
    expect(await bars(page).first().textContent()).toMatch(/^Egyptian cat/);
    await page.getByRole("button", { name: "an espresso cup on a table" }).click();
    await bars(page).first().filter({ hasText: "espresso" }).waitFor();
    await map(page).waitFor();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id} ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
    // Only the whole prediction was explained beforehand.
    await bars(page).first().click();
    await page.getByRole("heading", { name: "resnet50 is being opened" }).waitFor();
    expect(await map(page).count()).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a colour network gets photos, a gray one of other pictures none, and says what it takes", async () => {
    const { page, problems } = await open("#engine=local&model=colour.onnx");
    await page.getByText(/^chelsea: class \d/).waitFor();
    expect(await photos(page).count()).toBe(4);
    const model = page.getByRole("combobox", { name: "Model" });
    await model.selectOption("x-ray.onnx");
    await page.getByText("x-ray.onnx takes gray pictures of 96 × 96 pixels").waitFor();
    expect(await photos(page).count()).toBe(0);
    expect(await map(page).count()).toBe(0);
    for (const tab of ["Interact", "Layers"]) {
      await page.getByRole("navigation").getByRole("button", { name: tab }).click();
      await page.getByText("x-ray.onnx takes gray pictures of 96 × 96 pixels").waitFor();
    }
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id }) => id)).toEqual([]);
    await page.getByRole("navigation").getByRole("button", { name: "Images" }).click();
    await model.selectOption("digits");
    await page.getByText(/^digit-0: 0/).waitFor();
    expect(await photos(page).count()).toBe(10);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a picture that is added while a model warms up waits for it", async () => {
    const { page, problems } = await open("#engine=local&model=digits");
    await page.getByText(/^digit-0: 0/).waitFor();
    await watch(page);
    await hold(page, "load");
    await page.getByRole("combobox", { name: "Model" }).selectOption("colour.onnx");
    await page.getByText("colour.onnx is being opened").first().waitFor();
    await give(page, "drop", { name: "rocket.jpg", type: "image/jpeg", bytes: await photo("rocket.jpg") });
    await page.waitForTimeout(300);
    await release(page);
    await page.getByText(/^rocket.jpg: class \d/).waitFor();
    await map(page).waitFor();
    for (const { alerts, model, bars } of await moments(page)) {
      expect(alerts).toEqual([]);
      if (model.startsWith("colour")) expect(bars.filter((name) => /^\d$/.test(name))).toEqual([]);
    }
    for (const tab of ["Interact", "Layers", "Draw", "Live"]) {
      await page.getByRole("navigation").getByRole("button", { name: tab }).click();
      expect(await page.getByRole("alert").count()).toBe(0);
    }
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("an engine that was lost is asked again, with the same model; a message stays until then", async () => {
    const { page } = await open("#engine=local&model=colour.onnx&target=1");
    await page.getByRole("heading", { name: "“class 1” is explained" }).waitFor();
    // Lost while nobody asks: nobody needs to know.
    await closeSockets(page);
    await page.keyboard.press("0");
    await page.getByRole("heading", { name: "The whole prediction is explained" }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    // Lost with a question under way.
    await delay(page, 400);
    await bars(page).nth(1).click();
    await page.getByRole("heading", { name: /is being explained/ }).waitFor();
    await closeSockets(page);
    const alert = page.getByRole("alert").filter({ hasText: "the local engine has closed the connection" });
    await alert.getByRole("button", { name: "Try again" }).click();
    await page.getByRole("heading", { name: /^“class \d” is explained/ }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    await page.context().close();
  });

  test("an engine that is lost when it has just loaded a model goes on with that one", async () => {
    const { page } = await open("#engine=local&model=digits");
    await page.getByText(/^digit-0: 0/).waitFor();
    await watch(page);
    await hold(page, "status");
    await page.getByRole("combobox", { name: "Model" }).selectOption("colour.onnx");
    await page.getByText("colour.onnx is ready: 6 classes").waitFor();
    await closeSockets(page);
    await page.getByRole("alert").filter({ hasText: "the local engine has closed the connection" }).waitFor();
    await release(page);
    await page.getByText(/^chelsea: class \d/).waitFor();
    for (const { model, bars } of await moments(page)) {
      const foreign = model.startsWith("colour") ? /^\d$/ : /^class/;
      expect(bars.filter((name) => foreign.test(name))).toEqual([]);
    }
    await page.context().close();
  });

  test("from the local engine to the browser and back, each answers for itself", async () => {
    const { page, problems } = await open("#engine=local&model=digits&target=3");
    await ready(page);
    await page.getByRole("heading", { name: "“3” is explained" }).waitFor();
    const engine = async (name: string): Promise<void> => {
      await page.getByRole("button", { name: "Open …" }).click();
      await page.getByLabel("Runs in").selectOption(name);
      await page.getByRole("button", { name: "Close" }).click();
    };
    await hold(page, "load");
    await engine("wasm");
    expect(await map(page).count()).toBe(0);
    await page.getByRole("heading", { name: "digits is being opened" }).waitFor();
    expect(await page.getByText("this machine, native", { exact: true }).count()).toBe(0);
    await release(page);
    await page.getByText(/^WASM, \d threads?$/).waitFor();
    await page.getByRole("heading", { name: "“3” is explained" }).waitFor();
    await engine("local");
    await ready(page);
    await page.getByRole("heading", { name: "“3” is explained" }).waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a model of the zoo cannot follow into the browser: the page says so, and shows one that can", async () => {
    const { page } = await open("#engine=local&model=colour.onnx");
    await page.getByText(/^chelsea: class \d/).waitFor();
    await page.getByRole("button", { name: "Open …" }).click();
    await page.getByLabel("Runs in").selectOption("wasm");
    await page.getByRole("button", { name: "Close" }).click();
    await page.getByRole("alert").filter({ hasText: 'cannot load "colour.onnx" in the browser' }).waitFor();
    await page.getByText(/^digit-0: 0/).waitFor();
    expect(await page.getByRole("combobox", { name: "Model" }).inputValue()).toBe("digits");
    await page.context().close();
  });

  test("live on the local engine, what is slow is not told to use the local engine", async () => {
    const { page, problems } = await open("#engine=local&model=digits&tab=live");
    await ready(page);
    await page.getByRole("button", { name: "Start camera" }).click();
    await bars(page).first().waitFor();
    await delay(page, 450);
    const note = page.getByText(/^Slow: \d/);
    await note.waitFor();
    expect(await note.textContent()).toMatch(/A smaller model is faster\.$/);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
