/** Methods start where relevance does: at the logits, also where these are put together anew. */

import { describe, expect, it } from "vitest";
import { compile, compileMethod, type Compiled, type MethodOptions } from "../../src/index.ts";
import { int, type Value } from "../../src/onnx/index.ts";
import { logitsName, withOutput } from "../../src/run/session-model.ts";
import { modelOf, outputModels, type OutputModel } from "../support/output-models.ts";
import { array } from "../support/random-net.ts";
import { randomNumbers, relativeDistance, runModel } from "../support/run.ts";

const named = (name: string): OutputModel => outputModels.find((each) => each.name === name) as OutputModel;

const isPicture = ({ input }: OutputModel): boolean => input.length === 4;

/** Two networks on one picture, their probabilities averaged. */
const ensemble: OutputModel = {
  name: "two convolutional members of an ensemble, averaged",
  input: [1, 3, 8, 8],
  kind: "classes",
  scale: "probability by softmax",
  build: (b, x, respond) => {
    const features = b.relu(b.conv(x, 3, 6));
    const member = (): Value => {
      const pooled = b.op("Flatten", [b.op("GlobalAveragePool", [b.relu(b.conv(features, 6, 6))])]);
      return respond(b.dense(pooled, 6, 4), (z) => b.op("Softmax", [z]));
    };
    return b.op("Mean", [member(), member()]);
  },
};

const models: readonly OutputModel[] = [
  ...[
    "boxes beside scores, anchors last",
    "boxes beside scores, anchors first",
    "boxes from distributions beside scores",
    "boxes put together anew beside slices of the scores",
    "boxes and scores apart",
    "σ(z) beside 1 − σ(z)",
    "two members of an ensemble, averaged",
    "three members of an ensemble, stacked and averaged",
    "heads of one sigmoid each, put side by side",
    "an objectness times classes",
    "a map with the classes last",
    "a U-Net of two classes",
    "a U-Net of one class",
  ].map(named),
  ensemble,
];

const methods: readonly MethodOptions[] = [
  { method: "input-x-gradient" },
  { method: "integrated-gradients", steps: 4 },
  { method: "smoothgrad", samples: 3 },
  { method: "grad-cam" },
];

describe.each(models)("$name", (each) => {
  const usable = methods.filter(({ method }) => method !== "grad-cam" || isPicture(each));
  it.each(usable)("with $method has the relevance and the numbers of its logits", async (options) => {
    const own = sessionModelOf(each, true, options);
    const twin = sessionModelOf(each, false, { ...options, start: "output" });
    const dims = own.output.shape.map((dim) => (typeof dim === "number" ? dim : 1));
    const size = dims.reduce((a, n) => a * n, 1);
    const weights = randomNumbers(size, 3);
    const feedsOf = (data: Float32Array) => ({
      input: array(each.input, 5),
      target: { data, dims },
      ...(options.method === "smoothgrad" && { noise: array([3, ...each.input.slice(1)], 9) }),
    });
    let highest = 0;
    // Of one of the two Grad-CAM may show nothing.
    for (const data of [weights, weights.map((n) => -n)]) {
      const got = await runModel(own.model, feedsOf(data));
      const wanted = await runModel(twin.model, feedsOf(data));
      highest = Math.max(highest, ...wanted["relevance"]!.data.map(Math.abs));
      expect(relativeDistance(got["relevance"]!.data, wanted["relevance"]!.data)).toBeLessThan(1e-5);
      // The logits are what the answer's number is read from.
      const logits = got[logitsName] ?? got[own.output.name];
      const plain = wanted[twin.output.name] ?? wanted[logitsName];
      expect(relativeDistance(logits!.data, plain!.data)).toBeLessThan(1e-5);
    }
    expect(highest).toBeGreaterThan(0);
    // And the compiled model runs without that output.
    await runModel(compileMethod(modelOf(each), options).model, feedsOf(weights));
  });
});

/** What a session runs: the compiled model, which also outputs the logits. */
function sessionModelOf(
  each: OutputModel,
  responds: boolean,
  options: MethodOptions,
): Pick<Compiled, "model" | "output"> {
  const { model, output } = compileMethod(modelOf(each, responds), options);
  const { graph } = model;
  if (graph.outputs.some(({ name }) => name === output.name)) return { model, output };
  return { model: { ...model, graph: withOutput(graph, output, logitsName) }, output };
}

/** The layer that Grad-CAM takes by itself. */
const layerOf = (each: OutputModel, responds = true): string => {
  const { model } = compileMethod(modelOf(each, responds), { method: "grad-cam" });
  return (JSON.parse(model.metadata["relprop.method"] as string) as { layer: string }).layer;
};

describe("the last feature map", () => {
  it.each(models.filter((each) => isPicture(each) && each !== ensemble))(
    "of $name lies before the logits",
    (each) => {
      expect(layerOf(each)).toBe("Relu");
      expect(layerOf(each, false)).toBe("Relu");
    },
  );

  it("is one that all members of an ensemble see", () => {
    expect(layerOf(ensemble)).toBe("Relu");
  });

  const classesLast: OutputModel = {
    ...named("a map with the classes last"),
    build: (b, x, respond) => {
      const z = b.op("Identity", [b.conv(b.relu(b.conv(x, 3, 6)), 6, 3)], {}, "z");
      const p = respond(z, (each) => b.op("Softmax", [each], {}, "p"));
      return b.transpose(p, [0, 2, 3, 1]);
    },
  };

  it("cannot be what holds the logits or comes after them", () => {
    const unet = modelOf(named("a U-Net of two classes"));
    const logits = compile(unet).output.name;
    const compiling = (model: typeof unet, layer: string) => () =>
      compileMethod(model, { method: "grad-cam", layer });
    expect(compiling(unet, logits)).toThrow("it holds the logits, where relevance starts");
    expect(compiling(modelOf(classesLast), "p")).toThrow("it comes after the logits, where relevance starts");
  });

  it("is refused where there is none before the answer", () => {
    const one: OutputModel = {
      ...named("a U-Net of two classes"),
      build: (b, x, respond) => respond(b.conv(x, 3, 2), (z) => b.op("Softmax", [z], { axis: int(1) })),
    };
    expect(() => layerOf(one)).toThrow("the model has no last feature map");
  });
});
