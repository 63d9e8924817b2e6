/** The networks of every kind of output as .onnx files that take pictures, and the picture that they are given. */

import { concatChunks, writeModel, type Model, type Value } from "@relprop/core/onnx";
import sharp from "sharp";
import {
  modelOf,
  outputModels,
  type NetBuilder,
  type OutputModel,
} from "../../../relprop/test/support/output-models.ts";

/** Pixels of a side: detectors of the list have 8 × 8 places. */
const side = 8;

/** A picture's six features, for networks that take a list of numbers. */
function featuresOf(b: NetBuilder, x: Value): Value {
  const pooled = b.op("GlobalAveragePool", [b.relu(b.conv(x, 3, 6))]);
  return b.op("Flatten", [pooled]);
}

/** A network of the list that takes colour pictures. */
function takesPictures(model: OutputModel): OutputModel {
  if (model.input.length === 4) return model;
  const { build } = model;
  return {
    ...model,
    input: [1, 3, side, side],
    build: (b, x, ...rest) => build(b, featuresOf(b, x), ...rest),
  };
}

export const bytesOf = (model: Model): Uint8Array<ArrayBuffer> =>
  new Uint8Array(concatChunks(writeModel(model).chunks));

/** A network of the list by its name, as a file. @param names of its classes, for the metadata */
export function outputFile(name: string, names?: readonly string[]): Uint8Array<ArrayBuffer> {
  const found = outputModels.find((each) => each.name === name);
  if (!found) throw new Error(`no network “${name}”`);
  return networkFile({ ...found, ...(names && { metadata: namesText(names) }) });
}

/** A network as a file that takes pictures. */
export const networkFile = (model: OutputModel): Uint8Array<ArrayBuffer> =>
  bytesOf(modelOf(takesPictures(model)));

/** Class names as YOLO's exporter writes them. */
export const namesText = (names: readonly string[]): Record<string, string> => ({
  names: `{${names.map((name, i) => `${i}: ${JSON.stringify(name)}`).join(", ")}}`,
});

/** A colour picture of 64 × 64 pixels: stripes and a ramp, so that no two places are alike. */
export const testPicture = (): Promise<Buffer> =>
  sharp(
    Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 64, Math.floor(i / 192)];
      return [4 * x, (x >> 3) % 2 === (y >> 3) % 2 ? 230 : 20, 4 * y][i % 3] as number;
    }),
    { raw: { width: 64, height: 64, channels: 3 } },
  )
    .png()
    .toBuffer();
