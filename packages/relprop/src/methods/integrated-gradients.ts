import type { Compiled } from "../compile/compile.ts";
import { OptionError } from "../errors.ts";
import type { Model, Value } from "../onnx/graph.ts";
import { channelAxis } from "../relevance/seed.ts";
import { finish, gradientGraph, methodInput, type GradientGraph } from "./gradient-graph.ts";
import { countOption, type IntegratedGradientsOptions } from "./options.ts";
import { meanGradient, requirePoints } from "./repeated.ts";
import { shownValue } from "../plain-text.ts";

type Baseline = NonNullable<IntegratedGradientsOptions["baseline"]>;

/** Compiles {@link IntegratedGradientsOptions}. The model's outputs are those of x, not of the path. */
export function integratedGradients(source: Model, options: IntegratedGradientsOptions): Compiled {
  const { method, steps = 32, baseline = 0, ...shared } = options;
  countOption("steps", steps);
  const open = gradientGraph(source, shared, { method, target: "later" });
  requirePoints(open, method);
  const { b, x } = open;
  const start = baselineValue(open, x, baseline);
  const way = start ? b.op("Sub", [x, start]) : x;
  const midpoints = Array.from({ length: steps }, (_, k) => (k + 0.5) / steps);
  const part = b.op("Mul", [way, b.numbers(midpoints, [steps, ...x.shape.map(() => 1)])]);
  const points = start ? b.op("Add", [part, start]) : part;
  const mean = meanGradient(open, points, steps, options);
  return finish(open, b.op("Mul", [mean, way]), options, { steps, baseline });
}

/** The baseline in a shape that broadcasts to x; undefined for zero. */
function baselineValue(open: GradientGraph, x: Value, baseline: Baseline): Value | undefined {
  const { b } = open;
  if (baseline === "input") return methodInput(open, "baseline", x.shape);
  const numbers = typeof baseline === "number" ? [baseline] : baseline;
  if (!Array.isArray(numbers) || !numbers.every(Number.isFinite)) {
    throw new OptionError({
      what: `the baseline cannot be ${shownValue(baseline)}`,
      why: 'it is a number, one number for each channel, or "input"',
    });
  }
  if (typeof baseline === "number") return baseline === 0 ? undefined : b.scalar(baseline);
  const axis = channelAxis(x);
  const channels = x.shape[axis];
  if (channels !== numbers.length) {
    throw new OptionError({
      what: `the baseline cannot have ${numbers.length} numbers`,
      why: `the input "${x.name}" [${x.shape.join(", ")}] has ${channels ?? "no"} channels`,
      fix: 'give one number for each channel, or baseline "input" for a tensor',
    });
  }
  return b.numbers(numbers, [numbers.length, ...x.shape.slice(axis + 1).map(() => 1)]);
}
