/** Some rows of a table, drawn evenly from however many there are, in bounded memory. */

/** Rows that are kept at most, and numbers. */
const mostRows = 2000;
const mostNumbers = 2 ** 18;

/** Values and relevance of rows, chosen by reservoir sampling (Vitter 1985, algorithm R) from a fixed seed. */
export class RowSample {
  /** How many rows there were. */
  seen = 0;
  features = 0;
  #values: Float32Array[] = [];
  #relevance: Float32Array[] = [];
  #random = 1;

  /**
   * Some of the next rows.
   * @param values of rows, [count, features]
   * @param relevance as `values`, at least so many
   * @param isIn whether a row counts
   */
  add(
    values: Float32Array,
    relevance: Float32Array,
    count: number,
    isIn: (row: number) => boolean = () => true,
  ): void {
    const features = values.length / count;
    this.features = features;
    const most = Math.max(2, Math.min(mostRows, Math.floor(mostNumbers / Math.max(1, features))));
    for (let row = 0; row < count; row++) {
      if (!isIn(row)) continue;
      const place = this.seen < most ? this.seen : Math.floor(this.#next() * (this.seen + 1));
      this.seen++;
      if (place >= most) continue;
      this.#values[place] = values.slice(row * features, (row + 1) * features);
      this.#relevance[place] = relevance.slice(row * features, (row + 1) * features);
    }
  }

  /** The rows that are kept, [rows, features]. */
  get values(): Float32Array {
    return joined(this.#values);
  }

  /** Their relevance. */
  get relevance(): Float32Array {
    return joined(this.#relevance);
  }

  get kept(): number {
    return this.#values.length;
  }

  /** All of it as JSON. */
  state(): unknown {
    const { seen, features } = this;
    return {
      seen,
      features,
      random: this.#random,
      values: text(this.values),
      relevance: text(this.relevance),
    };
  }

  /** What {@link state} gave; undefined if it is something else. */
  static from(state: unknown): RowSample | undefined {
    const { seen, features, random, values, relevance } = Object(state) as Record<string, unknown>;
    if (typeof seen !== "number" || typeof features !== "number" || typeof random !== "number")
      return undefined;
    if (typeof values !== "string" || typeof relevance !== "string") return undefined;
    const rows = new RowSample();
    rows.seen = seen;
    rows.features = features;
    rows.#random = random;
    rows.#values = parted(values, features);
    rows.#relevance = parted(relevance, features);
    return rows;
  }

  /** Uniform in [0, 1): mulberry32. */
  #next(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
}

function joined(rows: readonly Float32Array[]): Float32Array {
  const size = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * size);
  for (const [i, row] of rows.entries()) all.set(row, i * size);
  return all;
}

const text = ({ buffer, byteOffset, byteLength }: Float32Array): string =>
  Buffer.from(buffer, byteOffset, byteLength).toString("base64");

function parted(base64: string, features: number): Float32Array[] {
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  const all = new Float32Array(bytes.buffer);
  return Array.from({ length: features === 0 ? 0 : all.length / features }, (_, i) =>
    all.slice(i * features, (i + 1) * features),
  );
}
