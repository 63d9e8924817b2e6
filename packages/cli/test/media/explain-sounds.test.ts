/** Sounds through the command: what a model is fed of them, the numbers that come out, and what is refused. */

import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npyFile, readNpy } from "@relprop/core/heatmap";
import { int, type Model, type Value } from "@relprop/core/onnx";
import { describe, expect, test, vi } from "vitest";
import { NetBuilder } from "../../../relprop/test/support/output-models.ts";
import { damaged, filmFile, soundFile, wavFile } from "../support/media-files.ts";
import { runCommand } from "../../src/commands/run-command.ts";
import { cat, Workshop, type CommandRun } from "../support/output-runs.ts";

const shop = new Workshop();
const rate = 8000;
const size = 400;

interface Said {
  readonly input: string;
  readonly sample: number;
  readonly from: number;
  readonly to: number;
  readonly padding?: { readonly seconds: number; readonly relevance: number };
  readonly start: number;
  readonly reached: Readonly<Record<string, number>>;
  readonly ledger?: { readonly start: number; readonly reached: number };
  readonly error?: { readonly what: string; readonly why: string };
}

const records = ({ stdout }: CommandRun): Said[] =>
  stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Said)
    .filter((each) => "input" in each && !("outputs" in each));

/** A network of one convolution over time, whose input has a shape. */
function net(
  shape: readonly (number | string)[],
  others: (b: NetBuilder, y: Value) => Value = (_b, y) => y,
  metadata: Model["metadata"] = {},
): Model {
  const b = new NetBuilder();
  const x = b.input("wave", "float32", shape);
  const isLast = shape.length === 3 && shape[2] === 2;
  const channels = shape.length === 3 ? Number(isLast ? 2 : shape[1]) : 1;
  const batch = shape.length === 1 ? 1 : -1;
  const planes =
    shape.length === 3
      ? isLast
        ? b.transpose(x, [0, 2, 1])
        : x
      : b.op("Unsqueeze", [x, b.integers(shape.length === 1 ? [0, 1] : [1])]);
  const filtered = b.relu(b.conv(planes, channels, 6, [9]));
  const means = b.op("GlobalAveragePool", [filtered]);
  const y = others(b, b.dense(b.reshape(means, [batch, 6]), 6, 3));
  b.output(shape.length === 1 ? b.reshape(y, [3]) : y, "logits");
  return { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata, graph: b.graph("net") };
}

/** Numbers that 16 bits hold, so that a WAV has the same. */
const samplesOf = (length: number, seed = 1): Float32Array<ArrayBuffer> =>
  Float32Array.from({ length }, (_, i) => Math.round(9000 * Math.sin(0.11 * seed * i + seed)) / 2 ** 15);

const wav = (name: string, channels: readonly ArrayLike<number>[], hertz = rate): Promise<string> =>
  shop.file(name, wavFile(channels, hertz));

const explain = (model: string, ...args: string[]): Promise<CommandRun> =>
  shop.run("explain", ...args, "-m", model, "--rate", String(rate), "-c", "1", "--json");

const relevanceIn = async (
  { folder }: CommandRun,
  name: string,
): Promise<{ data: Float32Array; dims: readonly number[] }> =>
  readNpy(await readFile(join(folder, `${name}.1-class-1.relevance.npy`)));

/** Windows of 400 samples, the last one filled with zeros. */
const cut = (samples: Float32Array): Float32Array => {
  const all = new Float32Array(1200);
  all.set(samples);
  return all;
};
const interleaved = (a: Float32Array, c: Float32Array): Float32Array =>
  Float32Array.from({ length: 2 * a.length }, (_, i) => (i % 2 === 0 ? a : c)[i >> 1] ?? 0);
const planes = (a: Float32Array, c: Float32Array): Float32Array =>
  Float32Array.from({ length: 2400 }, (_, i) => {
    const [window, channel, at] = [Math.floor(i / 800), Math.floor(i / 400) % 2, i % 400];
    return (channel === 0 ? a : c)[400 * window + at] ?? 0;
  });

