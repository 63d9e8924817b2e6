/** The golden networks and their inputs, without the referee's values. */

import { readdirSync, readFileSync } from "node:fs";
import { readModel, type Model } from "../../src/onnx/index.ts";
import type { Array32 } from "./run.ts";

const root = new URL("../golden/", import.meta.url);

export interface GoldenNetwork {
  readonly name: string;
  readonly model: Model;
  readonly input: Array32;
  /** Of the output, [N, classes]. */
  readonly classes: number;
}

export function goldenNetworks(): GoldenNetwork[] {
  const folders = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => {
    const read = (file: string): Buffer => readFileSync(new URL(`${name}/${file}`, root));
    const { input, output } = JSON.parse(read("case.json").toString()) as {
      input: { file: string; shape: number[] };
      output: { shape: [number, number] };
    };
    const data = Float32Array.from(new Float32Array(Uint8Array.from(read(input.file)).buffer));
    return {
      name,
      model: readModel(read("model.onnx")),
      input: { data, dims: input.shape },
      classes: output.shape[1],
    };
  });
}

/** Class 0 for the first sample, 1 for the second, and so on: one-hot [samples, classes]. */
export function differentTargets(samples: number, classes: number): Array32 {
  const data = new Float32Array(samples * classes);
  for (let sample = 0; sample < samples; sample++) data[sample * classes + (sample % classes)] = 1;
  return { data, dims: [samples, classes] };
}
