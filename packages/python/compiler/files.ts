/** Compiled graphs on disk: as a session reads them, beside the source's weights, and as models of their own. */

import { closeSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { SessionModel } from "@relprop/core";
import { byteLength, logitsName } from "@relprop/core/internal";
import { readModelFile } from "@relprop/core/node";
import { writeModel, type Model } from "@relprop/core/onnx";

/** A graph whose large weights lie in files of another folder. */
export interface SessionGraph {
  /** Path of the graph. */
  readonly graph: string;
  /** The folder of its external data; undefined where it has none. */
  readonly folder?: string | null;
}

/** A protobuf file must stay below 2 GiB; weights above this size go into a separate file. */
const maxWeightBytes = 2e9;

/** Writes a compiled model as a session loads it: weights that compiling left alone stay in the source's files. */
export function writeSessionGraph({ bytes, data, folder }: SessionModel["view"], out: string): SessionGraph {
  // Where compiling changed or read all weights, none is in the source's files.
  const own = data.length > 0 ? dirname(out) : undefined;
  for (const { path, data: weights } of data) {
    const file = join(dirname(out), path);
    mkdirSync(dirname(file), { recursive: true });
    writeChunks(file, [weights]);
  }
  writeChunks(out, [bytes]);
  const place = folder ?? own;
  return { graph: out, ...(place !== undefined && { folder: place }) };
}

/** Writes a compiled model as an .onnx file of its own, with `<file>.data` beside it where that is asked for or needed. */
export function writeModelFile(
  { graph, folder }: SessionGraph,
  out: string,
  external: boolean,
): { readonly bytes: number; readonly files: readonly string[] } {
  const model = withoutLogits(readModelFile(graph, new Set(), folder ? { weights: folder } : {}));
  const isLarge = weightBytes(model) > maxWeightBytes;
  const data = `${out}.data`;
  const file = writeModel(model, external || isLarge ? { external: { location: basename(data) } } : {});
  // Data first: data without a model does less harm than a model without its data.
  if (file.external?.byteLength) writeChunks(data, file.external.chunks);
  writeChunks(out, file.chunks);
  return { bytes: file.byteLength, files: file.external?.byteLength ? [out, data] : [out] };
}

/** The model without the output that sessions rank by. */
const withoutLogits = (model: Model): Model => ({
  ...model,
  graph: {
    ...model.graph,
    nodes: model.graph.nodes.filter(({ outputs }) => outputs[0] !== logitsName),
    outputs: model.graph.outputs.filter(({ name }) => name !== logitsName),
  },
});

const weightBytes = ({ graph }: Model): number =>
  [...graph.initializers.values()].reduce((sum, { dataType, dims }) => sum + byteLength(dataType, dims), 0);

/** Writes a file under another name first, so that nobody reads half of it. */
function writeChunks(path: string, chunks: readonly Uint8Array[]): void {
  const unfinished = `${path}.${process.pid}.part`;
  try {
    const file = openSync(unfinished, "w");
    try {
      for (const chunk of chunks) writeWhole(file, chunk);
    } finally {
      closeSync(file);
    }
    renameSync(unfinished, path);
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw error;
  }
}

function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, Math.min(bytes.length - at, 1 << 28));
}
