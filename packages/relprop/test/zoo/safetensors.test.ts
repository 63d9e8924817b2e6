import { describe, expect, test } from "vitest";
import { bytesSource, type ByteSource } from "../../src/zoo/bytes-source.ts";
import { readCheckpoint } from "../../src/zoo/checkpoint.ts";
import { bytesOf, float32s, safetensors, u64 } from "./craft.ts";
import { refusal } from "./refusal.ts";

const four = float32s(1, 2, 3, 4);

describe("a safetensors file that lies", () => {
  const entry = { dtype: "F32", shape: [4], data_offsets: [0, 16] };
  test.each<[string, ByteSource, RegExp]>([
    ["a header beyond the file", safetensors("{}", bytesOf(), 1000n), /neither/],
    ["a header beyond the format's limit", safetensors("{}", bytesOf(), 2n ** 63n), /neither/],
    ["a header that is not JSON", safetensors("{nonsense"), /not JSON/],
    ["a header that is not UTF-8", bytesSource("x", bytesOf(u64(3n), "{\xff}")), /not JSON/],
    [
      "nesting 100000 deep",
      safetensors(`{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`),
      /expected an object/,
    ],
    ["an unknown type", safetensors({ w: { ...entry, dtype: "F8_E4M3" } }, four), /F8_E4M3/],
    [
      "a shape that does not fill its bytes",
      safetensors({ w: { ...entry, shape: [5] } }, four),
      /not 16 bytes/,
    ],
    [
      "a shape that overflows",
      safetensors({ w: { ...entry, shape: [2 ** 52, 2 ** 52] } }, four),
      /not 16 bytes/,
    ],
    ["a negative size", safetensors({ w: { ...entry, shape: [-4] } }, four), /whole number/],
    ["a size that is text", safetensors({ w: { ...entry, shape: ["4"] } }, four), /whole number/],
    ["offsets out of range", safetensors({ w: { ...entry, data_offsets: [16, 32] } }, four), /expected/],
    [
      "offsets beyond the file",
      safetensors({ w: { ...entry, shape: [2 ** 40], data_offsets: [0, 2 ** 42] } }, four),
      /follow the header/,
    ],
    ["offsets backwards", safetensors({ w: { ...entry, data_offsets: [16, 0] } }, four), /not -16 bytes/],
    [
      "tensors that overlap",
      safetensors({ w: entry, v: { ...entry, shape: [2], data_offsets: [8, 16] } }, four),
      /is expected/,
    ],
    ["tensors that share bytes", safetensors({ w: entry, v: entry }, four), /is expected/],
    ["a gap", safetensors({ w: { ...entry, shape: [2], data_offsets: [8, 16] } }, four), /is expected/],
    [
      "bytes that belong to nobody",
      safetensors({ w: { ...entry, shape: [2], data_offsets: [0, 8] } }, four),
      /follow/,
    ],
    [
      "a name twice",
      safetensors(
        '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"w":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}',
        four,
      ),
      /is expected/,
    ],
    ["metadata that is not text", safetensors({ __metadata__: { a: 1 }, w: entry }, four), /expected text/],
    ["a field too many", safetensors({ w: { ...entry, more: 1 } }, four), /no such field/],
    ["no tensors", safetensors({}), /no tensors/],
  ])("%s", async (_, source, message) => {
    expect(await refusal(source)).toMatch(message);
  });

  test("names like those of JavaScript's prototypes are names", async () => {
    const header =
      '{"__proto__":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"constructor":{"dtype":"F32","shape":[0],"data_offsets":[16,16]}}';
    const { tensors } = await readCheckpoint(safetensors(header, four));
    expect([...tensors.keys()]).toEqual(["__proto__", "constructor"]);
    expect(({} as { dtype?: string }).dtype).toBeUndefined();
  });
});
