/** Under a model's name stands nothing of another model, whatever is opened when, in every mode. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRun, give, startApp, type App } from "../support/browser.ts";
import { cameraArguments, writeCamera } from "../support/camera.ts";
import { pictureModel, textModel } from "../support/models.ts";
import { hold, release, slowEngine, slowFiles, type Ask, timesAsked } from "../support/slow-engine.ts";
import { moments, watch, type Moment } from "../support/watch.ts";

const ready = (page: Page): Promise<void> => page.getByText(/^WASM, \d threads?/).waitFor();
const model = (page: Page): Locator => page.getByRole("combobox", { name: "Model" });
const map = (page: Page): Locator => page.getByRole("img", { name: /(Relevance|No relevance) for/ });
const bars = (page: Page): Locator =>
  page.getByRole("list", { name: "Classes, best first" }).getByRole("button");
const chosen = async (page: Page): Promise<string> => (await model(page).inputValue()) || "";
const gray = { channels: 1, side: 28 };
const drop = (page: Page, name: string, bytes: Uint8Array): Promise<void> =>
  give(page, "drop", { name, bytes });

/** What of a moment is not the header's model's: the digits' classes are single digits, others have no names. */
function lies({ model, bars, pressed, headings, maps, status }: Moment): readonly string[] {
  const isDigits = model.startsWith("digits");
  const foreign = isDigits ? /^class \d/ : /^\d+$/;
  const taken = headings.flatMap((text) => /^It is taken for (.*)$/.exec(text)?.[1] ?? []);
  const names = [...bars, ...pressed, ...taken].filter((name) => foreign.test(name));
  // In Interact a map begins with what the picture is taken for; others name what they speak for.
  const texts = [...maps, ...headings].filter((text) =>
    (isDigits ? /“class \d|^class \d+ \d+ %/ : /“\d|^\d+ \d+ %/).test(text),
  );
  const said = (isDigits ? /: class \d/ : /: \d+, \d+ %/).test(status) ? [status] : [];
  return [...names, ...texts, ...said];
}

async function expectNoLies(page: Page): Promise<void> {
  const all = await moments(page);
  expect(all.length).toBeGreaterThan(1);
  for (const moment of all) expect(lies(moment), JSON.stringify(moment)).toEqual([]);
}

