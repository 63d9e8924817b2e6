/**
 * Recurrent layers in float64, number by number: each step is written down as sums, products and functions of single numbers, and
 * relevance goes back along that list. Nothing of it is shared with the graphs that are compiled.
 */

export type CellRuleName = "lstm-all" | "lstm-half" | "lstm-prop" | "gradient";

interface Entry {
  readonly value: number;
  /** Relevance of what it was made of. */
  readonly back: (R: number, give: (index: number, R: number) => void) => void;
}

const stable = (z: number, epsilon: number): number => z + (z >= 0 ? epsilon : -epsilon);

/** A function, its slope, for numbers that are cut off at ±clip before. */
export const functions: Readonly<
  Record<
    string,
    readonly [(x: number, a: number, b: number) => number, (x: number, a: number, b: number) => number]
  >
> = {
  Tanh: [Math.tanh, (x) => 1 - Math.tanh(x) ** 2],
  Sigmoid: [(x) => 1 / (1 + Math.exp(-x)), (x) => Math.exp(-x) / (1 + Math.exp(-x)) ** 2],
  Relu: [(x) => Math.max(0, x), (x) => (x > 0 ? 1 : 0)],
  Affine: [(x, a, b) => a * x + b, (_x, a) => a],
  LeakyRelu: [(x, a) => (x > 0 ? x : a * x), (x, a) => (x > 0 ? 1 : a)],
  ThresholdedRelu: [(x, a) => (x > a ? x : 0), (x, a) => (x > a ? 1 : 0)],
  ScaledTanh: [(x, a, b) => a * Math.tanh(b * x), (x, a, b) => a * b * (1 - Math.tanh(b * x) ** 2)],
  HardSigmoid: [
    (x, a, b) => Math.min(1, Math.max(0, a * x + b)),
    (x, a, b) => (a * x + b > 0 && a * x + b < 1 ? a : 0),
  ],
  Elu: [(x, a) => (x > 0 ? x : a * (Math.exp(x) - 1)), (x, a) => (x > 0 ? 1 : a * Math.exp(x))],
  Softsign: [(x) => x / (1 + Math.abs(x)), (x) => 1 / (1 + Math.abs(x)) ** 2],
  Softplus: [(x) => Math.log1p(Math.exp(x)), (x) => 1 / (1 + Math.exp(-x))],
};

class Tape {
  readonly entries: Entry[] = [];
  readonly rule: CellRuleName;
  readonly epsilon: number;

  constructor(rule: CellRuleName, epsilon: number) {
    this.rule = rule;
    this.epsilon = epsilon;
  }

  value(index: number): number {
    return (this.entries[index] as Entry).value;
  }

  #add(value: number, back: Entry["back"]): number {
    return this.entries.push({ value, back }) - 1;
  }

  /** Something that is given. */
  leaf(value: number): number {
    return this.#add(value, () => undefined);
  }

  /** Σ w·v + b */
  linear(terms: readonly (readonly [index: number, w: number])[], bias: number): number {
    const z = terms.reduce((sum, [index, w]) => sum + w * this.value(index), bias);
    return this.#add(z, (R, give) => {
      for (const [index, w] of terms)
        give(index, this.rule === "gradient" ? w * R : (w * this.value(index) * R) / stable(z, this.epsilon));
    });
  }

  sum(...terms: readonly number[]): number {
    return this.linear(
      terms.map((term) => [term, 1]),
      0,
    );
  }

  apply(index: number, { name, a, b, clip }: Applied): number {
    const [f, slope] = functions[name] as (typeof functions)[string];
    const x = this.value(index);
    const inside = clip > 0 ? Math.max(-clip, Math.min(clip, x)) : x;
    const isCut = clip > 0 && Math.abs(x) > clip;
    return this.#add(f(inside, a, b), (R, give) =>
      give(index, this.rule === "gradient" ? (isCut ? 0 : R * slope(inside, a, b)) : R),
    );
  }

  /** 1 − v of a gate. */
  rest(index: number): number {
    return this.#add(1 - this.value(index), (R, give) => give(index, this.rule === "gradient" ? -R : R));
  }

  /** signal · gate; what both were made of, before their functions, is for lstm-prop. */
  product(signal: number, gate: number, before: readonly [signal: number, gate: number]): number {
    const [s, g] = [this.value(signal), this.value(gate)];
    return this.#add(s * g, (R, give) => {
      const [zs, zg] = before.map((index) => Math.abs(this.value(index))) as [number, number];
      const share = {
        gradient: [g, s],
        "lstm-all": [1, 0],
        "lstm-half": [0.5, 0.5],
        "lstm-prop": zs + zg === 0 ? [1, 0] : [zs / (zs + zg), zg / (zs + zg)],
      }[this.rule] as [number, number];
      give(signal, R * share[0]);
      give(gate, R * share[1]);
    });
  }

  /** Relevance of all numbers. */
  backward(start: ReadonlyMap<number, number>): number[] {
    const relevance = this.entries.map((_, index) => start.get(index) ?? 0);
    for (let index = this.entries.length - 1; index >= 0; index--)
      this.entries[index]?.back(relevance[index] as number, (to, R) => {
        relevance[to] = (relevance[to] as number) + R;
      });
    return relevance;
  }
}

