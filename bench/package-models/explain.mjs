/** Explains one model, and says whether the explanation holds. */
import { compile, readLedger, RelpropError } from "@relprop/core";
import { concatChunks, readModel, writeModel } from "@relprop/core/onnx";
import * as ort from "onnxruntime-node";

/** Limits: of outputs and relevance that nothing accounts for, and of slopes against differences; each of the largest number. */
const limits = { output: 1e-3, unaccounted: 1e-3, slope: 2e-2 };
const directions = 6;
/** Steps of central differences, of the input's range. Only neighbours that agree tell a slope: large ones cross kinks, small ones round. */
const steps = [1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5];
/** So many inputs are tried until slopes agree: near a kink of one, they say nothing. */
const tries = 3;

/** Reproducible numbers in [0, 1): a linear congruential generator (Numerical Recipes). */
function random(seed) {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const sizeOf = (dims) => dims.reduce((a, n) => a * n, 1);

const arrays = {
  float32: (numbers) => Float32Array.from(numbers),
  int32: (numbers) => Int32Array.from(numbers, Math.floor),
  int64: (numbers) => BigInt64Array.from(numbers, (n) => BigInt(n)),
};

const tensorOf = (dataType, numbers, dims) => new ort.Tensor(dataType, arrays[dataType](numbers), dims);

/** A line of black and white squares, four pixels wide, across the middle of white pictures. */
function lineOf(dims, low, high, next) {
  const [width, height] = [dims.at(-1), dims.at(-2)];
  const isDark = Array.from({ length: width * height }, () => next() < 0.5);
  return Array.from({ length: sizeOf(dims) }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width) % height];
    const isOff = Math.abs(y - height / 2) > 10 || Math.abs(x - width / 2) > width / 2 - 20;
    return isOff || !isDark[Math.floor(y / 4) * width + Math.floor(x / 4)] ? high : low;
  });
}

/** What a model is fed: random numbers, zeros for states, and its settings. */
function feedsOf({ graph }, input, { dims, values: [low, high], isLine, feeds = {}, set = {} }, turn = 0) {
  const next = random(7 + turn);
  const numbers = isLine
    ? lineOf(dims, low, high, next)
    : Array.from({ length: sizeOf(dims) }, () => low + next() * (high - low));
  const others = graph.inputs.flatMap(({ name, dataType, shape }) => {
    if (name in feeds)
      return [
        [
          name,
          tensorOf(
            dataType,
            Array.from({ length: sizeOf(feeds[name]) }, () => 0),
            feeds[name],
          ),
        ],
      ];
    return name in set ? [[name, tensorOf(dataType, [set[name]], shape)]] : [];
  });
  return { [input.name]: tensorOf(input.dataType, numbers, dims), ...Object.fromEntries(others) };
}

async function open(bytes) {
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  return async (feeds) => {
    const given = Object.entries(feeds).filter(([name]) => session.inputNames.includes(name));
    return session.run(Object.fromEntries(given));
  };
}

const openModel = (model) => open(concatChunks(writeModel(model).chunks));

