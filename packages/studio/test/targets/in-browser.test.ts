/** Every kind of output in a real Chromium: what is asked for, what is drawn, what is said of it, what a link brings back. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { canRun, give, pixelsOf, startApp, type App } from "../support/browser.ts";
import { outputFile, testPicture } from "../support/output-pictures.ts";

const map = (page: Page): Locator => page.getByRole("img", { name: /^(Relevance|No relevance) for/ });
const plain = (page: Page): Locator => page.getByRole("img", { name: "A picture that is not explained yet" });
const answer = (page: Page): Locator => page.locator("section.classes");
const bars = (page: Page): Locator => page.locator(".classes ol button");
const heading = (page: Page, name: string | RegExp): Promise<void> =>
  page.getByRole("heading", { name, exact: true }).waitFor();

/** Nothing that people read or hear is a word of the language that the app is written in. */
async function expectWords(page: Page): Promise<void> {
  const texts = await page.evaluate(() => [
    document.body.innerText,
    ...[...document.querySelectorAll("[aria-label], [title]")].map((element) =>
      `${element.getAttribute("aria-label")} ${element.getAttribute("title")}`.replaceAll("null", ""),
    ),
  ]);
  for (const text of texts) {
    expect(text).not.toMatch(/\b(NaN|undefined|null|Infinity|object Object)\b/);
    // A minus before a number is a minus.
    expect(text.match(/(^|[\s(])-\d.{0,20}/)).toBeNull();
  }
}

/** The map that is shown, and what the link says of it. */
async function expectLinked(page: Page, target: string): Promise<{ label: string | null; pixels: unknown }> {
  await expect.poll(() => new URL(page.url()).hash).toContain(`target=${encodeURIComponent(target)}`);
  await map(page).waitFor();
  const [label, pixels] = [await map(page).getAttribute("aria-label"), await pixelsOf(map(page))];
  expect(new Set(pixels.data).size).toBeGreaterThan(2);
  await expectWords(page);
  return { label, pixels };
}

/** It comes back with the link: once for each kind of target, as a page takes seconds to load. */
async function expectReturns(page: Page, target: string): Promise<void> {
  const { label, pixels } = await expectLinked(page, target);
  await page.reload();
  await map(page).waitFor();
  expect(await map(page).getAttribute("aria-label")).toBe(label);
  expect(await pixelsOf(map(page))).toEqual(pixels);
  await expectWords(page);
}

describe.skipIf(!canRun)("targets", () => {
  let app: App;
  let folder: string;
  /** One page for all networks: each is dropped on it in its turn. */
  let page: Page;
  let problems: string[];
  let dropped = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "relprop-targets-"));
    app = await startApp(folder);
    ({ page, problems } = await app.open("", { viewport: { width: 1280, height: 900 } }));
    page.setDefaultTimeout(15_000);
    await page.getByText(/^WASM, \d threads?/).waitFor();
    await give(page, "drop", { name: "pic.png", type: "image/png", bytes: await testPicture() });
    await page.locator(".brought", { hasText: "pic.png" }).waitFor();
  }, 120_000);
  afterAll(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });

  /** What the link says of the network that was dropped last and of the picture, with nothing else chosen. */
  const link = (): string => `${app.url}#model=m${dropped}.onnx&picture=file%3Apic.png`;

  const tab = (name: string): Promise<void> =>
    page.getByRole("navigation").getByRole("button", { name }).click();

  /** Drops a network of the list on the page, where nothing is chosen. In Draw, which explains none of them, it is said to be ready for as long as one looks. */
  async function open(network: string, names?: readonly string[]): Promise<void> {
    if (dropped > 0) await page.goto(link());
    await tab("Draw");
    const name = `m${++dropped}.onnx`;
    await give(page, "drop", { name, bytes: outputFile(network, names) });
    await page.getByText(new RegExp(`^${name} is ready: [^[]+$`)).waitFor();
    await tab("Images");
  }

  /** It may be open from a network before. */
  async function openByIndex(): Promise<void> {
    const isOpen = await page
      .locator("details", { hasText: "By index" })
      .evaluate((each) => (each as HTMLDetailsElement).open);
    if (!isOpen) await page.getByText("By index").click();
  }

  test.each(["a U-Net of two classes", "a map with the classes last"])(
    "%s: a click explains a place",
    async (network) => {
      const check = network.startsWith("a U-Net") ? expectReturns : expectLinked;
      await open(network);
      await heading(page, "What is explained?");
      await plain(page).waitFor();
      expect(await map(page).count()).toBe(0);
      await expectWords(page);
      const { width, height } = (await plain(page).boundingBox()) ?? { width: 0, height: 0 };
      await plain(page).click({ position: { x: 0.7 * width, y: 0.3 * height } });
      await heading(page, /^“class \d at 5, 2” is explained$/);
      expect(await answer(page).textContent()).toMatch(/class \d \d+(\.\d)?%/);
      await expectLinked(page, "pixel:5,2");
      await page.getByLabel("y", { exact: true }).fill("6");
      await page.getByLabel("y", { exact: true }).press("Enter");
      await heading(page, /at 5, 6” is explained$/);
      // Outside of the picture there is nothing: what was there comes back.
      await page.getByLabel("x", { exact: true }).fill("99");
      await page.getByLabel("x", { exact: true }).press("Enter");
      expect(await page.getByLabel("x", { exact: true }).inputValue()).toBe("5");
      for (const index of [0, 1]) {
        await page.getByRole("combobox", { name: "Class there" }).selectOption(`class ${index}`);
        await heading(page, `“class ${index} at 5, 6” is explained`);
      }
      await check(page, "pixel:5,6:1");
      await page.getByRole("combobox", { name: "Class there" }).selectOption("that wins");
      await expect.poll(() => page.url()).toMatch(/pixel%3A5%2C6$/);
      await page.getByRole("combobox", { name: "Where a class wins" }).selectOption("class 0");
      await heading(page, "“class 0 where it wins” is explained");
      await check(page, "where:0");
      expect(problems).toEqual([]);
    },
  );

  test("a map of one class is explained where it wins; its name is said as it is", async () => {
    const name = '<b>猫</b> & "سيارة"';
    await open("a U-Net of one class", [name]);
    await page.getByRole("combobox", { name: "Where a class wins" }).selectOption(name);
    await heading(page, `“${name} where it wins” is explained`);
    await expectLinked(page, "where:1");
    expect(problems).toEqual([]);
  });

  test("elements are named by index; what is wrong is said, and goes with the next choice", async () => {
    await open("a U-Net of two classes");
    await openByIndex();
    const field = page.getByLabel(/^Element of the output, \[1, 2, 8, 8\]/);
    const type = async (text: string): Promise<void> => {
      await field.fill(text);
      await field.press("Enter");
    };
    await type("0,7,0,0");
    await page.getByRole("alert").filter({ hasText: "there is no element 7 along axis 1" }).waitFor();
    await type("3,1,0,0");
    await page.getByRole("alert").filter({ hasText: "there is no element 3 along axis 0" }).waitFor();
    await type("a cat");
    await page.getByRole("alert").filter({ hasText: "is no index" }).waitFor();
    expect(await map(page).count()).toBe(0);
    expect(page.url()).not.toContain("target=");
    await type("0, 1, 4, 4");
    await heading(page, "“element 0,1,4,4” is explained");
    expect(await page.getByRole("alert").count()).toBe(0);
    await expectReturns(page, "at:0,1,4,4");
    expect(problems).toEqual([]);
  });

  test.each(["boxes beside scores, anchors last", "boxes beside scores, anchors first"])(
    "%s: a box is framed",
    async (network) => {
      const names = ["cat", "dog", "bird", "fish", "cow"];
      await open(network, names);
      await heading(page, "What is explained?");
      expect(await map(page).count()).toBe(0);
      await page.getByLabel("Box, best first").fill("1");
      await page.getByLabel("Box, best first").press("Enter");
      await heading(page, new RegExp(`^“box 1, (${names.join("|")})” is explained$`));
      await answer(page)
        .getByText(/^The box: x −?\d+ to \d+, y −?\d+ to \d+\.$/)
        .waitFor();
      const { data } = await pixelsOf(map(page));
      const isInk = data.some(
        (red, i) => i % 4 === 0 && red === 255 && data[i + 1] === 200 && data[i + 2] === 0,
      );
      // The other one's boxes may lie outside.
      if (network.endsWith("last")) expect(isInk).toBe(true);
      await expectLinked(page, "box:1");
      const found = /box 1, (\w+)/.exec((await answer(page).textContent()) ?? "")?.[1] ?? "";
      await page.getByRole("combobox", { name: "Of class" }).selectOption(found);
      const check = network.endsWith("last") ? expectReturns : expectLinked;
      await check(page, `box:1:${names.indexOf(found)}`);
      await page.getByRole("combobox", { name: "Of class" }).selectOption("any");
      await expect.poll(() => page.url()).toMatch(/target=box%3A1$/);
      await page.getByLabel("Box, best first").fill("300");
      await page.getByLabel("Box, best first").press("Enter");
      await page
        .getByRole("alert")
        .filter({ hasText: /^there is no box 300: .* a score of at least 0.25/ })
        .waitFor();
      expect(await page.getByRole("alert").textContent()).not.toContain("--");
      expect(await map(page).count()).toBe(0);
      expect(problems).toEqual([]);
    },
  );

  test("several sigmoids each have a probability of their own, also below one half", async () => {
    await open("four sigmoids");
    await heading(page, /^“class \d” is explained$/);
    const shown = await bars(page).allTextContents();
    expect(shown).toHaveLength(4);
    const percents = shown.map((text) => Number(/([\d.]+)%/.exec(text)?.[1]));
    expect(Math.min(...percents)).toBeLessThan(50);
    expect(percents).toEqual(percents.toSorted((a, c) => c - a));
    const lowest = bars(page).last();
    const name = (await lowest.locator(".name").textContent()) ?? "";
    await lowest.click();
    await heading(page, `“${name}” is explained`);
    await page.getByText("Its logit is negative").waitFor();
    await expectReturns(page, name.replace("class ", ""));
    await bars(page)
      .first()
      .click({ modifiers: ["Shift"] });
    await heading(page, new RegExp(` rather than ${name}” is explained$`));
    await expectReturns(page, new URL(page.url()).hash.match(/target=(\d-\d)/)?.[1] ?? "");
    expect(problems).toEqual([]);
  });

  test("one sigmoid is yes or no, and yes is not told apart from no", async () => {
    await open("one sigmoid", ["sick"]);
    await heading(page, "“sick” is explained");
    const shown = (await bars(page).allTextContents()).join(" ");
    expect(shown).toMatch(/sick/);
    expect(shown).toMatch(/not sick/);
    const sum = [...shown.matchAll(/([\d.]+)%/g)].reduce((all, [, percent]) => all + Number(percent), 0);
    expect(sum).toBeCloseTo(100, 0);
    await bars(page)
      .filter({ hasText: "not sick" })
      .click({ modifiers: ["Shift"] });
    await heading(page, "“not sick” is explained");
    expect(await answer(page).textContent()).not.toContain("Shift-click");
    await expectLinked(page, "0");
    expect(problems).toEqual([]);
  });

  test("a value is a value: no percent, no class", async () => {
    await open("one value");
    await heading(page, "“value” is explained");
    await map(page).waitFor();
    const said = (await answer(page).innerText()).replaceAll(/\d % of the value/g, "");
    expect(said).not.toMatch(/%|class|logit/i);
    await page.getByRole("list", { name: "Values, highest first" }).waitFor();
    expect(await page.getByLabel("Compare with").locator("option").allTextContents()).toEqual([
      "nothing",
      "another rule",
    ]);
    await expectWords(page);
    expect(problems).toEqual([]);
  });

  test("a value behind a last function says what relevance starts with", async () => {
    await open("a sigmoid times 100");
    await page.getByText(/% of the number before the output's last function \(/).waitFor();
  });

  test("three numbers of unknown meaning are numbers, and one can be explained rather than another", async () => {
    await open("three numbers");
    await heading(page, /^“output \d” is explained$/);
    expect(await bars(page).count()).toBe(3);
    expect((await bars(page).allTextContents()).join(" ")).not.toMatch(/%|class/);
    await page.getByText("Click a number to explain it").waitFor();
    await bars(page).nth(2).click();
    await bars(page)
      .nth(0)
      .click({ modifiers: ["Shift"] });
    await heading(page, /^“output \d rather than output \d” is explained$/);
    await expectWords(page);
    expect(problems).toEqual([]);
  });

  test("an embedding is explained by its length", async () => {
    await open("an embedding called embedding");
    await heading(page, "“length” is explained");
    await answer(page)
      .getByText(/^length [\d.]+ of a vector of 16 numbers\.$/)
      .waitFor();
    expect(await answer(page).innerText()).not.toMatch(/class/i);
    await tab("Interact");
    await page.getByRole("row", { name: /^length/ }).waitFor();
    await expectWords(page);
    expect(problems).toEqual([]);
  });

  test("classes without names and many of them: the best are bars, all others can be typed", async () => {
    await open("sigmoids before a reshape, put side by side");
    await page.getByRole("combobox", { name: "Class", exact: true }).selectOption("class 3");
    await heading(page, "“class 3” is explained");
    await expectLinked(page, "3");
    expect(problems).toEqual([]);
  });

  test("a link to what another model has explains nothing of this one, or what is usual for it", async () => {
    await open("a U-Net of two classes");
    for (const target of ["1", "3-1", "box:1", "where:7", "pixel:1,1:9"]) {
      await page.goto(`${link()}&target=${target}`);
      await heading(page, "What is explained?");
      await plain(page).waitFor();
      expect(await map(page).count()).toBe(0);
    }
    await page.reload();
    await heading(page, "What is explained?");
    await plain(page).waitFor();
    expect(await map(page).count()).toBe(0);
    await page.goto(`${link()}&target=pixel:500,1`);
    await page.reload();
    await page.getByRole("alert").filter({ hasText: "there is no pixel 500,1" }).waitFor();
    expect(await map(page).count()).toBe(0);
    expect(problems).toEqual([]);
    await open("one sigmoid");
    await page.goto(`${link()}&target=where:0`);
    await heading(page, "“class 1” is explained");
  });

  test("Interact, Layers and Live ask for what must be named, and show what is", async () => {
    await open("a U-Net of two classes");
    const place = async (side: "x" | "y", value: string): Promise<void> => {
      await page.getByLabel(side, { exact: true }).fill(value);
      await page.getByLabel(side, { exact: true }).press("Enter");
    };
    const words = "It answers for each place.";
    await tab("Live");
    await page.getByText(words).first().waitFor();
    await tab("Layers");
    await page.getByText(words).first().waitFor();
    expect(await page.getByRole("tree").count()).toBe(0);
    await place("x", "2");
    await page.getByRole("tree").waitFor();
    await page.getByText(/Explained with [\w-]+: class \d at 2, 4\./).waitFor();
    await expectWords(page);
    await page.getByRole("treeitem").filter({ hasText: "Relu" }).click();
    await page.getByRole("heading", { name: /Strongest channels/ }).waitFor();
    await expectWords(page);
    await tab("Interact");
    await page.getByRole("row", { name: /^class \d at 2, 4/ }).waitFor();
    await page.getByRole("button", { name: "Add patch" }).click();
    await page.getByRole("button", { name: "Sweep" }).click();
    await page.getByRole("img", { name: /^Occlusion map for class \d at 2, 4/ }).waitFor();
    await expectWords(page);
    await tab("Draw");
    await page.getByText("Drawing needs the digits model.").waitFor();
    expect(problems).toEqual([]);
  });

  test("axe finds nothing, and a phone is wide enough", async () => {
    await open("boxes beside scores, anchors last", ["cat", "dog"]);
    await page.setViewportSize({ width: 390, height: 800 });
    await page.getByLabel("Box, best first").fill("1");
    await page.getByLabel("Box, best first").press("Enter");
    await openByIndex();
    await map(page).waitFor();
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      const { violations } = await new AxeBuilder({ page }).analyze();
      expect(violations.map(({ id, nodes }) => `${id} ${nodes.map(({ html }) => html).join(" ")}`)).toEqual(
        [],
      );
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(390);
    }
  });
});
