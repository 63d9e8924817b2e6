import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ModelFileError } from "../../src/errors.ts";
import { elementSize, sizeOf } from "../../src/onnx/tensor.ts";
import { bytesSource, type ByteSource } from "../../src/zoo/bytes-source.ts";
import { type Checkpoint, readCheckpoint } from "../../src/zoo/checkpoint.ts";
import {
  bytesOf,
  call,
  type CraftedRecord,
  dict,
  float32s,
  global,
  integer,
  legacy,
  legacyMagic,
  list,
  long,
  pickle,
  type Piece,
  sizes,
  storage,
  tensor,
  text,
  tuple,
  u16,
  u32,
  u64,
  zip,
} from "./craft.ts";
import { refusal } from "./refusal.ts";

const four = float32s(1, 2, 3, 4);
/** A legacy file of one tensor over a storage of four numbers. */
const oneTensor = (
  offset: Piece,
  size: Piece,
  stride: Piece,
  length: Piece = integer(4),
  claimed = 4n,
): ByteSource =>
  legacy(dict(["w", tensor(storage("0", length), offset, size, stride)]), [["0", claimed, four]]);
const repeat = (piece: Piece, times: number): Uint8Array =>
  bytesOf(Array.from({ length: times }, () => piece));
const load = (file: string): Uint8Array => readFileSync(new URL(`fixtures/${file}`, import.meta.url));
const object = (piece: Piece): ByteSource => legacy(piece, []);

describe("pickles that want to run code", () => {
  test.each([
    ["os.system", call(global("os", "system"), text("touch pwned"))],
    ["posix.system", call(global("posix", "system"), text("id"))],
    ["builtins.eval", call(global("builtins", "eval"), text("1"))],
    ["torch._utils.os", call(global("torch._utils", "os"), text("1"))],
    ["torch.load", call(global("torch", "load"), text("x"))],
    ["torch.hub.FloatStorage", global("torch.hub", "FloatStorage")],
    ["os.system", [text("os"), text("system"), "\x93", tuple(text("id")), "R"]],
  ])("%s is named and refused", async (name, piece) => {
    expect(await refusal(object(piece))).toContain(`"${name}", and Python code in a file is never run`);
  });

  test.each([
    ["calling text", [text("x"), ")R"]],
    ["calling with a list", [global("collections", "OrderedDict"), "]R"]],
    ["the INST opcode", "(ios\nsystem\n"],
    ["extension codes", "\x82\x01"],
    ["setting the state of a global", [global("torch", "FloatStorage"), "}b"]],
    ["a name of a megabyte", ["c", "a".repeat(1_000_000), "\nb\n"]],
    ["terminal escapes in a name", global("os\x1b[2J\r", "system")],
  ])("%s is refused", async (_, piece) => {
    expect(await refusal(object(piece))).not.toMatch(/\p{Cc}/u);
  });
});

describe("pickles that are broken or bombs", () => {
  test.each<[string, Piece]>([
    ["an empty stack", "."],
    ["no mark", "t"],
    ["a memo that was never made", "h\x05"],
    ["an unknown opcode", "\xff"],
    ["values left over", "NN"],
    ["appending to a dict", "}Na"],
    ["an odd number of items", "}(Nu"],
    ["items of a list", "](NNu"],
    ["a protocol of the future", "\x80\x09N"],
    ["text of 4 GB", ["X", u32(0xffffffff)]],
    ["an OrderedDict of text", call(global("collections", "OrderedDict"), text("x"))],
    ["an OrderedDict of short pairs", call(global("collections", "OrderedDict"), list(list("N")))],
    ["tuples nested 300000 deep", [")", repeat("\x85", 300_000)]],
    ["300000 marks", repeat("(", 300_000)],
    ["a tuple doubled 1000 times", [")", repeat("q\x00h\x00\x86", 1000)]],
    ["LONG1 of 255 bytes", [0x8a, 255, repeat(0x7f, 255)]],
    ["a list that holds itself", "]q\x00h\x00a"],
    ["a dict that holds itself as its state dict", ["}q\x00", text("state_dict"), "h\x00s"]],
    [
      "a Parameter that holds itself",
      dict(["w", [global("torch.nn.parameter", "Parameter"), ")\x81q\x00", tuple("h\x00"), "b"]]),
    ],
    ["a tensor of nothing", dict(["w", call(global("torch._utils", "_rebuild_tensor"))])],
    ["a 2017 tensor without a state", dict(["w", [global("torch", "FloatTensor"), ")\x81"]])],
    ["a storage of text", [text("storage"), "Q"]],
    ["a single tensor", tensor(storage("0", integer(4)), integer(0), sizes(4), sizes(1))],
    ["numbers only", dict(["epoch", integer(3)])],
  ])("%s", async (_, piece) => {
    await refusal(object(piece));
  });

  test("repeating an OrderedDict's pairs from the memo costs nothing", async () => {
    const pairs = list(...Array.from({ length: 2000 }, (_, i) => tuple(integer(i), "N")));
    const again = [global("collections", "OrderedDict"), "h\x01\x85R0".slice(0, -1), "a"];
    await refusal(object(["]", pairs, "q\x01a", repeat(again, 2000)]));
  });

  test("a pickle of more steps than any state dict has", async () => {
    const bytes = new Uint8Array(5_000_000).fill(0x28);
    bytes.set(bytesOf(legacyMagic, pickle(["M", u16(1001)]), pickle(dict(["little_endian", 0x88]))));
    expect(await refusal(bytesSource("x.pth", bytes))).toContain("steps");
  });
});

