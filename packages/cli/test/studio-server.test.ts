import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { Explainer, OptionError } from "@relprop/core";
import { preprocess } from "@relprop/core/preprocess";
import { zoo, type ModelCard } from "@relprop/core/zoo";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  AnswerNumbers,
  ExplainRequest,
  ExplainResult,
  LoadedModel,
  OfferedModel,
} from "@relprop/engine/engine";
import type { EngineRequest } from "@relprop/engine/protocol";
import { findAppFolder } from "../src/studio-server/app-folder.ts";
import { startStudio, type Studio } from "../src/studio-server/start-studio.ts";
import {
  Client,
  enginePathOf,
  get,
  halfAFrame,
  handshake,
  originOf,
  withClient,
} from "./support/studio-client.ts";
import { slowModel } from "./support/slow-model.ts";

const golden = fileURLToPath(new URL("../../relprop/test/golden/vgg-tiny/model.onnx", import.meta.url));
const shipped = fileURLToPath(new URL("../../studio/public/models", import.meta.url));
const worker = new URL("../src/studio-server/engine-worker.ts", import.meta.url);
const limits = { messageBytes: 2 ** 21, clients: 6, waiting: 3 };
const card: ModelCard = {
  name: "vgg-tiny",
  input: {
    layout: "NCHW",
    size: [64, 64],
    resize: "exact",
    channels: "RGB",
    scale: 1 / 255,
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
  },
  labels: [],
};

let folder: string;
let studio: Studio;
let own: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-studio-"));
  const appFolder = join(folder, "app");
  await mkdir(join(appFolder, "models"), { recursive: true });
  await writeFile(join(appFolder, "index.html"), "<!doctype html><title>the app</title>");
  for (const name of ["digits.onnx", "digits.card.json"]) {
    await writeFile(join(appFolder, "models", name), await readFile(join(shipped, name)));
  }
  await writeFile(join(folder, "secret.txt"), "secret");
  studio = await startStudio({ appFolder, port: 0, device: "cpu", models: [golden], limits, worker });
  own = originOf(studio);
});
afterAll(async () => {
  await studio.close();
  await rm(folder, { recursive: true });
});

const picture = (side: number): ExplainRequest["picture"] => ({
  data: Uint8ClampedArray.from({ length: 4 * side * side }, (_, i) => 127 + 120 * Math.sin(i * i)),
  width: side,
  height: side,
});

const explainRequest = (
  more: Partial<ExplainRequest> = {},
): Pick<EngineRequest & { ask: "explain" }, "ask" | "request"> => ({
  ask: "explain",
  request: {
    picture: picture(64),
    composite: "epsilon-plus",
    target: { kind: "class", index: 3 },
    keep: 0,
    ...more,
  },
});

const right = (): string => enginePathOf(studio);

const goldenBytes = async (): Promise<Uint8Array> => new Uint8Array(await readFile(golden));

describe("the app's folder", () => {
  test("is the package's own, or an error that says how to build it", async () => {
    const cli = join(folder, "packages", "cli");
    await mkdir(cli, { recursive: true });
    await expect(findAppFolder(cli)).rejects.toThrow("npm run build");
    const app = join(cli, "studio");
    await mkdir(app, { recursive: true });
    await writeFile(join(app, "index.html"), "");
    expect(await findAppFolder(cli)).toBe(app);
  });
});

