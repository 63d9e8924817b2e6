import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { float32Data, numbersOf } from "../../src/onnx/tensor.ts";
import { bytesSource, type ByteSource } from "../../src/zoo/bytes-source.ts";
import { readCheckpoint, toFloat32 } from "../../src/zoo/checkpoint.ts";
import {
  bytesOf,
  call,
  dict,
  float32s,
  global,
  integer,
  legacy,
  list,
  sizes,
  storage,
  text,
  tuple,
} from "./craft.ts";

const folder = new URL("fixtures/", import.meta.url);
const fixture = (file: string): ByteSource => bytesSource(file, readFileSync(new URL(file, folder)));

interface Expected {
  readonly dataType: string;
  readonly dims: readonly number[];
  readonly numbers: readonly number[];
}
const expected = new Map<string, Record<string, Expected>>(
  Object.entries(JSON.parse(readFileSync(new URL("expected.json", folder), "utf8")) as Record<string, never>),
);

describe("files written by torch and safetensors", () => {
  test.each([...expected.keys()])("%s holds what was saved", async (file) => {
    const { format, tensors } = await readCheckpoint(fixture(file));
    const known: readonly string[] = ["legacy", "zip", "safetensors"];
    expect(format).toContain(known.find((word) => file.includes(word)));
    const found = [...tensors].map(([name, tensor]): [string, Expected] => {
      return [name, { dataType: tensor.dataType, dims: tensor.dims, numbers: Array.from(numbersOf(tensor)) }];
    });
    expect(new Map(found)).toEqual(new Map(Object.entries(expected.get(file) ?? {})));
  });

  test("fixtures are small and all of them are used", () => {
    const files = readdirSync(folder);
    for (const file of files) expect(readFileSync(new URL(file, folder)).length).toBeLessThan(20_000);
    expect(files.length).toBe(expected.size + 5);
  });

  test.each(["kinds.zip.pth", "kinds.legacy.pth"])(
    "%s: a storage that tensors share is read once",
    async (file) => {
      const source = fixture(file);
      let bytesRead = 0;
      const counted: ByteSource = {
        ...source,
        read: (offset, length) => {
          bytesRead += length;
          return source.read(offset, length);
        },
      };
      const { tensors } = await readCheckpoint(counted);
      const [whole, row] = [tensors.get("whole"), tensors.get("row")];
      expect(row?.bytes.buffer).toBe(whole?.bytes.buffer);
      expect(Number(row?.bytes.byteOffset) - Number(whole?.bytes.byteOffset)).toBe(2 * 6 * 4);
      expect(bytesRead).toBeLessThan(2 * source.size + 1024);
    },
  );

  test("progress ends at the number of bytes that were read", async () => {
    const seen: number[] = [];
    const source = fixture("module.zip.pth");
    await readCheckpoint(source, { onProgress: (done, total) => seen.push(done, total) });
    expect(seen.at(-2)).toBe((3 * 2 * 9 + 3 + 4 * 3) * 4 + 8);
    expect(seen.at(-1)).toBe(source.size);
  });

  test("what was saved beside the weights is metadata", async () => {
    const { metadata } = await readCheckpoint(fixture("training.zip.pth"));
    expect([...metadata]).toEqual([
      ["epoch", "3"],
      ["arch", "vgg16"],
      ["best", "0.5"],
    ]);
    expect((await readCheckpoint(fixture("plain.safetensors"))).metadata.get("format")).toBe("pt");
  });

  test("tensors of all numeric types convert to float32", async () => {
    const { tensors } = await readCheckpoint(fixture("kinds.legacy.pth"));
    for (const [name, tensor] of tensors) {
      const numbers = expected.get("kinds.legacy.pth")?.[name]?.numbers ?? [];
      expect([...float32Data(toFloat32(tensor))]).toEqual(numbers.map(Math.fround));
    }
    const whole = tensors.get("whole");
    if (whole) expect(toFloat32(whole)).toBe(whole);
  });

  test("a pickled module is refused, with the class it needs and what to do", async () => {
    await expect(readCheckpoint(fixture("whole-module.pth"))).rejects.toThrow(
      /cannot read "whole-module.pth".*"torch.nn.modules.linear.Linear".*torch.save\(model.state_dict\(\)/,
    );
  });

  test("a TorchScript program is refused", async () => {
    await expect(readCheckpoint(fixture("torchscript.pt"))).rejects.toThrow(/TorchScript/);
  });
});

const numbers = async (source: ByteSource, name: string): Promise<number[]> => {
  const tensor = (await readCheckpoint(source)).tensors.get(name);
  return tensor ? [...float32Data(tensor)] : [];
};

describe("forms that today's torch no longer writes", () => {
  const data = float32s(1, 2, 3, 4, 5, 6);
  test("_rebuild_tensor takes four arguments", async () => {
    const rebuilt = call(
      global("torch._utils", "_rebuild_tensor"),
      storage("7", integer(6)),
      integer(2),
      sizes(2, 2),
      sizes(2, 1),
    );
    expect(await numbers(legacy(dict(["w", rebuilt]), [["7", 6n, data]]), "w")).toEqual([3, 4, 5, 6]);
  });

  test("2017: a tensor object on a GPU with a state, sizes as torch.Size", async () => {
    const size = call(global("torch", "Size"), sizes(3));
    const state = tuple(storage("7", integer(6), "FloatStorage"), integer(1), size, sizes(2));
    const object = [global("torch.cuda", "FloatTensor"), ")\x81", state, "b"];
    const parameter = [
      call(global("torch.nn.parameter", "Parameter"), object),
      tuple("\x88", "\x89", "}"),
      "b",
    ];
    const variable = [
      global("torch.autograd.variable", "Variable"),
      ")\x81",
      tuple(object, "N", "}", "\x88", "\x89"),
      "b",
    ];
    const source = legacy(dict(["t", object], ["p", parameter], ["v", variable]), [["7", 6n, data]]);
    for (const name of ["t", "p", "v"]) expect(await numbers(source, name)).toEqual([2, 4, 6]);
  });

  test("a storage may be a view of another", async () => {
    const view = tuple(text("8"), integer(3), integer(2));
    const rebuilt = call(
      global("torch._utils", "_rebuild_tensor"),
      storage("7", integer(6), "FloatStorage", view),
      integer(0),
      sizes(2),
      sizes(1),
    );
    expect(await numbers(legacy(dict(["w", rebuilt]), [["7", 6n, data]]), "w")).toEqual([4, 5]);
  });

  test("Python 2: an OrderedDict made of a list of pairs, names as byte strings", async () => {
    const rebuilt = call(
      global("torch._utils", "_rebuild_tensor"),
      storage("7", integer(6)),
      integer(0),
      sizes(1),
      sizes(1),
    );
    const object = call(global("collections", "OrderedDict"), list(list(["U", 1, "w"], rebuilt)));
    expect(await numbers(legacy(object, [["7", 6n, data]]), "w")).toEqual([1]);
  });

  test("a big-endian file is refused", async () => {
    const source = legacy(dict(), [], dict(["little_endian", 0x89]));
    await expect(readCheckpoint(source)).rejects.toThrow(/big-endian/);
  });

  test.each([
    ["a tar container", bytesOf("sys_info", ...Array.from({ length: 300 }, () => 0)), /tar container/],
    ["an HDF5 file", bytesOf("\x89HDF\r\n"), /HDF5/],
    ["a web page", bytesOf("<!DOCTYPE html>"), /web page/],
    ["a Git LFS pointer", bytesOf("version https://git-lfs.github.com/spec/v1"), /git lfs pull/],
    ["an empty file", bytesOf(), /it is empty/],
    ["something else", bytesOf("hello"), /neither a safetensors file nor written by torch.save/],
    ["a plain pickle", bytesOf(0x80, 2, dict(), "."), /plain pickle/],
  ])("%s is refused by its name", async (_, bytes, message) => {
    await expect(readCheckpoint(bytesSource("x.pth", bytes))).rejects.toThrow(message);
  });
});