describe("tensors that lie about their sizes", () => {
  test.each<[string, ByteSource]>([
    ["more elements than the storage", oneTensor(integer(0), sizes(5), sizes(1))],
    ["an offset beyond the storage", oneTensor(integer(4), sizes(1), sizes(1))],
    ["an empty tensor beyond the storage", oneTensor(integer(5), sizes(0), sizes(1))],
    ["a negative offset", oneTensor(integer(-1), sizes(1), sizes(1))],
    ["a negative stride", oneTensor(integer(3), sizes(4), sizes(-1))],
    ["strides that leave the storage", oneTensor(integer(0), sizes(2, 2), sizes(3, 1))],
    ["stride 0, a petabyte", oneTensor(integer(0), tuple(long(2n ** 50n)), sizes(0))],
    [
      "sizes whose product overflows",
      oneTensor(integer(0), tuple(long(2n ** 40n), long(2n ** 40n)), sizes(0, 0)),
    ],
    ["a size of 2^60", oneTensor(integer(0), tuple(long(2n ** 60n)), sizes(1))],
    ["a size that is text", oneTensor(integer(0), tuple(text("4")), sizes(1))],
    ["more sizes than strides", oneTensor(integer(0), sizes(2, 2), sizes(1))],
    ["a storage of 2^60 elements", oneTensor(integer(0), sizes(4), sizes(1), long(2n ** 60n), 2n ** 60n)],
    ["a storage of 2^50 elements", oneTensor(integer(0), sizes(4), sizes(1), long(2n ** 50n), 2n ** 50n)],
    ["a storage one element longer than the file", oneTensor(integer(0), sizes(4), sizes(1), integer(5), 5n)],
    ["two numbers of elements for one storage", oneTensor(integer(0), sizes(4), sizes(1), integer(4), 3n)],
    [
      "a storage that is not in the file",
      legacy(dict(["w", tensor(storage("9", integer(4)), integer(0), sizes(4), sizes(1))]), []),
    ],
    [
      "a storage that nothing describes",
      legacy(dict(["w", tensor(storage("0", integer(4)), integer(0), sizes(4), sizes(1))]), [
        ["0", 4n, four],
        ["1", 4n, four],
      ]),
    ],
    [
      "a storage listed twice",
      legacy(dict(["w", tensor(storage("0", integer(4)), integer(0), sizes(4), sizes(1))]), [
        ["0", 4n, four],
        ["0", 4n, four],
      ]),
    ],
    [
      "one storage with two types",
      legacy(list(storage("0", integer(4)), storage("0", integer(4), "IntStorage")), [["0", 4n, four]]),
    ],
    [
      "a view that leaves its storage",
      legacy(
        dict([
          "w",
          tensor(
            storage("0", integer(4), "FloatStorage", tuple(text("1"), integer(3), integer(2))),
            integer(0),
            sizes(1),
            sizes(1),
          ),
        ]),
        [["0", 4n, four]],
      ),
    ],
  ])("%s", async (_, source) => {
    await refusal(source);
  });

  test("an empty tensor with huge other sizes takes no memory", async () => {
    const huge = tuple(long(2n ** 50n), integer(0), ...Array.from({ length: 30 }, () => long(2n ** 50n)));
    const source = oneTensor(integer(0), huge, sizes(...Array.from({ length: 32 }, () => 0)));
    const { tensors } = await readCheckpoint(source);
    expect(tensors.get("w")?.bytes.byteLength).toBe(0);
  });

  test("many transposed views of one storage are not copied without end", async () => {
    const transposed = tensor(storage("0", integer(4)), integer(0), sizes(2, 2), sizes(1, 2));
    const views = Array.from({ length: 3000 }, (_, i): readonly [string, Piece] => [
      `w${i}`,
      i === 0 ? [transposed, "q\x09"] : "h\x09",
    ]);
    expect(await refusal(legacy(dict(...views), [["0", 4n, four]]))).toContain("many times");
  });
});

