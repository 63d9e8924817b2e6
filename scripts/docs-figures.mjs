/**
 * The pictures of docs/figures.md: small networks that find something known, data that has it, and the command's own figures
 * of both, light and dark. Run it after figures changed: `npm run build && node scripts/docs-figures.mjs [FOLDER]`.
 */

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npyFile } from "@relprop/core/heatmap";
import { concatChunks, float32Tensor, GraphBuilder, int, ints, writeModel } from "@relprop/core/onnx";
import sharp from "sharp";

const root = fileURLToPath(new URL("../", import.meta.url));
const target = process.argv[2] ?? join(root, "docs/figures");
const work = mkdtempSync(join(tmpdir(), "relprop-figures-"));

// Numbers that are the same each time (a linear congruential generator, Numerical Recipes).
let state = 1;
const random = () => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 2 ** 32;
};
/** About normal, of deviation 1. */
const noise = () => 2 * (random() + random() + random() - 1.5);
const bump = (x, width) => Math.exp(-((x / width) ** 2) / 2);

/** Writes a network. @param build gets the builder and makes the output "logits" of the inputs that it adds */
function network(name, metadata, build) {
  const b = new GraphBuilder();
  const tools = {
    constant: (numbers, dims) => b.constant(float32Tensor(Float32Array.from(numbers), dims), "W"),
    /** Correlates with kernels, each of the sum of squares 1, and keeps what is above a bound. */
    find(x, kernels, channels, size, bound) {
      const count = kernels.length;
      const scaled = kernels.flatMap((kernel) => {
        const norm = Math.hypot(...kernel);
        return kernel.map((each) => each / norm);
      });
      const weights = tools.constant(scaled, [count, channels, ...size]);
      const bias = tools.constant(
        Array.from({ length: count }, () => -bound),
        [count],
      );
      const pads = ints([...size, ...size].map((each) => Math.floor(each / 2)));
      return b.op("Relu", [b.op("Conv", [x, weights, bias], { kernel_shape: ints(size), pads })]);
    },
    /** The mean over all places. */
    mean: (x, count) => b.op("Reshape", [b.op("GlobalAveragePool", [x]), b.integers([-1, count])]),
    dense: (x, rows, bias) =>
      b.op(
        "Gemm",
        [x, tools.constant(rows.flat(), [rows.length, rows[0].length]), tools.constant(bias, [bias.length])],
        {
          transB: int(1),
        },
      ),
  };
  b.output(build(b, tools), "logits");
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "relprop", metadata, graph: b.graph(name) };
  const path = join(work, `${name}.onnx`);
  writeFileSync(path, concatChunks(writeModel(model).chunks));
  return path;
}
const array = (name, data, dims) => {
  const path = join(work, name);
  writeFileSync(path, npyFile(Float32Array.from(data), dims));
  return path;
};
const text = (name, content) => {
  const path = join(work, name);
  writeFileSync(path, content);
  return path;
};
const withoutMean = (numbers) => {
  const mean = numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
  return numbers.map((each) => each - mean);
};
const list = (count, make) => Array.from({ length: count }, (_, i) => make(i));

/** A heart that beats once in 0.8 s, with one early wide beat. @param at seconds @param gains of the usual and the early beats */
const heart = (at, [usual, early]) => {
  const beats = [0.5, 1.3, 2.1, 2.65, 3.7, 4.5];
  return beats.reduce((sum, beat, i) => {
    const t = at - beat;
    if (i === 3) return sum + early * (1.3 * bump(t, 0.05) - 0.6 * bump(t - 0.17, 0.07));
    return (
      sum +
      usual *
        (0.14 * bump(t + 0.18, 0.025) -
          0.12 * bump(t + 0.03, 0.01) +
          bump(t, 0.012) -
          0.2 * bump(t - 0.03, 0.012) +
          0.25 * bump(t - 0.25, 0.05))
    );
  }, 0);
};
const hertz = 100;
const narrow = withoutMean(list(25, (i) => bump((i - 12) / hertz, 0.012)));
const wide = withoutMean(list(25, (i) => bump((i - 12) / hertz, 0.05)));
const labels = text("beats.json", JSON.stringify(["regular", "early beat"]));

