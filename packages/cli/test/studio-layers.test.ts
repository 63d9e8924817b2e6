/** The local engine on layers: what the app's mode Layers asks, over the WebSocket. */

import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { conceptHeatmaps, Explainer } from "@relprop/core";
import { preprocess } from "@relprop/core/preprocess";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LayerRequest, LayerResult, LedgerResult } from "@relprop/engine/engine";
import { loadModel } from "../src/models/load-model.ts";
import { startStudio, type Studio } from "../src/studio-server/start-studio.ts";
import { withClient } from "./support/studio-client.ts";

const appFolder = fileURLToPath(new URL("../../studio/public", import.meta.url));
const worker = new URL("../src/studio-server/engine-worker.ts", import.meta.url);
const layer = "/9/MaxPool";

let studio: Studio;
beforeAll(async () => {
  studio = await startStudio({ appFolder, port: 0, device: "cpu", models: [], worker });
});
afterAll(() => studio.close());

const request: LayerRequest = {
  picture: {
    data: Uint8ClampedArray.from({ length: 4 * 28 * 28 }, (_, i) => 127 + 120 * Math.sin(i * i)),
    width: 28,
    height: 28,
  },
  composite: "epsilon-plus",
  target: { kind: "class", index: 3 },
  keep: 0,
  node: layer,
  count: 3,
};
const shipped = { ask: "load", source: { kind: "shipped", name: "digits" } };

test("ledger and layer are what the library's Explainer gives", async () => {
  await withClient(studio, async (client) => {
    await client.answer(shipped);
    const { ledger, verdict, nodes } = await client.answer<LedgerResult>({ ask: "ledger", request });
    const found = await client.answer<LayerResult>({ ask: "layer", request });

    const { model, card } = await loadModel(`${appFolder}/models/digits.onnx`);
    const options = { ort, model, composite: "epsilon-plus", reduce: "channels", seed: "logit" } as const;
    const explainer = new Explainer({ ...options, ledger: true, concepts: { layer } });
    const picture = preprocess([request.picture], card.input);
    const { ledgers } = await explainer.explain(picture, { target: 3 });
    const [through] = await conceptHeatmaps(explainer, picture, { target: 3, count: 3 });
    const concepts = through?.concepts ?? [];
    await explainer.dispose();

    expect(ledger.entries.map(({ node }) => node)).toEqual(ledgers?.[0]?.entries.map(({ node }) => node));
    expect(ledger.reached).toBeCloseTo(ledgers?.[0]?.reached ?? Number.NaN, 4);
    expect(verdict).toContain("of the logit reached the input");
    expect(nodes.map(({ name }) => name)).toContain(layer);
    expect(found).toMatchObject({ node: layer, shape: [1, 32, 7, 7], map: { height: 7, width: 7 } });
    expect(found.channels.map(({ channel }) => channel)).toEqual(concepts.map(({ channel }) => channel));
    for (const [i, { map }] of found.channels.entries()) {
      const expected = concepts[i]?.relevance.data ?? [];
      const largest = Math.max(...map.data.map(Math.abs));
      for (const [at, R] of map.data.entries()) {
        expect(Math.abs(R - (expected[at] ?? Number.NaN))).toBeLessThan(1e-4 * largest);
      }
    }
  });
});

test("malformed requests are refused with the field that is wrong, and the engine goes on", async () => {
  await withClient(studio, async (client) => {
    expect(await client.error({ ask: "ledger", request })).toContain("none is loaded");
    await client.answer(shipped);
    const { node: _node, ...nameless } = request;
    const wrong: readonly (readonly [object, string])[] = [
      [{ ask: "ledger" }, "(request)"],
      [{ ask: "ledger", request: { ...request, keep: 2 } }, "(request.keep)"],
      [{ ask: "layer", request: nameless }, "(request.node)"],
      [{ ask: "layer", request: { ...request, node: 9 } }, "(request.node)"],
      [{ ask: "layer", request: { ...request, count: 0 } }, "(request.count)"],
      [{ ask: "layer", request: { ...request, count: 1e6 } }, "(request.count)"],
      [{ ask: "layer", request: { ...request, target: { kind: "class", index: -1 } } }, "(request.target"],
      [{ ask: "layer", request: { ...request, picture: { ...request.picture, width: 27 } } }, "RGBA"],
    ];
    for (const [message, words] of wrong) expect(await client.error(message)).toContain(words);
    const elsewhere = { ask: "layer", request: { ...request, node: "nowhere" } };
    expect(await client.error(elsewhere)).toContain('relevance cannot stop at "nowhere"');
    const beyond = { ask: "layer", request: { ...request, target: { kind: "class", index: 10 } } };
    expect(await client.error(beyond)).toContain("10");
    expect(await client.answer<LayerResult>({ ask: "layer", request })).toMatchObject({ node: layer });
  });
});
