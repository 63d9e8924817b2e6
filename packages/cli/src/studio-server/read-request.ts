/** A decoded message -> a validated request. */

import { compositeNames, InputError } from "@relprop/core";
import { parseModelCard } from "@relprop/core/zoo";
import { z } from "zod";
import type { EngineRequest } from "@relprop/engine/protocol";

/** The largest batch of a sweep; larger ones would delay cancelling. */
const maxPictures = 256;
/** Each channel takes a heatmap of its own. */
const maxChannels = 32;
const side = z.int().min(1).max(16384);
const index = z.int().min(0);
const name = z.string().min(1).max(1000);

const picture = z
  .object({ data: z.instanceof(Uint8ClampedArray), width: side, height: side })
  .refine(({ data, width, height }) => data.length === 4 * width * height, "it must be RGBA");

const target = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("prediction") }),
  z.object({ kind: z.literal("class"), index }),
  z.object({ kind: z.literal("contrast"), index, against: index }),
  z.object({ kind: z.literal("where"), index }),
  z.object({ kind: z.literal("pixel"), x: index, y: index, index: index.exactOptional() }),
  z.object({ kind: z.literal("box"), rank: z.int().min(1), index: index.exactOptional() }),
  z.object({ kind: z.literal("elements"), text: name }),
]);

const source = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("shipped"), name }),
  z.object({ kind: z.literal("zoo"), name }),
  z.object({ kind: z.literal("file"), name, bytes: z.instanceof(Uint8Array), card: z.unknown().optional() }),
]);

const explain = z.object({
  picture,
  composite: z.enum(compositeNames),
  target,
  keep: z.number().min(0).max(1),
});

const id = z.int().min(0);
const request = z.discriminatedUnion("ask", [
  z.object({ id, ask: z.literal("load"), source }),
  z.object({ id, ask: z.literal("explain"), request: explain }),
  z.object({ id, ask: z.literal("explainBest"), request: explain }),
  z.object({ id, ask: z.literal("answer"), picture }),
  z.object({
    id,
    ask: z.literal("scores"),
    request: z.object({ pictures: z.array(picture).max(maxPictures), target, reference: picture }),
  }),
  z.object({ id, ask: z.literal("ledger"), request: explain }),
  z.object({
    id,
    ask: z.literal("layer"),
    request: explain.extend({ node: name, count: z.int().min(1).max(maxChannels) }),
  }),
  z.object({ id, ask: z.literal("models") }),
  z.object({ id, ask: z.literal("status") }),
]);

/** The `id` for the answer; undefined if the message has none. */
export function requestId(message: unknown): number | undefined {
  const found = z.object({ id }).safeParse(message);
  return found.success ? found.data.id : undefined;
}

/**
 * Checks a message field by field.
 * @throws InputError naming the first invalid field; OptionError for an invalid model card.
 */
export function readRequest(message: unknown): EngineRequest {
  const found = request.safeParse(message);
  if (!found.success) {
    const [issue] = found.error.issues;
    throw new InputError({
      what: "cannot answer a message",
      where: issue?.path.join(".") || "message",
      why: issue?.message ?? "it is not a request",
      fix: "app and engine must be of the same version",
    });
  }
  const { data } = found;
  if (data.ask !== "load" || data.source.kind !== "file") return data as EngineRequest;
  const { card, ...file } = data.source;
  return {
    ...data,
    source: { ...file, ...(card !== undefined && { card: parseModelCard(card, `card of ${file.name}`) }) },
  };
}
