/**
 * Reads what Ultralytics' exporter writes into a model's metadata (8.0 to 8.3): `task`, `imgsz`, `stride`, `names`, each as
 * Python prints it. Its networks take RGB pixels of 0 to 1, not normalised; all but classifiers are fed letterboxes, which
 * are gray around; classifiers take the shorter side at the input's size, and crop.
 */

import type { Model } from "../onnx/graph.ts";
import { metadataLabels } from "../outputs/metadata.ts";
import type { HubConfig } from "./hub-config.ts";
import type { Resize } from "./model-card.ts";

/** Ways to resize for a side, by task. */
const resizeOf: ReadonlyMap<string, (side: number) => Resize> = new Map([
  ["classify", (side: number): Resize => ({ shortSide: side })],
  ...["detect", "segment", "pose", "obb"].map(
    (task) => [task, (): Resize => ({ letterbox: [114, 114, 114] })] as const,
  ),
]);

const usualSides: ReadonlyMap<string, number> = new Map([["classify", 224]]);
const usualSide = 640;
const mostPixels = 16384;

/** The input and the class names; undefined if the metadata is not Ultralytics'. */
export function ultralyticsConfig(model: Model): HubConfig | undefined {
  const { task = "", stride, imgsz } = model.metadata;
  const resize = resizeOf.get(task);
  // Other exporters write a task, too, but no stride beside it.
  if (!resize || stride === undefined) return undefined;
  const side = usualSides.get(task) ?? usualSide;
  const found = sizeIn(imgsz);
  const size = found ?? ([side, side] as const);
  const isGray = model.graph.inputs.some(({ shape }) => shape.length === 4 && shape[1] === 1);
  const each = (number: number): number[] => (isGray ? [number] : [number, number, number]);
  const isBad = imgsz !== undefined && !found;
  return {
    labels: metadataLabels(model),
    input: {
      size,
      resize: resize(Math.min(...size)),
      interpolation: "bilinear",
      channels: isGray ? "gray" : "RGB",
      scale: 1 / 255,
      mean: each(0),
      std: each(1),
    },
    guesses: isBad
      ? [`size ${size.join("×")}, since imgsz in the metadata is no size: ${imgsz.slice(0, 40)}`]
      : [],
  };
}

/** `[640, 480]`, `(640, 480)` or `640`: height and width. */
function sizeIn(text: string | undefined): readonly [number, number] | undefined {
  const [, first, second = first] = /^\s*[[(]?\s*(\d+)(?:\s*,\s*(\d+))?\s*[\])]?\s*$/.exec(text ?? "") ?? [];
  const [height, width] = [Number(first), Number(second)];
  return height >= 1 && width >= 1 && height <= mostPixels && width <= mostPixels
    ? [height, width]
    : undefined;
}
