/**
 * Makes the sound of the README, and a small network that hears its beeps: correlation with a wave of 700 Hz in four phases, what is
 * above a bound, the mean over a second. Run it in a clone that was built: `node examples/sounds/make.mjs`.
 */

import { writeFileSync } from "node:fs";
import { concatChunks, float32Tensor, GraphBuilder, int, ints, writeModel } from "@relprop/core/onnx";

const rate = 4000;
const list = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const bump = (x, width) => Math.exp(-((x / width) ** 2) / 2);
const write = (name, content) => writeFileSync(new URL(name, import.meta.url), content);

// Noise that is the same each time (a linear congruential generator, Numerical Recipes).
let state = 1;
const noise = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 31 - 1;

const samples = list(3 * rate, (i) => {
  const t = i / rate;
  const hum = 0.2 * Math.sin(2 * Math.PI * 110 * t) * bump(t - 1.5, 0.8);
  const beeps = (bump(t - 0.7, 0.06) + bump(t - 2.2, 0.09)) * Math.sin(2 * Math.PI * 700 * t);
  return 0.06 * noise() + hum + 0.6 * beeps;
});
const wav = Buffer.alloc(44 + 2 * samples.length);
wav.write("RIFF");
wav.writeUInt32LE(36 + 2 * samples.length, 4);
wav.write("WAVEfmt ", 8);
// Size of the head, PCM, one channel, samples and bytes a second, bytes and bits of a sample.
const head = [
  [16, 4],
  [1, 2],
  [1, 2],
  [rate, 4],
  [2 * rate, 4],
  [2, 2],
  [16, 2],
];
head.reduce((at, [value, size]) => wav.writeUIntLE(value, at, size), 16);
wav.write("data", 36);
wav.writeUInt32LE(2 * samples.length, 40);
samples.forEach((each, i) => wav.writeInt16LE(Math.round(32767 * each), 44 + 2 * i));
write("alarm.wav", wav);

const length = 41;
const waves = list(4, (phase) => {
  const wave = list(length, (i) => {
    const at = i - (length - 1) / 2;
    return bump(at, 10) * Math.sin((2 * Math.PI * 700 * at) / rate + (phase * Math.PI) / 2);
  });
  const norm = Math.hypot(...wave);
  return wave.map((each) => each / norm);
});
const b = new GraphBuilder();
const constant = (numbers, dims) => b.constant(float32Tensor(Float32Array.from(numbers), dims), "W");
const x = b.input("wave", "float32", ["N", 1, rate]);
const half = (length - 1) / 2;
const bound = list(4, () => -0.2);
const found = b.op("Conv", [x, constant(waves.flat(), [4, 1, length]), constant(bound, [4])], {
  kernel_shape: ints([length]),
  pads: ints([half, half]),
});
const mean = b.op("GlobalAveragePool", [b.op("Relu", [found])]);
const loudness = b.op("Reshape", [mean, b.integers([-1, 4])]);
const rows = [...list(4, () => 0), ...list(4, () => 20)];
b.output(
  b.op("Gemm", [loudness, constant(rows, [2, 4]), constant([2, 0], [2])], { transB: int(1) }),
  "logits",
);
const metadata = { sample_rate: String(rate) };
const graph = b.graph("beeps");
write(
  "beeps.onnx",
  concatChunks(writeModel({ irVersion: 8, opsets: { "": 17 }, producer: "relprop", metadata, graph }).chunks),
);
write("beeps.labels.json", `${JSON.stringify(["quiet", "beep"])}\n`);