interface Applied {
  readonly name: string;
  readonly a: number;
  readonly b: number;
  readonly clip: number;
}

/** A layer as ONNX defines it; lists are row-major. */
export interface Layer {
  readonly op: "LSTM" | "GRU" | "RNN";
  readonly sizes: {
    readonly steps: number;
    readonly samples: number;
    readonly features: number;
    readonly hidden: number;
  };
  readonly direction: "forward" | "reverse" | "bidirectional";
  readonly x: ArrayLike<number>;
  readonly W: ArrayLike<number>;
  readonly R: ArrayLike<number>;
  readonly B?: ArrayLike<number> | undefined;
  readonly P?: ArrayLike<number> | undefined;
  readonly lengths?: readonly number[] | undefined;
  readonly h0?: ArrayLike<number> | undefined;
  readonly c0?: ArrayLike<number> | undefined;
  /** With their α and β, for each direction in turn. */
  readonly activations: readonly (readonly [name: string, a?: number, b?: number])[];
  readonly clip?: number;
  readonly isCoupled?: boolean;
  readonly isLinearFirst?: boolean;
}

/** What the layer puts out, or its relevance, as ONNX lays it out. */
export interface Outputs {
  readonly Y: Float64Array;
  readonly Y_h: Float64Array;
  readonly Y_c: Float64Array;
}

export interface Explained {
  readonly outputs: Outputs;
  readonly x: Float64Array;
  readonly h0: Float64Array;
  readonly c0: Float64Array;
}

const gatesOf = { LSTM: 4, GRU: 3, RNN: 1 } as const;

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const at = (list: ArrayLike<number>, index: number): number => list[index] as number;