describe("zip files", () => {
  const body = bytesOf(pickle(dict(["w", tensor(storage("0", integer(4)), integer(0), sizes(4), sizes(1))])));
  const good: readonly CraftedRecord[] = [
    { name: "a/data.pkl", data: body },
    { name: "a/data/0", data: four },
  ];
  const [pickleRecord, dataRecord] = good as [CraftedRecord, CraftedRecord];

  test("the crafted file is fine as long as it does not lie", async () => {
    const { tensors, format } = await readCheckpoint(zip(...good));
    expect([format, tensors.get("w")?.dims]).toEqual(["torch-zip", [4]]);
  });

  test.each<[string, ByteSource, RegExp]>([
    ["a name that leads out", zip(...good, { name: "a/../../etc/passwd", data: four }), /leads out/],
    ["an absolute name", zip(...good, { name: "/etc/passwd", data: four }), /leads out/],
    ["a drive letter", zip(...good, { name: "C:/x", data: four }), /leads out/],
    ["a backslash", zip(...good, { name: "a\\..\\x", data: four }), /leads out/],
    ["a compressed record", zip(pickleRecord, { ...dataRecord, method: 8 }), /compressed/],
    ["an encrypted record", zip(pickleRecord, { ...dataRecord, flags: 1 }), /encrypted/],
    ["a record twice", zip(...good, dataRecord), /twice/],
    ["records that overlap", zip(...good, { name: "a/data/1", data: four, claimedOffset: 0 }), /overlaps/],
    [
      "a record larger than the file",
      zip(pickleRecord, { ...dataRecord, claimedSize: 0xfffffff0 }),
      /overlaps/,
    ],
    [
      "zip64 sizes that are missing",
      zip(pickleRecord, { ...dataRecord, claimedSize: 0xffffffff }),
      /damaged/,
    ],
    [
      "a record of the wrong size",
      zip(pickleRecord, { name: "a/data/0", data: float32s(1, 2) }),
      /8 bytes where 16/,
    ],
    ["a record that is missing", zip(pickleRecord), /not in the file/],
    ["no data.pkl", zip(dataRecord), /without data.pkl/],
    ["a big-endian file", zip(...good, { name: "a/byteorder", data: bytesOf("big") }), /big-endian/],
    [
      "a directory elsewhere",
      bytesSource(
        "x.pth",
        bytesOf("PK\x03\x04", "PK\x05\x06", u32(0), u16(1), u16(1), u32(0xffffff00), u32(9), u16(0)),
      ),
      /too large/,
    ],
    ["no directory", bytesSource("x.pth", bytesOf("PK\x03\x04")), /./],
    [
      "a wrong zip64 locator",
      bytesSource(
        "x.pth",
        bytesOf(
          "PK\x03\x04",
          "PK\x06\x07",
          u32(0),
          u64(2n ** 63n),
          u32(1),
          "PK\x05\x06",
          u32(0),
          u16(1),
          u16(1),
          u32(46),
          u32(0),
          u16(0),
        ),
      ),
      /zip64/,
    ],
    [
      "one storage with two types",
      zip(
        {
          name: "a/data.pkl",
          data: bytesOf(
            pickle(
              dict(
                ["w", tensor(storage("0", integer(4)), integer(0), sizes(4), sizes(1))],
                ["v", tensor(storage("0", integer(4), "DoubleStorage"), integer(0), sizes(4), sizes(1))],
              ),
            ),
          ),
        },
        dataRecord,
      ),
      /two ways/,
    ],
  ])("%s", async (_, source, message) => {
    expect(await refusal(source)).toMatch(message);
  });
});

describe("damage to real files", () => {
  const files = ["kinds.zip.pth", "kinds.legacy.pth", "plain.safetensors"];

  test.each(files)("%s cut off anywhere is refused", async (file) => {
    const bytes = load(file);
    const step = Math.max(1, Math.floor(bytes.length / 150));
    for (let length = 0; length < bytes.length; length += step) {
      await refusal(bytesSource(file, bytes.subarray(0, length)));
    }
  });

  test.each(files)(
    "%s with a flipped bit is refused or still has tensors of the right sizes",
    async (file) => {
      const bytes = load(file);
      for (let i = 0; i < 1500; i++) {
        // A multiplicative step visits the whole file without repeating a pattern.
        const bit = (i * 7919) % (bytes.length * 8);
        const flipped = bytes.slice();
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const result = await readCheckpoint(bytesSource(file, flipped)).catch((error: unknown) => error);
        if (result instanceof Error) expect(result).toBeInstanceOf(ModelFileError);
        else
          for (const { bytes, dims, dataType } of (result as Checkpoint).tensors.values()) {
            expect(bytes.byteLength).toBe(sizeOf(dims) * elementSize[dataType]);
          }
      }
    },
  );

  test("a source that delivers too little is an error of the file", async () => {
    const bytes = load("kinds.zip.pth");
    const source: ByteSource = {
      name: "short.pth",
      size: bytes.length,
      read: (offset) => Promise.resolve(bytes.subarray(offset, offset + 1)),
    };
    expect(await refusal(source)).toContain("could be read");
  });
});
