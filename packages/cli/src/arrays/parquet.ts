/** Parquet files as tables. */

import { endsOf } from "../files/file-ends.ts";
import { cannotRead, rowsOf, type Table } from "./table.ts";

/** So many numbers of a Parquet file are decoded at a time, or a row group if it has fewer. */
const decodedNumbers = 1 << 22;

/** What Parquet files begin and end with. */
const parquetMark = "PAR1";

/** A Parquet file. @throws InputError if it cannot be read */
export async function openParquet(path: string): Promise<Table> {
  const { asyncBufferFromFile, parquetScan, parquetSchema } = await import("hyparquet");
  const { compressors } = await import("hyparquet-compressors");
  const trying = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cannotRead(path, error);
    }
  };
  const isParquet = async (): Promise<boolean> => {
    const ends = Object.values(await endsOf(path, parquetMark.length));
    return ends.every((end: Uint8Array) => new TextDecoder().decode(end) === parquetMark);
  };
  if (!(await trying(isParquet))) throw cannotRead(path, "it is no Parquet file, or cut short");
  const scan = await trying(async () => parquetScan({ file: await asyncBufferFromFile(path), compressors }));
  const columns = parquetSchema(scan.metadata).children.map(({ element }) => element.name);
  const count = Number(scan.metadata.num_rows);
  return {
    columns,
    count,
    counted: async () => count,
    read: ({ numbers, texts } = { numbers: [], texts: [...columns.keys()] }) => {
      const wanted = [...new Set([...numbers, ...texts])];
      const step = Math.ceil(decodedNumbers / Math.max(1, wanted.length));
      /** The stretch of a row group that is decoded. */
      let decoded: { readonly first: number; readonly end: number; readonly cells: ArrayLike<unknown>[] };
      const decode = async (row: number): Promise<typeof decoded> => {
        const group = scan.ranges.find(({ rowStart, rowEnd }) => rowStart <= row && row < rowEnd);
        if (!group) throw new Error(`there is no row ${row}`);
        const first = row - ((row - group.rowStart) % step);
        const end = Math.min(group.rowEnd, first + step);
        const cells: ArrayLike<unknown>[] = [];
        for (const column of wanted)
          cells[column] = await scan.readColumn({
            column: columns[column] ?? "",
            rowStart: first,
            rowEnd: end,
          });
        return { first, end, cells };
      };
      return {
        take: async (first, most) => {
          const taken = Math.max(0, Math.min(most, count - first));
          const cells: unknown[][] = [];
          for (const column of wanted) cells[column] = [];
          for (let row = first; row < first + taken; row++) {
            if (!decoded || row < decoded.first || row >= decoded.end)
              decoded = await trying(() => decode(row));
            for (const column of wanted) cells[column]?.push(decoded.cells[column]?.[row - decoded.first]);
          }
          return rowsOf(taken, (row, column) => cells[column]?.[row]);
        },
        close: async () => undefined,
      };
    },
  };
}