/** Runs a layer, and takes relevance of its outputs back. */
export function explainLayer(
  layer: Layer,
  rule: CellRuleName,
  epsilon: number,
  start: (outputs: Outputs) => Partial<Outputs>,
): Explained {
  const { op, sizes, direction } = layer;
  const { steps, samples, features, hidden } = sizes;
  const directions = direction === "bidirectional" ? 2 : 1;
  const gates = gatesOf[op];
  const tape = new Tape(rule, epsilon);
  const xs = range(steps * samples * features).map((i) => tape.leaf(at(layer.x, i)));
  const states = range(directions * samples * hidden);
  const h0 = states.map((i) => tape.leaf(layer.h0 ? at(layer.h0, i) : 0));
  const c0 = states.map((i) => tape.leaf(layer.c0 ? at(layer.c0, i) : 0));
  const Y: (number | undefined)[] = range(steps * directions * samples * hidden).map(() => undefined);
  const [Yh, Yc] = [[...h0], [...c0]];
  const perDirection = layer.activations.length / directions;

  for (const d of range(directions)) {
    const functionsOf = layer.activations
      .slice(d * perDirection, (d + 1) * perDirection)
      .map(([name, a = 0, b = 0]): Applied => ({ name, a, b, clip: layer.clip ?? 0 })) as Applied[];
    const w = (gate: number, j: number, k: number): number =>
      at(layer.W, ((d * gates + gate) * hidden + j) * features + k);
    const r = (gate: number, j: number, k: number): number =>
      at(layer.R, ((d * gates + gate) * hidden + j) * hidden + k);
    const bias = (half: number, gate: number, j: number): number =>
      layer.B ? at(layer.B, ((d * 2 + half) * gates + gate) * hidden + j) : 0;
    const peephole = (gate: number, j: number): number =>
      layer.P ? at(layer.P, (d * 3 + gate) * hidden + j) : 0;
    for (const n of range(samples)) {
      const length = layer.lengths?.[n] ?? steps;
      const order = range(length);
      if (direction === "reverse" || d === 1) order.reverse();
      let h = range(hidden).map((j) => h0[(d * samples + n) * hidden + j] as number);
      let c = range(hidden).map((j) => c0[(d * samples + n) * hidden + j] as number);
      for (const t of order) {
        const ofInput = (gate: number, j: number): (readonly [number, number])[] =>
          range(features).map((k) => [xs[(t * samples + n) * features + k] as number, w(gate, j, k)]);
        const ofState = (gate: number, j: number, state: readonly number[]): (readonly [number, number])[] =>
          range(hidden).map((k) => [state[k] as number, r(gate, j, k)]);
        const z = (gate: number, j: number, more: (readonly [number, number])[] = [], state = h): number =>
          tape.linear(
            [...ofInput(gate, j), ...ofState(gate, j, state), ...more],
            bias(0, gate, j) + bias(1, gate, j),
          );
        const [f0, f1, f2] = functionsOf as [Applied, Applied, Applied];
        let next: number[];
        if (op === "RNN") next = range(hidden).map((j) => tape.apply(z(0, j), f0));
        else if (op === "LSTM") {
          const memories = range(hidden).map((j): readonly [number, number] => {
            const before = c[j] as number;
            const seen = (gate: number): (readonly [number, number])[] =>
              layer.P ? [[before, peephole(gate === 2 ? 2 : gate, j)]] : [];
            const zi = z(0, j, seen(0));
            const i = tape.apply(zi, f0);
            const zf = layer.isCoupled ? zi : z(2, j, seen(2));
            const f = layer.isCoupled ? tape.rest(i) : tape.apply(zf, f0);
            const zg = z(3, j);
            const g = tape.apply(zg, f1);
            const now = tape.sum(tape.product(before, f, [before, zf]), tape.product(g, i, [zg, zi]));
            const zo = z(1, j, layer.P ? [[now, peephole(1, j)]] : []);
            return [now, tape.product(tape.apply(now, f2), tape.apply(zo, f0), [now, zo])];
          });
          c = memories.map(([now]) => now);
          next = memories.map(([, out]) => out);
        } else {
          const old = h;
          const zr = range(hidden).map((j) => z(1, j));
          const rs = zr.map((each) => tape.apply(each, f0));
          const reset = old.map((state, j) => tape.product(state, rs[j] as number, [state, zr[j] as number]));
          next = range(hidden).map((j) => {
            const zz = z(0, j);
            const u = tape.apply(zz, f0);
            const linear = tape.linear(ofState(2, j, old), bias(1, 2, j));
            const gated = tape.product(linear, rs[j] as number, [linear, zr[j] as number]);
            const zn = layer.isLinearFirst
              ? tape.linear([...ofInput(2, j), [gated, 1]], bias(0, 2, j))
              : z(2, j, [], reset);
            const made = tape.apply(zn, f1);
            const state = old[j] as number;
            return tape.sum(tape.product(state, u, [state, zz]), tape.product(made, tape.rest(u), [zn, zz]));
          });
        }
        h = next;
        for (const j of range(hidden)) Y[((t * directions + d) * samples + n) * hidden + j] = h[j];
      }
      for (const j of range(hidden)) {
        Yh[(d * samples + n) * hidden + j] = h[j] as number;
        Yc[(d * samples + n) * hidden + j] = c[j] as number;
      }
    }
  }
  const valuesOf = (list: readonly (number | undefined)[]): Float64Array =>
    Float64Array.from(list, (index) => (index === undefined ? 0 : tape.value(index)));
  const outputs = { Y: valuesOf(Y), Y_h: valuesOf(Yh), Y_c: valuesOf(Yc) };
  const given = start(outputs);
  const seed = new Map<number, number>();
  for (const [name, list] of [
    ["Y", Y],
    ["Y_h", Yh],
    ["Y_c", Yc],
  ] as const)
    for (const [i, index] of list.entries())
      if (index !== undefined) seed.set(index, (seed.get(index) ?? 0) + (given[name]?.[i] ?? 0));
  const relevance = tape.backward(seed);
  const relevanceOf = (list: readonly number[]): Float64Array =>
    Float64Array.from(list, (index) => relevance[index] as number);
  return { outputs, x: relevanceOf(xs), h0: relevanceOf(h0), c0: relevanceOf(c0) };
}
