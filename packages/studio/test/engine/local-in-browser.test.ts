/** The app as `relprop studio` serves it, with its content policy, in a real Chromium. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStudio, type Studio } from "../../../cli/src/studio-server/start-studio.ts";
import { canRun, give, startApp, type App } from "../support/browser.ts";

const golden = fileURLToPath(new URL("../../../relprop/test/golden/vgg-tiny/model.onnx", import.meta.url));
const worker = new URL("../../../cli/src/studio-server/engine-worker.ts", import.meta.url);
const limits = { messageBytes: 2 ** 21 };
const camera = ["--use-fake-device-for-media-stream=fps=30", "--use-fake-ui-for-media-stream"];

let app: App;
let studio: Studio;
let folder: string;
const run = test.skipIf(!canRun);

beforeAll(async () => {
  if (!canRun) return;
  folder = await mkdtemp(join(tmpdir(), "relprop-local-"));
  app = await startApp(folder, camera);
  studio = await startStudio({ appFolder: folder, port: 0, device: "cpu", models: [golden], limits, worker });
}, 120_000);

afterAll(async () => {
  if (!canRun) return;
  await studio.close();
  await app.close();
  await rm(folder, { recursive: true });
});

/** The address with the token, and another state of the app. */
const at = (hash: string): string => `${studio.url.replace(/#.*/, "")}${hash}`;

run(
  "the model of the command line is open, the others are offered, and one too large is refused",
  async () => {
    const { page, problems } = await app.open();
    await page.goto(studio.url);
    await page.getByText("this machine, native", { exact: true }).waitFor();
    const model = page.getByRole("combobox", { name: "Model" });
    expect(await model.inputValue()).toBe("model.onnx");
    const groups = model.locator("optgroup");
    expect(await groups.evaluateAll((all) => all.map((each) => (each as HTMLOptGroupElement).label))).toEqual(
      ["Named on the command line", "Zoo"],
    );
    expect(await groups.last().textContent()).toContain("resnet50");

    await give(page, "drop", { name: "large.onnx", bytes: new Uint8Array(limits.messageBytes + 1) });
    await page.getByRole("alert").filter({ hasText: "larger than it takes" }).waitFor();
    await page.getByRole("button", { name: "Dismiss" }).click();
    // The connection is a new one, but the model is still the one that was open.
    await page.getByRole("list", { name: "Numbers, highest first" }).getByRole("button").nth(1).click();
    await page.getByRole("heading", { name: /is explained$/ }).waitFor();
    await page.getByText(/% of the value/).waitFor();
    expect(await page.getByRole("alert").count()).toBe(0);
    await model.selectOption("digits");
    await page.getByText(/^digit-0: 0/).waitFor();
    // The same page can run it in the browser too: its content policy allows it.
    await page.goto("about:blank");
    await page.goto(at("#engine=wasm"));
    await page.getByText(/^WASM, \d threads?$/).waitFor();
    expect(problems).toEqual([]);
    await page.context().close();
  },
);

run("live, at least fifteen heatmaps are shown a second", { retry: 2 }, async () => {
  const { page, problems } = await app.open();
  await page.goto(at("#tab=live&engine=local"));
  await page.getByRole("button", { name: "Start camera" }).click();
  const pace = page.getByTestId("pace").filter({ hasText: "fps" });
  await pace.waitFor();
  const paces: number[] = [];
  for (let second = 0; second < 8; second++) {
    await page.waitForTimeout(1000);
    paces.push(Number.parseFloat((await pace.textContent()) ?? ""));
  }
  expect(Math.max(...paces)).toBeGreaterThanOrEqual(15);
  expect(problems).toEqual([]);
  await page.context().close();
});

run("when the server ends, the page says so", async () => {
  const { page } = await app.open();
  const other = await startStudio({ appFolder: folder, port: 0, device: "cpu", models: [], worker });
  await page.goto(other.url);
  await page.getByText("this machine, native", { exact: true }).waitFor();
  await other.close();
  const model = page.getByRole("combobox", { name: "Model" });
  await model.selectOption("resnet50");
  // Of the model that is being opened, and of what was asked of the one before.
  await page.getByRole("alert").filter({ hasText: "relprop studio` has ended" }).first().waitFor();
  await page.context().close();
});
