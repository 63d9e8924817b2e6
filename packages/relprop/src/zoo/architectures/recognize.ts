/** The architectures that are built from checkpoints, and which of them a state dict is. */

import { badFile } from "../bytes-source.ts";
import { alexnet } from "./alexnet.ts";
import { convnext } from "./convnext.ts";
import { densenet } from "./densenet.ts";
import { efficientnet } from "./efficientnet.ts";
import type { Family, RecognizedNet } from "./family.ts";
import { mobilenetV2, mobilenetV3 } from "./mobilenet.ts";
import type { StateDict } from "./net-builder.ts";
import { resnet } from "./resnet.ts";
import { squeezenet } from "./squeezenet.ts";
import { vgg } from "./vgg.ts";
import { vit } from "./vit.ts";

/** All families that {@link recognizeNet} knows. VGG is told by less than the others, so it comes last. */
export const families: readonly Family[] = [
  resnet,
  densenet,
  mobilenetV2,
  mobilenetV3,
  efficientnet,
  convnext,
  vit,
  squeezenet,
  alexnet,
  vgg,
];

/**
 * Tells the architecture that a state dict belongs to, by the names and shapes of its weights.
 * @param file what to call it in errors.
 * @throws ModelFileError if the names are those of no architecture known.
 */
export function recognizeNet(state: StateDict, file = "checkpoint"): RecognizedNet {
  for (const family of families) {
    const net = family.recognize(state);
    if (net) return net;
  }
  const names = [...state.keys()].slice(0, 3).join(", ");
  throw badFile(
    { name: file },
    `its weights (${names}, …) are named as in no architecture known here: ${families.map(({ name }) => name).join(", ")}`,
    undefined,
    "export the model to ONNX",
  );
}
