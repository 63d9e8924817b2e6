/**
 * torchvision's networks at 224 × 224 as torch exports them, without their numbers: work depends on shapes alone. Made
 * by bench/peers/speed/networks.py.
 */

import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { readModel, type Model } from "../../src/onnx/index.ts";
import { randomNumbers } from "../support/run.ts";

export const networkNames = ["vgg16", "resnet50", "mobilenet_v2", "efficientnet_b0", "vit_b_16"] as const;
export type NetworkName = (typeof networkNames)[number];

/** Bytes of the largest weight, VGG-16's first dense layer. */
const largest = 4 * 4096 * 25088;

/**
 * What every weight is a view of. Both signs among the first 32 numbers and no zeros: where a compiler looks at numbers,
 * it sees nothing that trained weights would not have.
 */
const numbers: Uint8Array = (() => {
  const bytes = new Uint8Array(largest);
  const start = new Uint8Array(randomNumbers(4096, 1).buffer);
  for (let at = 0; at < largest; at += start.length) bytes.set(start.subarray(0, largest - at), at);
  return bytes;
})();

/** The network, its weights all made of the same few numbers. */
export function networkOf(name: NetworkName): Model {
  const file = readFileSync(new URL(`graphs/${name}.onnx.gz`, import.meta.url));
  return readModel(gunzipSync(file), {
    readExternal: (_location, _offset, length = 0) => numbers.subarray(0, length),
  });
}
