/**
 * An engine that takes its time: what the page asks of its worker, or of the local engine, waits until the test lets it
 * go. Questions keep their order, as those to a real engine do.
 */

// oxlint-disable unicorn/consistent-function-scoping -- what runs in the page has nothing of the rest of this file

import type { Page } from "playwright-core";

/** What an engine can be asked. */
export type Ask = "load" | "explain" | "explainBest" | "answer" | "scores" | "ledger" | "layer" | "status";

interface Gate {
  held: string[];
  /** Milliseconds that each question takes longer. */
  delay: number;
  /** What has come as far as this gate, in order. */
  arrived: string[];
}

/** To be called before the app is loaded. @param held what waits from the start */
export async function slowEngine(page: Page, held: readonly Ask[] = []): Promise<void> {
  await page.addInitScript((held) => {
    const gate: Gate = { held: [...held], delay: 0, arrived: [] };
    Object.assign(globalThis, { engineGate: gate });
    const last = new WeakMap<object, Promise<unknown>>();
    const sleep = (milliseconds: number): Promise<void> =>
      new Promise((resolve) => setTimeout(resolve, milliseconds));
    const inOrder = (to: object, ask: string, send: () => void): void => {
      const turn = (last.get(to) ?? Promise.resolve()).then(async () => {
        gate.arrived.push(ask);
        while (gate.held.includes(ask)) await sleep(10);
        if (gate.delay > 0) await sleep(gate.delay);
        send();
      });
      last.set(to, turn);
    };

    const post = Worker.prototype.postMessage as (message: unknown, transfer?: Transferable[]) => void;
    Worker.prototype.postMessage = function (this: Worker, message: unknown, transfer?: unknown) {
      const { path } = message as { path?: string[] };
      inOrder(this, path?.at(-1) ?? "", () => post.call(this, message, transfer as Transferable[]));
    };
    const { send } = WebSocket.prototype;
    WebSocket.prototype.send = function (this: WebSocket, data) {
      const start = data instanceof Uint8Array ? new TextDecoder().decode(data.subarray(4, 200)) : "";
      const ask = /"ask":"(\w+)"/.exec(start)?.[1] ?? "";
      inOrder(this, ask, () => {
        if (this.readyState === WebSocket.OPEN) send.call(this, data);
      });
    };
  }, held);
}

const setGate = (page: Page, change: Partial<Gate>): Promise<void> =>
  page.evaluate((change) => {
    Object.assign((globalThis as unknown as { engineGate: Gate }).engineGate, change);
  }, change);

/** From now on these wait. */
export const hold = (page: Page, ...held: readonly Ask[]): Promise<void> =>
  setGate(page, { held: [...held] });

/** Lets go of all that waits. */
export const release = (page: Page): Promise<void> => setGate(page, { held: [] });

/** Every question takes so many milliseconds longer. */
export const delay = (page: Page, milliseconds: number): Promise<void> =>
  setGate(page, { delay: milliseconds });

/** How often something was asked, be it held here still. */
export const timesAsked = (page: Page, ask: Ask): Promise<number> =>
  page.evaluate(
    (ask) =>
      (globalThis as unknown as { engineGate: Gate }).engineGate.arrived.filter((each) => each === ask)
        .length,
    ask,
  );

/** Files whose names begin with “slow” take half a second to be read. */
export const slowFiles = (page: Page): Promise<void> =>
  page.evaluate(() => {
    const { arrayBuffer } = Blob.prototype;
    Blob.prototype.arrayBuffer = async function (this: Blob) {
      if (this instanceof File && this.name.startsWith("slow")) {
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      return arrayBuffer.call(this);
    };
  });