describe("files", () => {
  test("the app is served with cross-origin isolation and a content policy", async () => {
    const { status, text, headers } = await get(
      studio,
      new URL(studio.url).pathname + new URL(studio.url).search,
    );
    expect(status).toBe(200);
    expect(text).toContain("the app");
    expect(headers).toMatchObject({
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
      "x-content-type-options": "nosniff",
    });
    expect(headers["content-security-policy"]).toContain("default-src 'self'");
    expect(headers["content-security-policy"]).toContain(`ws://127.0.0.1:${studio.port}`);
  });

  test.each([
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/..%2fsecret.txt",
    "/models/../../secret.txt",
    "/%00",
    "/%",
  ])("a path that leads out of the app's folder is refused: %s", async (path) => {
    const { status, text } = await get(studio, path);
    expect(text).not.toContain("secret");
    expect(status).toBe(404);
  });

  test("a name that was made to point at this machine is refused", async () => {
    expect(await get(studio, "/", { Host: `evil.example:${studio.port}` })).toMatchObject({ status: 403 });
  });

  test("nothing can be written", async () => {
    expect(await get(studio, "/index.html", {}, "PUT")).toMatchObject({ status: 405 });
  });

  test("a port that is taken is an error that says what to do", async () => {
    const again = startStudio({ appFolder: folder, port: studio.port, device: "cpu", models: [] });
    await expect(again).rejects.toThrow(OptionError);
    await expect(again).rejects.toThrow("--port");
  });
});