describe("a sound that has the model's rate is explained as its samples are", () => {
  const sound = samplesOf(1000);
  const stereo = [sound, samplesOf(1000, 2)] as const;
  test.each<
    [
      name: string,
      shape: readonly (number | string)[],
      channels: readonly Float32Array[],
      values: Float32Array,
      dims: readonly number[],
    ]
  >([
    ["[N, T]", ["N", size], [sound], cut(sound), [3, 400]],
    ["[N, 1, T]", ["N", 1, size], [sound], cut(sound), [3, 1, 400]],
    ["[2, 1, T], a fixed batch", [2, 1, size], [sound], cut(sound), [3, 1, 400]],
    ["[N, 2, T]", ["N", 2, size], stereo, planes(cut(stereo[0]), cut(stereo[1])), [3, 2, 400]],
    ["[N, T, 2]", ["N", size, 2], stereo, interleaved(cut(stereo[0]), cut(stereo[1])), [3, 400, 2]],
    ["[N, 2, T], of a mono file", ["N", 2, size], [sound], planes(cut(sound), cut(sound)), [3, 2, 400]],
    [
      "[N, 1, T], of a stereo file",
      ["N", 1, size],
      stereo,
      cut(sound.map((left, i) => (left + (stereo[1][i] ?? 0)) / 2)),
      [3, 1, 400],
    ],
  ])("%s", async (name, shape, channels, values, dims) => {
    const model = await shop.model(net(shape), name);
    const own = await wav("Ton äöü 音.WAV", channels);
    const same = await shop.file("same.npy", npyFile(values, dims));
    const [asSound, asArray] = [await explain(model, own, "--figures", "0"), await explain(model, same)];
    expect(asSound.status, asSound.stderr).toBe(0);
    const relevance = await relevanceIn(asSound, "Ton äöü 音");
    expect(relevance).toEqual(await relevanceIn(asArray, "same"));
    expect(relevance.data.some((each) => each !== 0)).toBe(true);
    const said = records(asSound);
    expect(said.map(({ from, to }) => [from, to])).toEqual([
      [0, 0.05],
      [0.05, 0.1],
      [0.1, 0.125],
    ]);
    expect(said[0]?.padding).toBeUndefined();
    expect(said[2]?.padding?.seconds).toBe(0.025);
    const table = await readFile(join(asSound.folder, "Ton äöü 音.1-class-1.windows.csv"), "utf8");
    const [head, , , last = ""] = table.split("\n");
    expect(head).toBe("window,from,to,explained,score,start,relevance,padded,padded_relevance");
    expect(Number(last.split(",")[8])).toBeCloseTo(said[2]?.padding?.relevance ?? Number.NaN, 6);
  });

  test("[T], one window after the other", async () => {
    const model = await shop.model(net([size]), "alone");
    const run = await explain(model, await wav("alone.wav", [sound]));
    expect(run.status, run.stderr).toBe(0);
    const { dims, data } = await relevanceIn(run, "alone");
    expect(dims).toEqual([3, 400]);
    const batched = await explain(await shop.model(net(["N", size]), "b"), await wav("alone.wav", [sound]));
    const other = await relevanceIn(batched, "alone");
    for (const [i, each] of data.entries()) expect(each).toBeCloseTo(other.data[i] ?? Number.NaN, 6);
  });

  test.each<[name: string, shape: readonly (number | string)[]]>([
    ["[N, 1, open]", ["N", 1, "T"]],
    ["[open]", ["T"]],
  ])("%s takes the whole of it, or windows as asked", async (name, shape) => {
    const model = await shop.model(net(shape), name);
    const path = await wav("open.wav", [sound]);
    const run = await explain(model, path);
    expect(run.status, run.stderr).toBe(0);
    expect((await relevanceIn(run, "open")).dims).toEqual([1, ...(shape.length === 3 ? [1] : []), 1000]);
    const windows = await explain(model, path, "--window", "0.05", "--hop", "0.025");
    expect(windows.status, windows.stderr).toBe(0);
    expect(records(windows).map(({ from }) => from)).toEqual([0, 0.025, 0.05, 0.075]);
    expect((await relevanceIn(windows, "open")).dims.at(-1)).toBe(400);
  });
});