describe.skipIf(!canRun)("models", () => {
  let app: App;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "relprop-names-"));
    const camera = join(folder, "one.y4m");
    await writeCamera(camera);
    app = await startApp(join(folder, "dist"), cameraArguments(camera));
  }, 120_000);
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  const open = async (
    hash: string,
    held: readonly Ask[] = [],
  ): Promise<{ page: Page; problems: string[] }> => {
    const opened = await app.open(hash, { viewport: { width: 1280, height: 800 } }, (page) =>
      slowEngine(page, held),
    );
    return opened;
  };

  test("a new model's name is in the header at once, and nothing of the old one stands under it", async () => {
    const { page, problems } = await open("");
    await ready(page);
    await page.getByText(/^digit-0: 0/).waitFor();
    await watch(page);
    await hold(page, "load");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await expect.poll(() => chosen(page)).toBe("four.onnx");
    expect(await map(page).count()).toBe(0);
    expect(await bars(page).count()).toBe(0);
    await page.getByRole("heading", { name: "four.onnx is being opened" }).waitFor();
    await page.waitForTimeout(300);
    await hold(page, "explain");
    await page.getByText("four.onnx is ready: 4 classes").waitFor();
    expect(await bars(page).count()).toBe(0);
    await release(page);
    await page.getByText(/^digit-0: class \d/).waitFor();
    await map(page).waitFor();
    await model(page).selectOption("digits");
    await page.getByText(/^digit-0: 0/).waitFor();
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("an answer on its way when another model is opened is dropped", async () => {
    const { page, problems } = await open("");
    await ready(page);
    await page.getByText(/^digit-0: 0/).waitFor();
    await page.keyboard.press("2");
    await page.getByRole("heading", { name: /^“\d” is explained$/ }).waitFor();
    await watch(page);
    await hold(page, "explain");
    await page.getByRole("button", { name: "a handwritten 7" }).click();
    await page.getByText("digit-7 is being explained …").first().waitFor();
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await expect.poll(() => chosen(page)).toBe("four.onnx");
    await release(page);
    await page.getByText(/^digit-7: class \d/).waitFor();
    await expectNoLies(page);
    for (const { bars, model } of await moments(page)) {
      if (model === "four.onnx") expect(bars.filter((name) => /^\d$/.test(name))).toEqual([]);
    }
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a broken model leaves what was there, and its message goes when the next one is opened", async () => {
    const { page, problems } = await open("#target=3");
    await ready(page);
    await page.getByRole("heading", { name: "“3” is explained" }).waitFor();
    await watch(page);
    await drop(page, "broken.onnx", new TextEncoder().encode("no model"));
    await page.getByRole("alert").filter({ hasText: 'cannot read "broken.onnx"' }).waitFor();
    expect(await chosen(page)).toBe("digits");
    await page.getByRole("heading", { name: "“3” is explained" }).waitFor();
    await map(page).waitFor();
    expect(page.url()).toContain("target=3");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await page.getByText(/^digit-0: class \d/).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    // Its class 3 is another one.
    expect(page.url()).not.toContain("target");
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a text model is refused in words of the studio, without options of the command", async () => {
    const { page } = await open("");
    await ready(page);
    await drop(page, "bert.onnx", textModel());
    const alert = page.getByRole("alert").filter({ hasText: "cannot feed pictures to this model" });
    await alert.waitFor();
    expect(await alert.textContent()).not.toMatch(/--\w/);
    await page.context().close();
  });

  test("of two models dropped in a row the last one stays, with its own answer", async () => {
    const { page, problems } = await open("");
    await ready(page);
    await watch(page);
    await hold(page, "load");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await drop(page, "nine.onnx", pictureModel({ ...gray, classes: 9, seed: 5 }));
    await release(page);
    await page
      .getByText("nine.onnx is ready: 9 classes")
      .or(page.getByText(/^digit-0: class \d/))
      .waitFor();
    await page.getByText(/^digit-0: class \d/).waitFor();
    expect(await chosen(page)).toBe("nine.onnx");
    expect(await bars(page).count()).toBe(5);
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("a model that takes longer to read than the one dropped after it does not take its place", async () => {
    const { page, problems } = await open("");
    await ready(page);
    await watch(page);
    await slowFiles(page);
    await drop(page, "slow.onnx", pictureModel({ ...gray, classes: 4 }));
    await expect.poll(() => chosen(page)).toBe("slow.onnx");
    await drop(page, "nine.onnx", pictureModel({ ...gray, classes: 9, seed: 5 }));
    await page.getByText(/^digit-0: class \d/).waitFor();
    await page.waitForTimeout(800);
    expect(await chosen(page)).toBe("nine.onnx");
    expect(await bars(page).count()).toBe(5);
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("of a good model and a broken one in a row the good one stays", async () => {
    const { page } = await open("");
    await ready(page);
    await watch(page);
    const before = await timesAsked(page, "load");
    await hold(page, "load");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    // The first is with the engine already when the second comes.
    await expect.poll(() => timesAsked(page, "load")).toBe(before + 1);
    await drop(page, "broken.onnx", new TextEncoder().encode("no model"));
    await expect.poll(() => chosen(page)).toBe("broken.onnx");
    await release(page);
    await page.getByRole("alert").filter({ hasText: "broken.onnx" }).waitFor();
    // The engine has the good one by now: so has the page.
    await page.getByText(/^digit-0: class \d/).waitFor();
    expect(await chosen(page)).toBe("four.onnx");
    await expectNoLies(page);
    await page.context().close();
  });

  test("a card is used for the model that was dropped last, also while that is being opened", async () => {
    const { page, problems } = await open("");
    await ready(page);
    await hold(page, "load");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    const input = {
      layout: "NCHW",
      size: [28, 28],
      resize: "exact",
      channels: "gray",
      scale: 1,
      mean: [0],
      std: [1],
    };
    const card = { name: "four", input, labels: ["north", "east", "south", "west"] };
    await drop(page, "four.card.json", Buffer.from(JSON.stringify(card)));
    await release(page);
    await page.getByText(/^digit-0: (north|east|south|west)/).waitFor();
    expect(await chosen(page)).toBe("four.onnx");
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("cancelling goes back to the model that was open", async () => {
    const { page, problems } = await open("");
    await ready(page);
    await page.getByText(/^digit-0: 0/).waitFor();
    await watch(page);
    await hold(page, "load");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await expect.poll(() => chosen(page)).toBe("four.onnx");
    await page.getByRole("button", { name: "Cancel" }).click();
    await expect.poll(() => chosen(page)).toBe("digits");
    await release(page);
    await page.getByText(/^digit-0: 0/).waitFor();
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("cancelling the first model leaves a page that says so, and can load it", async () => {
    const { page } = await open("#target=3", ["load"]);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("No model is open.").first().waitFor();
    await release(page);
    await page.getByRole("button", { name: "Load it" }).click();
    await page.getByRole("heading", { name: "“3” is explained" }).waitFor();
    await page.context().close();
  });

  test("another engine is asked anew, and an answer of the old one that never comes holds nothing up", async () => {
    const { page, problems } = await open("#target=3");
    await ready(page);
    await page.getByRole("heading", { name: "“3” is explained" }).waitFor();
    // A class that is not among the best, whose maps are there already.
    const names = new Set((await bars(page).locator(".name").allTextContents()).map((name) => name.trim()));
    const other = Array.from({ length: 10 }, (_, digit) => String(digit)).find((digit) => !names.has(digit));
    await hold(page, "explain");
    await page.getByRole("combobox", { name: "Class", exact: true }).selectOption(other ?? "");
    await page.getByRole("heading", { name: /is being explained/ }).waitFor();
    await page.getByRole("button", { name: "Open …" }).click();
    await page.getByLabel("Runs in").selectOption("wasm");
    await page.getByRole("button", { name: "Close" }).click();
    await release(page);
    await page.getByRole("heading", { name: /^“\d” is explained$/ }).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("in Interact, patches and logits are the new model's", async () => {
    const { page, problems } = await open("#tab=interact");
    await map(page).waitFor();
    await page.getByRole("row").nth(1).waitFor();
    await watch(page);
    await hold(page, "load");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await expect.poll(() => chosen(page)).toBe("four.onnx");
    await page.getByText("four.onnx is being opened").first().waitFor();
    expect(await map(page).count()).toBe(0);
    await release(page);
    await page
      .getByRole("row", { name: /^class \d/ })
      .first()
      .waitFor();
    await map(page).waitFor();
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("in Layers, the nodes and what reached them are the new model's", async () => {
    const { page, problems } = await open("#tab=layers&layer=%2F9%2FMaxPool&target=4");
    await page.getByText(/^digit-0: 0/).waitFor();
    await page.getByRole("heading", { name: "/9/MaxPool" }).waitFor();
    await watch(page);
    await hold(page, "load");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await expect.poll(() => chosen(page)).toBe("four.onnx");
    expect(await page.getByRole("treeitem").count()).toBe(0);
    expect(await page.getByText(/^digit-0: /).count()).toBe(0);
    await release(page);
    await page.getByText(/^digit-0: class \d/).waitFor();
    expect(page.url()).not.toContain("layer=");
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("in Draw, a drawing is not explained with a model that takes something else", async () => {
    const { page, problems } = await open("#tab=draw");
    await ready(page);
    const surface = page.getByRole("application", { name: /Drawing surface/ });
    await surface.focus();
    await page.keyboard.press("Space");
    for (let step = 0; step < 12; step++) await page.keyboard.press("ArrowDown");
    await page.getByRole("heading", { name: /^It is taken for \d$/ }).waitFor();
    await watch(page);
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await page.getByText("Drawing needs the digits model.").waitFor();
    expect(await page.getByText("It is taken for").count()).toBe(0);
    await page.getByRole("button", { name: "Open it" }).click();
    await page.getByRole("heading", { name: /^It is taken for \d$/ }).waitFor();
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test("in Live, the camera goes on, and frames wait for the new model", async () => {
    const { page, problems } = await open("#tab=live");
    await page.getByRole("button", { name: "Start camera" }).click();
    await bars(page).first().waitFor();
    await watch(page);
    await hold(page, "load");
    await drop(page, "four.onnx", pictureModel({ ...gray, classes: 4 }));
    await expect.poll(() => chosen(page)).toBe("four.onnx");
    await page.getByText("four.onnx is being opened").first().waitFor();
    expect(await bars(page).count()).toBe(0);
    const blank = await page.locator("canvas").evaluate((canvas: HTMLCanvasElement) =>
      canvas
        .getContext("2d")
        ?.getImageData(0, 0, canvas.width, canvas.height)
        .data.every((value) => value === 0),
    );
    expect(blank).toBe(true);
    await page.getByRole("button", { name: "Stop" }).waitFor();
    await release(page);
    await bars(page).filter({ hasText: "class" }).first().waitFor();
    await expectNoLies(page);
    expect(problems).toEqual([]);
    await page.context().close();
  });
});