function signals() {
  const one = network("heartbeat", {}, (b, { find, mean, dense }) => {
    const x = b.input("ecg", "float32", ["N", 1, 500]);
    return dense(
      mean(find(x, [narrow, wide], 1, [25], 1), 2),
      [
        [20, -20],
        [-10, 90],
      ],
      [1, 0],
    );
  });
  const single = array(
    "heartbeat.npy",
    list(500, (i) => heart(i / hertz, [1, 1]) + 0.02 * noise()),
    [1, 1, 500],
  );

  const names = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"];
  const gains = [
    [0.6, 0.5],
    [1, 0.9],
    [0.4, 0.6],
    [-0.8, -0.7],
    [0.2, 0.1],
    [0.7, 0.8],
    [-0.5, 1.2],
    [-0.4, 1.3],
    [0.5, 1],
    [1.1, 0.6],
    [1, 0.4],
    [0.8, 0.3],
  ];
  const twelve = network("leads", {}, (b, { find, mean, dense }) => {
    const x = b.input("ecg", "float32", ["N", 12, 500]);
    const kernels = [
      gains.flatMap(([gain]) => narrow.map((each) => gain * each)),
      gains.flatMap(([, gain]) => wide.map((each) => gain * each)),
    ];
    return dense(
      mean(find(x, kernels, 12, [25], 2), 2),
      [
        [20, -20],
        [-10, 30],
      ],
      [1, 0],
    );
  });
  const leads = array(
    "leads.npy",
    gains.flatMap((pair) => list(500, (i) => heart(i / hertz, pair) + 0.03 * noise())),
    [1, 12, 500],
  );

  const electrodes = list(64, (i) => `E${i + 1}`);
  const waves = list(64, (c) =>
    list(
      640,
      (i) =>
        noise() + 20 * bump(c - 44, 6) * bump((i - 380) / 128, 0.5) * Math.sin((2 * Math.PI * 10 * i) / 128),
    ),
  );
  const many = network("alpha", {}, (b, { find, mean, dense }) => {
    const x = b.input("eeg", "float32", ["N", 64, 640]);
    const kernels = [0, Math.PI / 2, Math.PI, 1.5 * Math.PI].map((phase) =>
      list(64, (c) =>
        list(33, (i) => bump(c - 44, 8) * bump(i - 16, 8) * Math.sin((2 * Math.PI * 10 * i) / 128 + phase)),
      ).flat(),
    );
    return dense(
      mean(find(x, kernels, 64, [33], 30), 4),
      [
        [0, 0, 0, 0],
        [0.2, 0.2, 0.2, 0.2],
      ],
      [1, 0],
    );
  });
  const eeg = array("alpha.npy", waves.flat(), [1, 64, 640]);
  return {
    signal: {
      model: one,
      input: single,
      options: ["--rate", "100", "--labels", labels, "--class", "early beat"],
    },
    leads: {
      model: twelve,
      input: leads,
      options: [
        "--rate",
        "100",
        "--labels",
        labels,
        "--labels-input",
        text("leads.json", JSON.stringify(names)),
        "--class",
        "early beat",
      ],
    },
    lanes: {
      model: many,
      input: eeg,
      options: [
        "--rate",
        "128",
        "--labels",
        text("rest.json", JSON.stringify(["awake", "eyes closed"])),
        "--labels-input",
        text("electrodes.json", JSON.stringify(electrodes)),
        "--class",
        "eyes closed",
      ],
    },
  };
}