test("the golden signal net reaches what zennit says, fed as a WAV of eight channels", async () => {
  const folder = new URL("../../../relprop/test/cases/inputs/signal/", import.meta.url);
  const { data, dims } = readNpy(await readFile(fileURLToPath(new URL("input.npy", folder))));
  expect(dims).toEqual([1, 8, 128]);
  const channels = Array.from({ length: 8 }, (_, c) => data.subarray(128 * c, 128 * (c + 1)));
  const path = await shop.file("signal.wav", wavFile(channels, 128, { bits: 32, isFloat: true }));
  const model = fileURLToPath(new URL("model.onnx", folder));
  const run = await shop.run("explain", path, "-m", model, "--rate", "128", "-c", "1", "--json");
  // epsilon, in float64
  expect(records(run)[0]?.reached["input"], run.stderr).toBeTypeOf("number");
  const plain = await shop.run(
    "explain",
    path,
    "-m",
    model,
    "--rate",
    "128",
    "-c",
    "1",
    "--json",
    "--composite",
    "epsilon",
  );
  expect(records(plain)[0]?.reached["input"]).toBeCloseTo(-0.10689202, 6);
});

describe("what a model is fed", () => {
  test("is scaled and normalised as its card says", async () => {
    const sound = samplesOf(400);
    const path = await wav("scaled.wav", [sound]);
    const model = await shop.model(net(["N", size]), "scaled");
    const mean = sound.reduce((sum, x) => sum + x, 0) / 400;
    const variance = sound.reduce((sum, x) => sum + (x - mean) ** 2, 0) / 400;
    const cases = [
      [{ scale: 32_768 }, sound.map((x) => x * 32_768)],
      [{ normalize: true }, sound.map((x) => (x - mean) / Math.sqrt(variance + 1e-7))],
    ] as const;
    for (const [how, values] of cases) {
      const card = await shop.file("scaled.json", JSON.stringify({ name: "net", rate, sound: how }));
      const run = await shop.run("explain", path, "-m", model, "--card", card, "-c", "1", "--json");
      const other = await explain(model, await shop.file("scaled.npy", npyFile(values, [1, 400])));
      expect(run.status, run.stderr).toBe(0);
      expect(records(run)[0]?.start).toBeCloseTo(records(other)[0]?.start ?? Number.NaN, 4);
    }
    const scaled = await explain(model, path, "--scale", "32768");
    const other = await explain(model, await shop.file("whole.npy", npyFile(cases[0][1], [1, 400])));
    expect((await relevanceIn(scaled, "scaled")).data).toEqual((await relevanceIn(other, "whole")).data);
  });

  test("has the rate of the card, the hub's files, the metadata or what is fed, and no other", async () => {
    const path = await wav("rates.wav", [samplesOf(4000)], 16_000);
    const folder = shop.path("hub");
    await mkdir(folder);
    const plain = await shop.model(net(["N", size]), "plain");
    const run = (model: string, ...args: string[]): Promise<CommandRun> =>
      shop.run("explain", path, "-m", model, "-c", "1", "--figures", "0", ...args);
    const unknown = await run(plain);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toMatch(/nothing says how many samples a second it takes; say it with --rate/);
    const told = await run(await shop.model(net(["N", size], undefined, { sample_rate: "8000" }), "told"));
    expect(told.stderr).toContain("rate 8000 Hz (from the model's sample_rate)");
    await copyFile(plain, join(folder, "model.onnx"));
    const config = { feature_extractor_type: "Wav2Vec2FeatureExtractor", feature_size: 1 };
    await writeFile(
      join(folder, "preprocessor_config.json"),
      JSON.stringify({ ...config, do_normalize: true, sampling_rate: 16_000, padding_value: 0 }),
    );
    const hub = await run(join(folder, "model.onnx"));
    expect(hub.stderr).toContain("rate 16000 Hz (from the card)");
    expect(hub.stderr).toContain("mean 0 and variance 1 in each window");
    expect(hub.stdout).toContain("10 windows");
  });

  test("has a state and a rate besides, which --feed fills", async () => {
    const withState = net(["N", size], (b, y) => {
      const state = b.input("state", "float32", [2, 1, 3]);
      const sr = b.input("sr", "int64", []);
      const scaled = b.op("Mul", [y, b.op("Cast", [sr], { to: int(1) })]);
      return b.op("Add", [scaled, b.reshape(b.op("ReduceSum", [state, b.integers([0])]), [1, 3])]);
    });
    const model = await shop.model(withState, "vad");
    const path = await wav("vad.wav", [samplesOf(1000)]);
    const lacking = await shop.run("explain", path, "-m", model, "--feed", "sr=8000");
    expect(lacking.status).toBe(2);
    expect(lacking.stderr).toMatch(
      /nothing feeds "state" float32 \[2, 1, 3\]; give it with --feed state=FILE/,
    );
    const run = await shop.run(
      "explain",
      path,
      "-m",
      model,
      "--feed",
      "sr=8000",
      "--feed",
      "state=0",
      "-c",
      "1",
      "--json",
    );
    expect(run.status, run.stderr).toBe(0);
    expect(records(run)).toHaveLength(3);
    const heard = await shop.run(
      "explain",
      path,
      "-m",
      model,
      "--feed",
      "sr=8000",
      "--feed",
      `state=${path}`,
    );
    expect(heard.stderr).toMatch(/a sound has as many samples as windows/);
    const other = await shop.run(
      "explain",
      path,
      "-m",
      model,
      "--feed",
      "sr=8000",
      "--feed",
      "state=0",
      "--rate",
      "16000",
    );
    expect(other.stderr).toMatch(/--rate says so, and --feed sr tells the model that they have 8000 Hz/);
  });
});

