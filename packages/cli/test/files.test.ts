import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ModelFileError } from "@relprop/core";
import * as tar from "tar";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { download } from "../src/models/download.ts";
import { fetchNpmPackage, type Pack } from "../src/models/fetch-npm-package.ts";
import { cacheFolder } from "../src/models/model-cache.ts";
import { duration, megabyteText } from "../src/terminal/progress.ts";
import { writeWhole } from "../src/files/write-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "relprop-files-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("downloads", () => {
  const content = Buffer.from("0123456789".repeat(1000));
  const sha256 = createHash("sha256").update(content).digest("hex");
  let server: Server | undefined;
  let ranges: (string | undefined)[];

  afterEach(() => server?.close());

  async function serve(
    answer?: (request: IncomingMessage, response: ServerResponse) => void,
  ): Promise<string> {
    ranges = [];
    const usual = (request: IncomingMessage, response: ServerResponse): void => {
      ranges.push(request.headers.range);
      const start = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      if (start >= content.length) response.writeHead(416).end();
      else
        response
          .writeHead(start > 0 ? 206 : 200, { "content-length": content.length - start })
          .end(content.subarray(start));
    };
    const started = createServer(answer ?? usual);
    server = started;
    await new Promise<void>((ready) => started.listen(0, "127.0.0.1", ready));
    const address = started.address();
    return `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}/model.pth`;
  }

  const job = (url: string) => ({
    url,
    path: join(folder, "deep", "model.pth"),
    sha256: sha256.slice(0, 8),
    fix: "give a path",
    quiet: true,
  });

  test("bring a file whole", async () => {
    const it = job(await serve());
    await download(it);
    expect((await readFile(it.path)).equals(content)).toBe(true);
    expect(await readdir(join(folder, "deep"))).toEqual(["model.pth"]);
  });

  test("go on where an earlier try stopped", async () => {
    const it = job(await serve());
    await mkdir(join(folder, "deep"));
    await writeFile(`${it.path}.part`, content.subarray(0, 4000));
    await download(it);
    expect(ranges).toEqual(["bytes=4000-"]);
    expect((await readFile(it.path)).equals(content)).toBe(true);
  });

  test("check a part that is whole already", async () => {
    const it = job(await serve());
    await mkdir(join(folder, "deep"));
    await writeFile(`${it.path}.part`, content);
    await download(it);
    expect((await readFile(it.path)).equals(content)).toBe(true);
  });

  test("begin anew where the server knows no ranges", async () => {
    const it = job(await serve((_request, response) => response.writeHead(200).end(content)));
    await mkdir(join(folder, "deep"));
    await writeFile(`${it.path}.part`, "something else");
    await download(it);
    expect((await readFile(it.path)).equals(content)).toBe(true);
  });

  test("refuse other bytes than those expected, and forget them", async () => {
    const it = { ...job(await serve()), sha256: "00000000" };
    await expect(download(it)).rejects.toThrow(/its SHA-256 is .*, not 00000000…; give a path/);
    expect(await readdir(join(folder, "deep"))).toEqual([]);
  });

  test("say what the server answers, and what to do", async () => {
    const it = job(await serve((_request, response) => response.writeHead(403).end()));
    await expect(download(it)).rejects.toThrow(ModelFileError);
    await expect(download(it)).rejects.toThrow(/the server answers 403 Forbidden; give a path/);
  });

  test("say that the server cannot be reached", async () => {
    const it = job("http://127.0.0.1:1/model.pth");
    await expect(download(it)).rejects.toThrow(
      /cannot download http:\/\/127.0.0.1:1\/model.pth: .+; give a path/,
    );
  });
});

/** A package of three files, and how npm would bring it. */
async function tarball(): Promise<{ pack: Pack; integrity: string }> {
  const source = join(folder, "source", "package");
  await mkdir(join(source, "net"), { recursive: true });
  await writeFile(join(source, "net", "model.json"), "{}");
  await writeFile(join(source, "labels.json"), "[]");
  await writeFile(join(source, "index.js"), "throw 1");
  const made = join(folder, "made.tgz");
  await tar.create({ file: made, gzip: true, cwd: join(folder, "source") }, ["package"]);
  const bytes = await readFile(made);
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  return { pack: (_spec, where) => writeFile(join(where, "net-1.0.0.tgz"), bytes), integrity };
}
const failingPack: Pack = () =>
  Promise.reject(Object.assign(new Error("failed"), { stderr: "npm error 404 Not Found\nnpm error more" }));

describe("npm packages", () => {
  const wanted = { name: "net", version: "1.0.0", files: ["net/", "labels.json"] };

  test("are unpacked as far as they are wanted", async () => {
    const { pack, integrity } = await tarball();
    const target = join(folder, "cache", "net-1.0.0");
    await fetchNpmPackage({ ...wanted, integrity }, target, pack);
    expect((await readdir(target)).sort()).toEqual(["labels.json", "net"]);
    expect(await readdir(join(folder, "cache"))).toEqual(["net-1.0.0"]);
  });

  test("are refused if they are not the pinned ones", async () => {
    const { pack } = await tarball();
    const target = join(folder, "cache", "net-1.0.0");
    await expect(fetchNpmPackage({ ...wanted, integrity: "sha512-AAAA" }, target, pack)).rejects.toThrow(
      /integrity/,
    );
    expect(await readdir(join(folder, "cache"))).toEqual([]);
  });

  test("that npm cannot bring are an error with npm's reason", async () => {
    const fetched = fetchNpmPackage({ ...wanted, integrity: "" }, join(folder, "x"), failingPack);
    await expect(fetched).rejects.toThrow(
      /cannot get the npm package net@1.0.0: 404 Not Found; check the network/,
    );
  });
});

test("the cache is where the system keeps caches, or where RELPROP_CACHE says", () => {
  expect(cacheFolder({ RELPROP_CACHE: "/x" }, "linux", "/home/a")).toBe("/x");
  expect(cacheFolder({}, "linux", "/home/a")).toBe(join("/home/a", ".cache", "relprop"));
  expect(cacheFolder({ XDG_CACHE_HOME: "/c" }, "linux", "/home/a")).toBe(join("/c", "relprop"));
  expect(cacheFolder({}, "darwin", "/Users/a")).toBe(join("/Users/a", "Library", "Caches", "relprop"));
  expect(cacheFolder({ LOCALAPPDATA: "L" }, "win32", "H")).toBe(join("L", "relprop"));
});

test("durations and sizes are short", () => {
  expect([9.6, 465, 7380].map(duration)).toEqual(["10 s", "7m 45s", "2h 3m"]);
  expect(megabyteText(95_128_781)).toBe("95.1 MB");
});

test("a file is written whole or not at all", async () => {
  const path = join(folder, "a", "b.bin");
  await writeWhole(path, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
  expect([...(await readFile(path))]).toEqual([1, 2, 3]);
  await expect(writeWhole(join(path, "under-a-file"), "x")).rejects.toThrow(
    /cannot write .*choose another place/,
  );
  expect(await readdir(join(folder, "a"))).toEqual(["b.bin"]);
});
