/** The architectures that relprop builds from checkpoints. */

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

/** All families. VGG comes last, since its test is the least specific. */
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
 * Recognises the architecture of a state dict by the names and shapes of its weights.
 * @param file what errors call it
 * @throws ModelFileError if no architecture has these names
 */
export function recognizeNet(state: StateDict, file = "checkpoint"): RecognizedNet {
  for (const family of families) {
    const net = family.recognize(state);
    if (net) return net;
  }
  const names = [...state.keys()].slice(0, 3).join(", ");
  throw badFile(
    { name: file },
    `its weights (${names}, …) are not named as in an architecture that relprop builds: ${families.map(({ name }) => name).join(", ")}`,
    undefined,
    "export the model to ONNX",
  );
}