describe("what cannot be fed is refused", () => {
  test.each<[name: string, shape: readonly (number | string)[]]>([
    ["a spectrogram of three axes", ["N", 80, 300]],
    ["one whose time comes first", ["N", 101, 40]],
    ["one of open time", ["N", 64, "T"]],
    ["both axes open", ["N", "C", "T"]],
    ["a picture", ["N", 3, 224, 224]],
    ["a spectrogram of four axes", ["N", 1, 64, 101]],
    ["a few features", ["N", 12]],
  ])("%s", async (name, shape) => {
    const b = new NetBuilder();
    b.output(b.relu(b.input("mel", "float32", shape)), "y");
    const graph = b.graph("net");
    const model = { irVersion: 8, opsets: { "": 17 }, producer: "test", metadata: {}, graph };
    const run = await explain(await shop.model(model, name), await wav("refused.wav", [samplesOf(900)]));
    expect(run.status).not.toBe(0);
    expect(run.stderr).toContain(`no input takes a waveform`);
    expect(run.stderr).toContain(`"mel" float32 [${shape.join(", ")}]`);
    expect(run.stderr).toContain("give that as .npy");
  });

  test("a spectrogram that only the hub's file tells", async () => {
    const folder = shop.path("whisper");
    await mkdir(folder);
    const model = join(folder, "model.onnx");
    await copyFile(await shop.model(net(["N", 1, "T"]), "whisper"), model);
    const config = {
      feature_extractor_type: "WhisperFeatureExtractor",
      feature_size: 80,
      sampling_rate: 16_000,
    };
    await writeFile(join(folder, "preprocessor_config.json"), JSON.stringify(config));
    const run = await shop.run("explain", await wav("w.wav", [samplesOf(900)]), "-m", model);
    expect(run.stderr).toContain("the model takes spectrograms (WhisperFeatureExtractor)");
  });

  test("windows and channels that do not fit, options without sounds", async () => {
    const fixed = await shop.model(net(["N", size]), "fixed");
    const open = await shop.model(net(["N", "T"]), "open");
    const path = await wav("fit.wav", [samplesOf(900)]);
    expect((await explain(fixed, path, "--window", "1")).stderr).toMatch(
      /takes 400 samples, 0\.05 s at 8000 Hz/,
    );
    expect((await explain(open, path, "--hop", "1")).stderr).toMatch(
      /say how long a window is, with --window/,
    );
    const three = await wav("three.wav", [samplesOf(9), samplesOf(9), samplesOf(9)]);
    const stereo = await shop.model(net(["N", 2, size]), "stereo");
    expect((await explain(stereo, three)).stderr).toMatch(
      /three\.wav": it has 3 channels and the model takes 2/,
    );
    const array = await shop.file("x.npy", npyFile(samplesOf(400), [1, 400]));
    expect((await explain(fixed, array, "--hop", "1")).stderr).toMatch(/cannot use --hop: .*there are none/);
  });
});