/** max |a − b| / max |b| */
function distance(a, b) {
  let [most, largest] = [a.length === b.length ? 0 : Infinity, 0];
  for (let i = 0; i < b.length; i++) {
    most = Math.max(most, Math.abs(a[i] - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  }
  return most / (largest || 1);
}

/** Where the largest number is, of probabilities the largest that is not all but certain: there float32 has no slopes. */
function chosenAt(data) {
  const areShares = data.every((p) => p >= 0 && p <= 1);
  const isOpen = (p) => !areShares || p < 0.95;
  let best = -1;
  for (let i = 0; i < data.length; i++) if (isOpen(data[i]) && (best < 0 || data[i] > data[best])) best = i;
  return Math.max(best, 0);
}

/** Relevance that the ledger cannot account for, of its largest sum of magnitudes. */
function unaccountedOf(layout, { data, dims }) {
  const [first] = readLedger(layout, { data, dims });
  const largest = Math.max(...first.entries.map(({ sums }) => sums.magnitude));
  const stayed = Object.values(first.stayed).reduce((sum, part) => sum + part, 0);
  const rest = Math.max(...first.entries.map(({ sums }) => Math.abs(sums.rest)));
  return Math.max(rest, Math.abs(first.start - first.reached - stayed)) / largest;
}

/**
 * The largest difference of slopes from central differences along random parts of the gradient, relative to the slope; undefined where
 * float32 resolves no difference.
 */
async function slopeError(run, feeds, name, gradient, valueOf, range) {
  const { data: x, dims } = feeds[name];
  const next = random(11);
  let worst;
  for (let turn = 0; turn < directions; turn++) {
    const part = Float64Array.from(gradient, (g) => (next() < 0.5 ? g : 0));
    const largest = part.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const along = part.map((g) => g / largest);
    const slope = along.reduce((sum, d, i) => sum + d * gradient[i], 0);
    const found = [];
    for (const step of steps.map((each) => each * range)) {
      const at = async (sign) => {
        const moved = new ort.Tensor(
          "float32",
          x.map((each, i) => each + sign * step * along[i]),
          dims,
        );
        return valueOf(await run({ ...feeds, [name]: moved }));
      };
      found.push(((await at(1)) - (await at(-1))) / (2 * step));
    }
    const told = found.filter(
      (each, i) => i > 0 && each !== 0 && Math.abs(each - found[i - 1]) <= limits.slope * Math.abs(each),
    );
    const errors = told.map((each) => Math.abs(each - slope) / Math.abs(slope));
    if (errors.length > 0) worst = Math.max(worst ?? 0, Math.min(...errors));
  }
  return worst;
}

const rounded = (number) => (number === undefined ? undefined : Number(number.toPrecision(2)));

/** @returns the verdict, its reason, and what was measured */
export async function explain(bytes, model) {
  const source = readModel(bytes);
  const options = model.set ? { set: model.set } : {};
  let compiled;
  try {
    compiled = compile(source, { ledger: true, ...options });
  } catch (error) {
    if (!(error instanceof RelpropError)) throw error;
    return { verdict: "refused", reason: error.message.split("\n")[0].split("; ")[0] };
  }
  const { input, outputName, settings } = compiled;
  const feeds = feedsOf(source, input, model);
  const own = await open(bytes);
  const expected = (await own(feeds))[outputName];
  const best = chosenAt(expected.data);
  const ones = new Float32Array(expected.data.length);
  ones[best] = 1;
  const target = new ort.Tensor("float32", ones, expected.dims);
  const {
    relevance,
    ledger,
    [outputName]: output,
  } = await (await openModel(compiled.model))({ ...feeds, target });
  const measured = {
    output: distance(output.data, expected.data),
    unaccounted: unaccountedOf(compiled.ledger, ledger),
  };
  if (input.dataType === "float32" && !model.isRounded) {
    const plain = compile(source, { composite: "gradient", start: "output", ...options });
    const backward = await openModel(plain.model);
    const [low, high] = model.values;
    const valueOf = (results) => results[outputName].data[best];
    for (let turn = 0; turn < tries && !(measured.slope <= limits.slope); turn++) {
      const other = feedsOf(source, input, model, turn);
      const { relevance: gradient } = await backward({ ...other, target });
      const error = await slopeError(own, other, input.name, gradient.data, valueOf, high - low);
      if (error !== undefined) measured.slope = Math.min(error, measured.slope ?? Infinity);
    }
  }
  const numbers = Array.from(relevance.data);
  const wrong = [
    ...(numbers.every(Number.isFinite) ? [] : ["relevance is not finite"]),
    ...(numbers.some((n) => n !== 0) ? [] : ["relevance is zero"]),
    ...Object.entries(measured).flatMap(([name, number]) =>
      number <= limits[name] ? [] : [`${name} differs by ${rounded(number)}`],
    ),
  ];
  const facts = {
    explained: outputName,
    kind: compiled.facts.kind,
    composite: settings.composite,
    nodes: source.graph.nodes.length,
    ...Object.fromEntries(Object.entries(measured).map(([name, number]) => [name, rounded(number)])),
  };
  return wrong.length > 0
    ? { verdict: "wrong", reason: wrong.join(", "), ...facts }
    : { verdict: "explained", ...facts };
}
