/**
 * Reads the directory of a zip file (PKWARE APPNOTE 6.3.10 §4.3, including zip64) from its end, and single records of large
 * files. Records must be stored uncompressed and unencrypted, as in checkpoints.
 */

import { badFile, type ByteSource, readRange } from "./bytes-source.ts";

/** A record of a zip file. */
export interface ZipRecord {
  readonly name: string;
  /** Size of its data in the file. */
  readonly size: number;
  /** Whether the data is compressed; then it cannot be read. */
  readonly compressed: boolean;
  /** Offset of its local header. */
  readonly offset: number;
  /** Offset of the next record, before which this one must end. */
  readonly limit: number;
}

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locator64Signature = 0x07064b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
const maxDirectory = 64 * 2 ** 20;

/**
 * Lists the records by name.
 * @throws ModelFileError if the directory is damaged, or a record is encrypted, overlaps another one, or has a name that
 *   leads out of its folder
 */
export async function readZipDirectory(source: ByteSource): Promise<ReadonlyMap<string, ZipRecord>> {
  const { offset, size, count } = await findDirectory(source);
  if (size > maxDirectory)
    throw badFile(source, `its zip directory of ${size} bytes is too large for a checkpoint`);
  const view = viewOf(await readRange(source, offset, size, "zip directory"));
  const found: Omit<ZipRecord, "limit">[] = [];
  for (let at = 0; at < size;) {
    if (size - at < 46 || view.getUint32(at, true) !== entrySignature) throw damaged(source);
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
    if (next > size) throw damaged(source);
    found.push(readEntry(source, view, at, nameLength, extraLength));
    at = next;
  }
  if (found.length !== count) throw damaged(source);
  return withoutOverlaps(source, found, offset);
}

/**
 * Reads the data of a record.
 * @throws ModelFileError if its local header contradicts the directory, or it is compressed
 */
export async function readZipRecord(source: ByteSource, record: ZipRecord): Promise<Uint8Array> {
  const where = `record "${record.name}"`;
  if (record.compressed) {
    const fix = "load it and save it again with torch.save";
    throw badFile(source, "it is compressed, which torch.save never does", where, fix);
  }
  const header = viewOf(await readRange(source, record.offset, 30, where));
  if (header.getUint32(0, true) !== localSignature || header.getUint16(8, true) !== 0)
    throw damaged(source, where);
  const start = record.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + record.size > record.limit) throw damaged(source, where);
  return readRange(source, start, record.size, where);
}

async function findDirectory(source: ByteSource): Promise<{ offset: number; size: number; count: number }> {
  // The end record is at the end of the file, followed by a comment of at most 65535 bytes.
  const tailSize = Math.min(source.size, 22 + 65535);
  const tailStart = source.size - tailSize;
  const tail = viewOf(await readRange(source, tailStart, tailSize, "zip end record"));
  let end = tailSize - 22;
  while (
    end >= 0 &&
    !(tail.getUint32(end, true) === endSignature && end + 22 + tail.getUint16(end + 20, true) === tailSize)
  ) {
    end--;
  }
  if (end < 0)
    throw damaged(source, "zip end record", "it is missing, so the file is cut off or not a zip file");
  const locator = end - 20;
  if (locator >= 0 && tail.getUint32(locator, true) === locator64Signature) {
    const at = Number(tail.getBigUint64(locator + 8, true));
    const end64 = viewOf(await readRange(source, at, 56, "zip64 end record"));
    if (end64.getUint32(0, true) !== end64Signature) throw damaged(source, "zip64 end record");
    const number = (position: number): number => Number(end64.getBigUint64(position, true));
    return { count: number(32), size: number(40), offset: number(48) };
  }
  return {
    count: tail.getUint16(end + 10, true),
    size: tail.getUint32(end + 12, true),
    offset: tail.getUint32(end + 16, true),
  };
}

const text = new TextDecoder();

function readEntry(
  source: ByteSource,
  view: DataView,
  at: number,
  nameLength: number,
  extraLength: number,
): Omit<ZipRecord, "limit"> {
  const nameAt = view.byteOffset + at + 46;
  const name = text.decode(new Uint8Array(view.buffer, nameAt, nameLength));
  const where = `record "${name}"`;
  if (isUnsafe(name))
    throw badFile(source, "its name leads out of the archive", where, "do not trust this file");
  if ((view.getUint16(at + 8, true) & 1) !== 0) throw badFile(source, "it is encrypted", where);
  // Sizes that do not fit 32 bits are 0xffffffff and follow in the zip64 extra field, in this order.
  const wide = wideNumbers(view, at + 46 + nameLength, extraLength);
  const number = (position: number): number => {
    const narrow = view.getUint32(position, true);
    if (narrow !== 0xffffffff) return narrow;
    const next = wide.shift();
    if (next === undefined) throw damaged(source, where);
    return next;
  };
  const size = number(at + 24);
  const stored = number(at + 20);
  const offset = number(at + 42);
  const compressed = view.getUint16(at + 10, true) !== 0;
  if (!compressed && stored !== size) throw damaged(source, where);
  return { name, size: stored, offset, compressed };
}

function wideNumbers(view: DataView, start: number, length: number): number[] {
  const end = start + length;
  for (let at = start; at + 4 <= end;) {
    const fieldEnd = at + 4 + view.getUint16(at + 2, true);
    if (fieldEnd > end) break;
    if (view.getUint16(at, true) === 1) {
      const numbers: number[] = [];
      for (let field = at + 4; field + 8 <= fieldEnd; field += 8)
        numbers.push(Number(view.getBigUint64(field, true)));
      return numbers;
    }
    at = fieldEnd;
  }
  return [];
}

function isUnsafe(name: string): boolean {
  return /^[/]|^[a-z]:|[\\\0]/i.test(name) || name.split("/").includes("..");
}

/** Refuses overlapping records, by which a small zip file can pretend to be a large one. */
function withoutOverlaps(
  source: ByteSource,
  found: readonly Omit<ZipRecord, "limit">[],
  directoryStart: number,
): Map<string, ZipRecord> {
  const records = new Map<string, ZipRecord>();
  const byOffset = found.toSorted((a, b) => a.offset - b.offset);
  for (const [i, record] of byOffset.entries()) {
    const limit = byOffset[i + 1]?.offset ?? directoryStart;
    const where = `record "${record.name}"`;
    if (record.offset + 30 + record.size > limit) throw badFile(source, "it overlaps what follows it", where);
    if (records.has(record.name)) throw badFile(source, "its name occurs twice", where);
    records.set(record.name, { ...record, limit });
  }
  return records;
}

const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const damaged = (source: ByteSource, where = "zip directory", why = "it is damaged"): Error =>
  badFile(source, why, where, "download the file again");