describe("many files", () => {
  test("of a folder are explained or named, each alone, and not again", async () => {
    const folder = shop.path("folder");
    await mkdir(join(folder, "deep"), { recursive: true });
    const put = (name: string, bytes: Uint8Array): Promise<void> => writeFile(join(folder, name), bytes);
    await put("a.wav", wavFile([samplesOf(1000)], rate));
    await put("deep/B.FLAC", await soundFile("flac", "flac", { seconds: 0.5, channels: 1 }));
    await put("c.mp3", wavFile([samplesOf(400)], rate));
    await put("d.wav", await soundFile("mp3", "mp3", { seconds: 0.5 }));
    await put("e.npy", npyFile(samplesOf(400), [1, 400]));
    await put("empty.wav", wavFile([[]], rate));
    await put("nothing.ogg", new Uint8Array());
    await put("one.wav", wavFile([[0.5]], rate));
    await put("silence.wav", wavFile([new Float32Array(400)], rate));
    await put("photo.png", await readFile(cat));
    const model = await shop.model(net(["N", size]), "many");
    const run = await shop.run("explain", folder, "-m", model, "--rate", String(rate), "--figures", "1");
    expect(run.status, run.stderr).toBe(1);
    expect(run.stderr).toMatch(/cannot read the sound of "[^"]*empty\.wav": it holds no samples/);
    expect(run.stderr).toMatch(/cannot read the sound of "[^"]*nothing\.ogg"/);
    for (const name of ["a.wav", "B.FLAC", "c.mp3", "d.wav", "e.npy", "one.wav", "silence.wav"])
      expect(run.stdout).toMatch(new RegExp(`${name.replace(".", "\\.")}  .*→`));
    expect(run.stderr).toMatch(/2 samples failed/);
    expect(run.stderr).toMatch(/1 picture in "[^"]*" left out: the model sees no pictures/);
    expect(await readFile(join(run.folder, "arrays.html"), "utf8")).toContain("a.windows.csv");
    let stderr = "";
    const spy = vi
      .spyOn(process.stderr, "write")
      .mockImplementation((text) => (stderr += String(text)) !== "");
    const words = [
      "explain",
      folder,
      "-m",
      model,
      "--rate",
      String(rate),
      "--figures",
      "1",
      "-o",
      run.folder,
    ];
    const status = await runCommand(words).finally(() => spy.mockRestore());
    expect(status).toBe(1);
    expect(stderr).toMatch(/0 samples explained .*unchanged since the last run/);
  });

  test("may be films, which are heard", async () => {
    const film = await shop.file("film.mp4", await filmFile("mp4", { sound: "aac" }));
    const run = await explain(await shop.model(net(["N", size]), "heard"), film);
    expect(run.status, run.stderr).toBe(0);
    expect(records(run).length).toBeGreaterThan(15);
    const mute = await shop.file("mute.mp4", await filmFile("mp4"));
    expect((await explain(shop.path("heard.onnx"), mute)).stderr).toMatch(/mute\.mp4": it holds no sound/);
  });

  test.each(["wav", "flac", "mp3"] as const)(
    "300 damaged files of %s end, each with its windows or one line",
    async (format) => {
      const codec = format === "wav" ? "pcm-s16" : format;
      const whole = await soundFile(format, codec, { seconds: 0.2, rate: 48_000, channels: 1 });
      const folder = shop.path(`damaged-${format}`);
      await mkdir(folder);
      for (const [i, bytes] of [...damaged(whole, 300)].entries())
        await writeFile(join(folder, `${i}.${format}`), bytes);
      const run = await explain(await shop.model(net(["N", size]), "hurt"), folder, "--figures", "0");
      expect([0, 1], run.stderr.slice(0, 500)).toContain(run.status);
      const said = records(run);
      expect(new Set(said.map(({ input }) => input)).size).toBe(300);
      const failed = said.filter(({ error }) => error);
      expect(failed.length).toBeGreaterThan(0);
      for (const { error } of failed) {
        expect(error?.what).toMatch(/^cannot (?:read the sound of|feed|explain) "/);
        expect(error?.why).not.toContain("\n");
      }
    },
    300_000,
  );
});

describe("a stretch", () => {
  const sound = samplesOf(1500);
  test("is explained as a file of it alone, at the times of the whole", async () => {
    const model = await shop.model(net(["N", 1, size]), "stretch");
    const whole = await wav("whole.wav", [sound]);
    const cut = await wav("cut.wav", [sound.slice(300, 1000)]);
    const times = ["--from", "0.0375", "--to", "0:0.125", "--hop", "0.025"];
    const [asStretch, alone] = [
      await explain(model, whole, ...times),
      await explain(model, cut, "--hop", "0.025"),
    ];
    expect(asStretch.status, asStretch.stderr).toBe(0);
    expect(await relevanceIn(asStretch, "whole")).toEqual(await relevanceIn(alone, "cut"));
    const [said, other] = [records(asStretch), records(alone)];
    expect(said.map(({ from, to }) => [from, to])).toEqual([
      [0.0375, 0.0875],
      [0.0625, 0.1125],
      [0.0875, 0.125],
    ]);
    expect(said.map(({ padding }) => padding)).toEqual(other.map(({ padding }) => padding));
    const table = await readFile(join(asStretch.folder, "whole.1-class-1.windows.csv"), "utf8");
    expect(table).toContain("\n2,0.0875,0.125,");
  });

  test("behind the end holds nothing; between two times that are in turn neither", async () => {
    const model = await shop.model(net(["N", 1, size]), "stretch");
    const whole = await wav("whole.wav", [sound]);
    const behind = await shop.run("explain", whole, "-m", model, "--rate", `${rate}`, "--from", "3");
    expect(behind.status).toBe(1);
    expect(behind.stderr).toMatch(
      /cannot explain ".*whole\.wav": it holds no samples there: it is 0\.19 s long/,
    );
    const turned = await shop.run(
      "explain",
      whole,
      "-m",
      model,
      "--rate",
      `${rate}`,
      "--from",
      "3",
      "--to",
      "1",
    );
    expect(turned.status).toBe(2);
    expect(turned.stderr).toContain("cannot explain 3 s to 1 s: nothing lies between them");
  });

  test("of what has no time is refused, and so is what only films have", async () => {
    const model = await shop.model(net(["N", 1, size]), "stretch");
    const array = await shop.file("x.npy", npyFile(samplesOf(400), [1, 400]));
    for (const [file, option, of] of [
      [array, ["--from", "1"], "sounds and films"],
      [array, ["--to", "1"], "sounds and films"],
      [array, ["--hop", "1"], "sounds"],
      [array, ["--every", "2"], "films that are seen"],
      [await wav("whole.wav", [sound]), ["--raw"], "films that are seen"],
      [await wav("whole.wav", [sound]), ["--view", "heatmap"], "films that are seen"],
      [cat, ["--from", "1"], "sounds and films"],
      [cat, ["--every", "2"], "films that are seen"],
    ] as const) {
      const run = await shop.run("explain", file, "-m", model, "--rate", `${rate}`, ...option);
      expect(run.status, run.stderr).toBe(2);
      expect(run.stderr).toContain(`cannot use ${option[0]}: it is an option of ${of}, and there are none`);
    }
  });
});

const percent = (share: number): string => `${share.toFixed(1).replace("-", "−")} %`;

test("the ledger is said of each window, of all, and in the figure", async () => {
  const model = await shop.model(net(["N", 1, size]), "ledger");
  const file = await wav("ledger.wav", [samplesOf(1000)]);
  const args = ["explain", file, "-m", model, "--rate", `${rate}`, "-c", "1", "--ledger"];
  const json = records(await shop.run(...(args as [string]), "--json", "--figures", "0"));
  const run = await shop.run(...(args as [string]), "--save", "svg");
  expect(run.status, run.stderr).toBe(0);
  const shares = json.map(({ ledger }) => (100 * (ledger?.reached ?? 0)) / (ledger?.start ?? 1));
  for (const [i, share] of shares.entries()) {
    const { start = 0, reached = {} } = json[i] ?? {};
    expect(share).toBeCloseTo((100 * (reached["wave"] ?? 0)) / start, 3);
    expect(run.stdout).toContain(`${percent(share)} of the logit reached the input`);
  }
  const mean = shares.reduce((sum, each) => sum + each, 0) / 3;
  const all = `f the relevance of 3 windows, ${percent(mean)} reached the input on average (${percent(Math.min(...shares))} to ${percent(Math.max(...shares))})`;
  expect(run.stdout).toContain(`o${all}`);
  const svg = await readFile(join(run.folder, "ledger.1-class-1.figure.svg"), "utf8");
  expect(svg.replaceAll("\u00a0", " ")).toContain(`O${all}`);
  expect(svg).toContain(">class 1, in each of 3 windows of 0.05 s<");
});

test("Ctrl-C leaves a sound that the next run goes on with, to the same bytes", async () => {
  const model = await shop.model(net(["N", 1, size]), "stopped");
  const file = await wav("long.wav", [samplesOf(40_000)]);
  const args = [
    "explain",
    file,
    "-m",
    model,
    "--rate",
    `${rate}`,
    "-c",
    "1",
    "-b",
    "4",
    "--ledger",
    "--from",
    "0.5",
    "--save",
    "svg",
  ];
  const whole = await shop.run(...(args as [string]));
  expect(whole.status, whole.stderr).toBe(0);
  expect(whole.stderr).toContain("from 0.5 s to the end");
  const { RunFile } = await import("../../src/arrays/run-file.ts");
  const { add } = RunFile.prototype;
  const spy = vi.spyOn(RunFile.prototype, "add").mockImplementation(function (
    this: InstanceType<typeof RunFile>,
    block,
  ) {
    if (spy.mock.calls.length === 5) process.emit("SIGINT");
    return add.call(this, block);
  });
  const stopped = await shop.run(...(args as [string]));
  spy.mockRestore();
  expect(stopped.status).toBe(130);
  const names = ["relevance.npy", "windows.csv", "figure.svg"].map((end) => `long.1-class-1.${end}`);
  await expect(readFile(join(stopped.folder, names[0] ?? ""))).rejects.toThrow("ENOENT");
  const counted = vi.spyOn(RunFile.prototype, "add");
  expect(await runCommand([...args, "-o", stopped.folder, "--quiet"])).toBe(0);
  const samples = counted.mock.calls.reduce((sum, [{ count }]) => sum + count, 0);
  counted.mockRestore();
  // 4.5 s are 90 windows.
  expect(samples).toBeLessThan(90);
  expect(samples).toBeGreaterThan(0);
  for (const name of names)
    expect(await readFile(join(stopped.folder, name)), name).toEqual(
      await readFile(join(whole.folder, name)),
    );
});

test("an interrupted run goes on where it ended, and draws the same", async () => {
  const { WaveSketch } = await import("../../src/sounds/wave-sketch.ts");
  const plan = { channels: 1, input: { name: "wave", dataType: "float32", shape: ["N", 400] } } as never;
  const windows = Array.from({ length: 400 }, (_, i) => ({
    values: { data: samplesOf(400, 1 + i / 100), dims: [400] },
    window: { start: 150 * i, end: 150 * i + (i === 399 ? 100 : 400), padded: i === 399 ? 300 : 0 },
  }));
  const whole = new WaveSketch(1);
  let parted = new WaveSketch(1);
  for (const [i, { values, window }] of windows.entries()) {
    for (const sketch of [whole, parted]) sketch.add(values, values, { window, plan, started: 1 });
    if (i % 90 === 7) parted = WaveSketch.from(JSON.parse(JSON.stringify(parted.state()))) ?? whole;
  }
  const [drawn, other] = [whole.drawn(), parted.drawn()];
  expect(other).toEqual(drawn);
  // 60,100 samples, in columns of 48 of which three points each are drawn.
  expect(drawn.step).toBe(16);
  const count = drawn.lanes[0]?.values.length ?? 0;
  expect(Math.abs(count * drawn.step - 60_100)).toBeLessThan(48);
  expect(whole.seen).toBe(400);
  expect(whole.padding).toBeCloseTo(
    windows[399]?.values.data.slice(100).reduce((sum, x) => sum + x, 0) ?? Number.NaN,
    4,
  );
});