function tables() {
  const folder = join(root, "examples/tables");
  const options = ["--labels", join(folder, "tumours.labels.json"), "--class", "malignant"];
  const input = join(folder, "tumours.csv");
  const [head, first] = readFileSync(input, "utf8").split("\n");
  const given = { model: join(folder, "tumours.onnx"), options };
  return { row: { ...given, input: text("tumour.csv", `${head}\n${first}\n`) }, table: { ...given, input } };
}

function volume() {
  const [depth, height, width] = [24, 40, 36];
  const values = list(depth * height * width, (i) => {
    const [z, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const radius = Math.hypot((z - 12) / 11, (y - 20) / 18, (x - 18) / 15);
    const head =
      radius < 1 ? (radius > 0.88 ? 0.55 : 0.45 + 0.08 * Math.sin(y / 3) * Math.cos(x / 2.5)) : 0.02;
    return head + 0.5 * bump(Math.hypot(z - 15, y - 14, x - 24), 2) + 0.02 * noise();
  });
  const ball = withoutMean(
    list(343, (i) => bump(Math.hypot(Math.floor(i / 49) - 3, (Math.floor(i / 7) % 7) - 3, (i % 7) - 3), 1.6)),
  );
  const model = network("lesion", {}, (b, { find, mean, dense }) => {
    const x = b.input("mri", "float32", ["N", 1, depth, height, width]);
    return dense(mean(find(x, [ball], 1, [7, 7, 7], 1.6), 1), [[0], [6000]], [1, 0]);
  });
  return {
    volume: {
      model,
      input: array("head.npy", values, [1, 1, depth, height, width]),
      options: ["--labels", text("lesions.json", JSON.stringify(["none", "lesion"])), "--class", "lesion"],
    },
  };
}

function grids() {
  const [bands, frames] = [48, 160];
  // A bird's call that rises twice, above a hum.
  const call = list(bands * frames, (i) => {
    const [band, frame] = [Math.floor(i / frames), i % frames];
    const rise = [40, 105].reduce((sum, start) => {
      const t = frame - start;
      return t < 0 || t > 24 ? sum : sum + bump(band - 14 - t, 1.3);
    }, 0);
    return Math.max(0, 6 * rise + 3 * bump(band - 4, 1.2) + 0.5 + 0.3 * noise());
  });
  const rising = withoutMean(list(121, (i) => bump(Math.floor(i / 11) - (i % 11), 1)));
  const model = network("bird", {}, (b, { find, mean, dense }) => {
    const x = b.input("spectrogram", "float32", ["N", 1, bands, frames]);
    return dense(mean(find(x, [rising], 1, [11, 11], 5), 1), [[0], [40]], [1, 0]);
  });

  const [steps, features] = [60, 14];
  const names = list(
    features,
    (i) =>
      ["hip", "knee", "ankle", "toe", "trunk", "shoulder", "elbow"][i % 7] + (i < 7 ? " left" : " right"),
  );
  const gait = list(steps * features, (i) => {
    const [step, feature] = [Math.floor(i / features), i % features];
    const limp = feature === 1 ? -0.8 * bump(step - 38, 4) : 0;
    return (
      Math.sin(step / 4 + (feature < 7 ? 0 : Math.PI) + 0.6 * (feature % 7)) * (0.3 + 0.1 * (feature % 7)) +
      limp +
      0.05 * noise()
    );
  });
  const sequence = network("gait", {}, (b, { constant, dense }) => {
    const x = b.input("angles", "float32", ["N", steps, features]);
    const weights = list(features, (f) => [f === 1 ? -1 : 0.06, f === 1 ? 1 : f === 8 ? -0.6 : 0.05]).flat();
    const hidden = b.op("Relu", [b.op("MatMul", [x, constant(weights, [features, 2])])]);
    return dense(
      b.op("ReduceMean", [hidden], { axes: ints([1]), keepdims: int(0) }),
      [
        [0, 2],
        [8, -1],
      ],
      [0, 0],
    );
  });
  return {
    spectrogram: {
      model,
      input: array("call.npy", call, [1, 1, bands, frames]),
      options: [
        "--rate",
        "50",
        "--labels",
        text("birds.json", JSON.stringify(["other", "rising call"])),
        "--class",
        "rising call",
      ],
    },
    sequence: {
      model: sequence,
      input: array("gait.npy", gait, [1, steps, features]),
      options: [
        "--labels",
        text("gaits.json", JSON.stringify(["even", "limps left"])),
        "--labels-input",
        text("joints.json", JSON.stringify(names)),
        "--class",
        "limps left",
      ],
    },
  };
}

function several() {
  const model = network("pulse-and-patient", {}, (b, { find, mean, dense }) => {
    const pulse = b.input("pulse", "float32", ["N", 1, 500]);
    const patient = b.input("patient", "float32", ["N", 4]);
    const both = b.op("Concat", [mean(find(pulse, [narrow, wide], 1, [25], 1), 2), patient], {
      axis: int(1),
    });
    return dense(
      both,
      [
        [10, -10, 0, 0, 0, 0],
        [-10, 90, 0.01, 0.5, -0.2, 0.008],
      ],
      [0, -1],
    );
  });
  const given = {
    model,
    input: array(
      "patient-7.npy",
      list(500, (i) => heart(i / hertz, [1, 1]) + 0.02 * noise()),
      [1, 1, 500],
    ),
    options: [
      "--feed",
      `patient=${text("patients.csv", "age,smokes,exercise (h),pressure\n61,1,2.5,148\n")}`,
      "--rate",
      "100",
      "--labels",
      text("risks.json", JSON.stringify(["low risk", "high risk"])),
      "--class",
      "high risk",
    ],
  };
  return {
    "inputs-pulse": { ...given, figure: /\.pulse\.figure/ },
    "inputs-patient": { ...given, figure: /\.patient\.figure/ },
  };
}

function sound() {
  const folder = join(root, "examples/sounds");
  const options = ["--labels", join(folder, "beeps.labels.json"), "--class", "beep"];
  return { sound: { model: join(folder, "beeps.onnx"), input: join(folder, "alarm.wav"), options } };
}

/** Of a picture in the repository. */
const mostBytes = 60_000;
const pictures = { ...signals(), ...tables(), ...volume(), ...grids(), ...several(), ...sound() };
mkdirSync(target, { recursive: true });
for (const theme of ["light", "dark"]) {
  for (const [name, { model, input, options, figure = /\.figure/ }] of Object.entries(pictures)) {
    const out = join(work, `${name}-${theme}`);
    execFileSync(
      process.execPath,
      [
        join(root, "packages/cli/bin/relprop.js"),
        "explain",
        input,
        "--model",
        model,
        ...options,
        "--theme",
        theme,
        "--save",
        "svg",
        "-o",
        out,
        "--composite",
        "epsilon",
        "--ledger",
        "--quiet",
      ],
      { stdio: ["ignore", "ignore", "inherit"] },
    );
    const own = readdirSync(out).find((file) => figure.test(file) && file.endsWith(".png"));
    if (own === undefined) throw new Error(`no figure of ${name} in ${out}: ${readdirSync(out).join(", ")}`);
    const path = join(target, `${name}-${theme}.webp`);
    // At 1×: pages of a repository load quickly.
    const { width } = await sharp(join(out, own)).metadata();
    const half = await sharp(join(out, own))
      .resize(Math.round(width / 2))
      .png()
      .toBuffer();
    let quality = 80;
    do await sharp(half).webp({ quality, effort: 6 }).toFile(path);
    while (statSync(path).size > mostBytes && (quality -= 10) > 0);
    if (process.argv[2])
      copyFileSync(join(out, own.replace(/png$/, "svg")), join(target, `${name}-${theme}.svg`));
    console.log(`${name}-${theme}.webp ${(statSync(path).size / 1000).toFixed(1)} KB`);
  }
}
rmSync(work, { recursive: true });
