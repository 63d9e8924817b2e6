/** Schemas of the command's JSON output, for programs that read it; `schema/` holds them as JSON Schema. */

import { outputKinds, ruleNames, seeds, strideModes, type Inspection, type OutputKind } from "@relprop/core";
import { z } from "zod";
import { textRecordSchema } from "../texts/text-result.ts";

const shape = z
  .array(z.union([z.int(), z.string()]))
  .describe("sizes; a name stands for one that only a run knows");

const tensor = z.strictObject({
  name: z.string(),
  dataType: z.enum([
    "float32",
    "float64",
    "float16",
    "bfloat16",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "bool",
    "string",
  ]),
  shape,
});

const rule = z.enum(ruleNames);

/** What `relprop inspect --json` prints. */
export const inspectionSchema: z.ZodType<Inspection> = z
  .strictObject({
    v: z.literal(1).describe("version of this form"),
    relprop: z.string().describe("version of relprop"),
    model: z.strictObject({
      opset: z.int().nullable().describe("of ai.onnx, as the file has it"),
      irVersion: z.int(),
      producer: z.string(),
      nodes: z.int().nonnegative(),
      parameters: z.int().nonnegative().describe("elements of all floating-point constants"),
      inputs: z.array(tensor),
      outputs: z.array(tensor),
    }),
    explanation: z
      .record(z.string(), z.string())
      .nullable()
      .describe("what a compiled explanation says of itself; null for any other model"),
    plan: z
      .strictObject({
        composite: z.string(),
        seed: z.enum(seeds),
        strides: z.enum(strideModes),
        input: z.string(),
        inputs: z.array(z.string()).describe("all that are explained, `input` first"),
        layer: z.string().describe("where relevance stops: the input, or a tensor that was named"),
        output: z.string(),
        explained: z.string().describe("the output, or its logits"),
      })
      .nullable()
      .describe("null for a compiled explanation"),
    outputs: z
      .array(
        z.strictObject({
          name: z.string(),
          kind: z.enum(Object.keys(outputKinds) as OutputKind[]),
          why: z.string().describe("why it is taken for that"),
          layout: z.string().describe("which axis counts what, and what its numbers are"),
        }),
      )
      .describe("what the outputs are taken for, the explained one first"),
    nodes: z
      .array(
        z.strictObject({
          name: z.string(),
          operator: z.string(),
          form: z.string().describe("what canonical form made of it; empty if it stays as it is"),
          into: z.array(z.string()).describe("canonical nodes that do its work"),
          shape: shape.nullable().describe("of its first output; null if it is not known"),
          state: z.enum(["explained", "carries no relevance", "refused", "behind"]),
          rule: z.string().nullable().describe("null unless it is explained"),
          why: z.string(),
        }),
      )
      .describe("in the model's order"),
    obstacles: z
      .array(
        z.strictObject({
          node: z.string(),
          operator: z.string(),
          path: z.array(z.string()).describe("from the explained output down to the node"),
          why: z.string(),
          behind: z.int().nonnegative().describe("nodes on the way whose shapes are not known because of it"),
          rules: z.array(rule).describe("rules that could cross it if they were asked for"),
        }),
      )
      .describe("all nodes that relevance cannot cross"),
    problems: z
      .array(
        z.strictObject({
          what: z.string(),
          where: z.string().exactOptional(),
          why: z.string(),
          fix: z.string().exactOptional(),
        }),
      )
      .describe("other reasons why the model cannot be compiled with these options"),
    alternatives: z.array(
      z.strictObject({ option: z.string().describe("of the command"), does: z.string() }),
    ),
    notes: z
      .array(z.strictObject({ rewrite: z.string(), node: z.string(), operator: z.string(), why: z.string() }))
      .describe("rewrites to canonical form that nearly applied"),
    canCompile: z.boolean(),
  })
  .describe("What `relprop inspect --json` prints.");

/** All schemas by file name: `<name>.schema.json`. */
export const schemas: Readonly<Record<string, z.ZodType>> = {
  inspection: inspectionSchema,
  "text-explanation": textRecordSchema,
};

/** A schema as JSON Schema, draft 2020-12. */
export const jsonSchemaOf = (schema: z.ZodType): string =>
  `${JSON.stringify(z.toJSONSchema(schema, { target: "draft-2020-12" }), undefined, 2)}\n`;