describe("who gets in", () => {
  test("the app of this server does", async () => {
    expect(await handshake(studio, right(), { Origin: own })).toBe(101);
    expect(studio.token).toMatch(/^[\w-]{43}$/);
    expect(studio.url).toBe(`${own}/?token=${studio.token}#engine=local&model=model.onnx`);
  });

  test.each(["", "?token=", "?token=wrong", "?token=%00"])(
    "a wrong token does not: engine%s",
    async (query) => {
      expect(await handshake(studio, `engine${query}`, { Origin: own })).toBe(401);
    },
  );

  test.each(["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])(
    "a page of another origin does not, token or no token: %s",
    async (origin) => {
      expect(await handshake(studio, right(), { Origin: origin })).toBe(403);
    },
  );

  test("nor does who sends no origin, another host's name, or asks for another path", async () => {
    expect(await handshake(studio, right(), {})).toBe(403);
    expect(await handshake(studio, right(), { Origin: own, Host: "evil.example" })).toBe(403);
    expect(await handshake(studio, right().replace("engine", "other"), { Origin: own })).toBe(404);
  });

  test("of fifty clients at once some are taken, the others told why not, and the server goes on", async () => {
    const clients = await Promise.all(Array.from({ length: 50 }, () => Client.connect(studio)));
    const refused = clients.slice(limits.clients);
    for (const client of refused) {
      expect(await client.closed).toEqual({ code: 1013, reason: `${limits.clients} pages use it already` });
    }
    const taken = clients.slice(0, limits.clients);
    for (const client of taken) expect(await client.answer({ ask: "status" })).toHaveProperty("words");
    for (const client of taken) client.socket.terminate();
    await Promise.all(taken.map((client) => client.closed));
    await expect
      .poll(() =>
        withClient(studio, async (client) => void (await client.answer({ ask: "status" }))).catch(String),
      )
      .toBeUndefined();
  });
});

describe("what is not taken", () => {
  test("a message above the limit", async () => {
    const client = await Client.connect(studio);
    client.socket.send(new Uint8Array(limits.messageBytes + 1));
    expect(await client.closed).toMatchObject({ code: 1009 });
  });

  test.each([
    ["too short", new Uint8Array(2)],
    ["a header that ends after the frame", new Uint8Array([255, 255, 255, 127, 0])],
    ["no JSON", new Uint8Array([1, 0, 0, 0, 123])],
    ["text", "hello"],
  ])("a malformed message: %s", async (_name, message) => {
    const client = await Client.connect(studio);
    client.socket.send(message);
    const { code, reason } = await client.closed;
    expect(code).toBe(1007);
    expect(reason).toContain("cannot read a message");
  });

  test("requests that are none, with the field that is wrong", async () => {
    await withClient(studio, async (client) => {
      expect(await client.error({ ask: "shutdown" })).toContain("(ask)");
      expect(await client.error(explainRequest({ keep: 2 }))).toContain("(request.keep)");
      expect(
        await client.error({ ask: "load", source: { kind: "file", name: "x.onnx", bytes: "no" } }),
      ).toContain("(source.bytes)");
      const short = { ...picture(64), data: new Uint8ClampedArray(8) };
      expect(await client.error(explainRequest({ picture: short }))).toContain("RGBA");
      expect(await client.answer({ ask: "status" })).toEqual({
        provider: "local",
        words: "this machine, native",
      });
    });
  });

  test("a picture before a model, a path in place of a name, a broken model", async () => {
    await withClient(studio, async (client) => {
      expect(await client.error(explainRequest())).toContain("none is loaded");
      await client.answer({ ask: "load", source: { kind: "shipped", name: "digits" } });
      const elsewhere = [
        { kind: "zoo", name: join(folder, "app", "models", "digits.onnx") },
        { kind: "shipped", name: "../models/digits" },
        { kind: "zoo", name: "nothing" },
      ];
      for (const source of elsewhere) {
        expect(await client.error({ ask: "load", source })).toContain("there is no model");
      }
      const source = { kind: "file", name: "broken.onnx", bytes: new Uint8Array([8, 1, 255]) };
      expect(await client.error({ ask: "load", source })).toContain("broken.onnx");
      // The model from before is still there.
      expect(await client.error(explainRequest({ picture: picture(8) }))).toContain("picture");
    });
  });

  test("more requests than may wait", async () => {
    await withClient(studio, async (client) => {
      const loading = client.ask({ ask: "load", source: { kind: "shipped", name: "digits" } });
      const others = Array.from({ length: 5 }, () => client.ask({ ask: "status" }));
      const all = await Promise.all([loading, ...others]);
      const refused = all.filter((each) => each.say === "error");
      expect(refused).toHaveLength(all.length - limits.waiting);
      for (const each of refused) expect(each.message).toContain("wait for an answer");
    });
  });
});

describe("the engine", () => {
  test("gives the relevance that Explainer gives", async () => {
    await withClient(studio, async (client) => {
      const source = { kind: "file", name: "vgg-tiny.onnx", bytes: await goldenBytes(), card };
      const loaded = await client.answer<LoadedModel>({ ask: "load", source });
      expect(loaded).toMatchObject({
        name: "vgg-tiny.onnx",
        classes: 10,
        size: [64, 64],
        composite: "fischer",
      });
      expect(loaded.plan.length).toBeGreaterThan(3);
      expect(client.progress()).toContain("compiling the explanation");

      const result = await client.answer<ExplainResult>(explainRequest());
      const explainer = new Explainer({
        ort,
        model: await goldenBytes(),
        composite: "epsilon-plus",
        seed: "logit",
        reduce: "channels",
      });
      const input = preprocess([picture(64)], card.input);
      const expected = await explainer.explain(input, { target: 3 });
      await explainer.dispose();
      expect(result.relevance).toMatchObject({ height: 64, width: 64 });
      expect(result.relevance.data).toEqual(expected.relevance.data);
      expect(result.numbers.values).toEqual(expected.outputs["output"]?.data);
      expect(result.top.slice(0, 5)).toEqual(expected.top[0]);

      const pictures = [picture(64), { ...picture(64), data: new Uint8ClampedArray(64 * 64 * 4) }];
      const request = { pictures, target: { kind: "class", index: 3 }, reference: picture(64) };
      const [first = Number.NaN, second] = await client.answer<Float32Array>({ ask: "scores", request });
      expect(Math.abs(first - result.explained.start)).toBeLessThan(1e-4);
      expect(second).not.toBe(first);
      const numbers = await client.answer<AnswerNumbers>({ ask: "answer", picture: picture(64) });
      expect(numbers.values?.[3]).toBeCloseTo(first, 4);
    });
  });

  test("runs the shipped model and those of the command line by name, one request after another", async () => {
    const ask = { ask: "load", source: { kind: "zoo", name: basename(golden) } };
    const apps = await Promise.all([Client.connect(studio), Client.connect(studio)]);
    try {
      const [digits, tiny] = await Promise.all([
        apps[0].answer<LoadedModel>({ ask: "load", source: { kind: "shipped", name: "digits" } }),
        apps[1].answer<LoadedModel>(ask),
      ]);
      expect(digits).toMatchObject({ classes: 10, size: [28, 28], guesses: [] });
      expect(tiny.guesses.length).toBeGreaterThan(0);
      const contrast = { kind: "contrast", index: 1, against: 2 } as const;
      const results = await Promise.all([
        apps[0].answer<ExplainResult>(explainRequest({ picture: picture(28), keep: 0.1, target: contrast })),
        apps[1].answer<ExplainResult>(explainRequest()),
      ]);
      for (const { relevance } of results) expect(relevance.data.some((r) => r !== 0)).toBe(true);
    } finally {
      for (const app of apps) app.close();
    }
  });

  test("offers the models of the command line, then the zoo's", async () => {
    const names = ["a/net.onnx", "b/net.onnx", "other.pth", "vgg16"];
    const many = await startStudio({ appFolder: folder, port: 0, device: "cpu", models: names, worker });
    await withClient(many, async (client) => {
      const offered = await client.answer<OfferedModel[]>({ ask: "models" });
      expect(offered.slice(0, 4).map(({ name, from }) => [name, from])).toEqual(
        names.map((name) => [name, "command"]),
      );
      expect(offered.slice(4).map(({ name }) => name)).toEqual(
        zoo.map(({ name }) => name).filter((name) => name !== "vgg16"),
      );
    });
    expect(many.url).toContain(`model=${encodeURIComponent("a/net.onnx")}`);
    await many.close();
  });

  test("serves pages, pings and other apps while a model runs", async () => {
    const busy = await Client.connect(studio);
    await busy.answer({ ask: "load", source: { kind: "file", name: "slow.onnx", bytes: slowModel(), card } });
    const before = performance.now();
    const running = new Set(["run"]);
    const run = busy.ask(explainRequest()).finally(() => running.clear());
    const waits: number[] = [];
    while (running.size > 0) {
      const asked = performance.now();
      const idle = await Client.connect(studio);
      await Promise.all([idle.ping(), busy.ping(), get(studio, "/index.html")]);
      idle.close();
      await idle.closed;
      waits.push(performance.now() - asked);
    }
    expect(await run).toMatchObject({ say: "answer" });
    const took = performance.now() - before;
    expect(waits.length).toBeGreaterThan(5);
    expect(Math.max(...waits)).toBeLessThan(took / 2);
    busy.close();
    await busy.closed;
  });

  test("that crashes says so, and starts again for the next app", async () => {
    const crashing = new URL("./support/crashing-worker.mjs", import.meta.url);
    const broken = await startStudio({
      appFolder: folder,
      port: 0,
      device: "cpu",
      models: [],
      worker: crashing,
    });
    for (let visit = 0; visit < 2; visit++) {
      const client = await Client.connect(broken);
      expect(await client.error({ ask: "status" })).toBe("the local engine crashed: out of memory");
      expect(await client.closed).toEqual({ code: 1011, reason: "it crashed: out of memory" });
    }
    await broken.close();
  });

  test("survives an app that is killed in the middle of a frame or of a run", async () => {
    const killed = await Client.connect(studio);
    await killed.answer({ ask: "load", source: { kind: "shipped", name: "digits" } });
    for (let i = 0; i < 3; i++) void killed.ask(explainRequest({ picture: picture(28) }));
    killed.socket.terminate();
    await halfAFrame(studio);
    await withClient(studio, async (client) => {
      expect(await client.answer({ ask: "status" })).toMatchObject({ provider: "local" });
      // What the dead one had asked for does not hold the others up.
      await client.answer({ ask: "load", source: { kind: "shipped", name: "digits" } });
      const { relevance } = await client.answer<ExplainResult>(explainRequest({ picture: picture(28) }));
      expect(relevance.data.some((value) => value !== 0)).toBe(true);
    });
  });
});
