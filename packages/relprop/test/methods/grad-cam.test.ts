/** Grad-CAM and relevance at inner layers, against central differences and arithmetic in plain TypeScript. */

import { describe, expect, it } from "vitest";
import { compile, compileMethod } from "../../src/index.ts";
import type { Model } from "../../src/onnx/index.ts";
import { relativeDistance } from "../support/run.ts";
import {
  classes,
  convnet,
  explained,
  images,
  modelOf,
  pixels,
  sampleOf,
  session,
  sum,
  target,
  weights,
} from "./nets.ts";

/** The layer that Grad-CAM takes by itself. */
const layerOf = (make: Parameters<typeof modelOf>[0]): string =>
  JSON.parse(compileMethod(modelOf(make), { method: "grad-cam" }).model.metadata["relprop.method"]!).layer;

describe("grad-cam", () => {
  /** The same sum in plain numbers, from the layer's values and central differences of what comes after it. */
  it("weighs feature maps by their mean gradient", async () => {
    const net = convnet("Relu", true);
    const graph = net.graph;
    const head = modelOf(
      (b, x) =>
        b.op("Gemm", [b.op("Flatten", [b.op("GlobalAveragePool", [x])]), weights(b, [classes, 6], 5)], {
          transB: { type: "int", value: 1 },
        }),
      ["N", 6, 4, 3],
    );
    const inner: Model = {
      ...net,
      graph: {
        ...graph,
        outputs: [...graph.outputs, { name: "act2", dataType: "float32", shape: ["N", 6, 4, 3] }],
      },
    };
    const open = await session(inner);
    const maps = (await open.run({ input: images(2) }))["act2"]!;
    const after = await session(head);
    const score = async (data: Float32Array): Promise<readonly number[]> => {
      const y = (await after.run({ input: { data, dims: maps.dims } }))["output"]!;
      return [y.data[2] as number, y.data[classes] as number];
    };
    const cam = new Float64Array(2 * 12);
    for (let channel = 0; channel < 6; channel++) {
      // Moving a whole map by h changes the score by h · Σ gradient = h · 12 · mean gradient.
      const moved = (h: number): Float32Array =>
        maps.data.map((n, i) => (Math.floor(i / 12) % 6 === channel ? n + h : n));
      const [up, down] = [await score(moved(0.1)), await score(moved(-0.1))];
      for (const sample of [0, 1]) {
        const weight = ((up[sample] as number) - (down[sample] as number)) / 0.2 / 12;
        for (let at = 0; at < 12; at++)
          cam[sample * 12 + at] =
            (cam[sample * 12 + at] as number) +
            weight * (maps.data[(sample * 6 + channel) * 12 + at] as number);
      }
    }
    const expected = bilinear(
      Array.from(cam, (n) => Math.max(0, n)),
      2,
      [4, 3],
      [8, 6],
    );
    const compiled = compileMethod(net, { method: "grad-cam" });
    expect(compiled.model.metadata["relprop.method"]).toBe('{"method":"grad-cam","layer":"act2"}');
    const { relevance, output } = await explained(net, { method: "grad-cam" });
    expect(relevance!.dims).toEqual([2, 8, 6]);
    expect(relativeDistance(relevance!.data, expected)).toBeLessThan(1e-3);
    expect(output).toEqual((await open.run({ input: images(2) }))["output"]);
    // The same by name, at an open size, and of a node.
    const byName = await explained(convnet("Relu", true, ["N", 3, "H", "W"]), {
      method: "grad-cam",
      layer: "act2",
    });
    expect(relativeDistance(byName["relevance"]!.data, relevance!.data)).toBeLessThan(1e-5);
    await open.release();
    await after.release();
  });

  it("takes any layer, and says which it cannot take", async () => {
    const net = convnet("Relu", true);
    const { relevance } = await explained(net, { method: "grad-cam", layer: "act1" });
    expect(relevance!.dims).toEqual([2, 8, 6]);
    const compiling = (layer: string) => () => compileMethod(net, { method: "grad-cam", layer });
    expect(compiling("act3")).toThrow('relevance cannot stop at "act3"');
    expect(compiling("act3")).toThrow("did you mean");
    expect(compiling("output")).toThrow("it is the explained output itself");
    expect(compiling("Flatten")).toThrow("grad-cam needs images and feature maps");
    const dense = modelOf((b, x) => b.op("MatMul", [b.op("Flatten", [x]), weights(b, [pixels, 2], 1)]));
    expect(() => compileMethod(dense, { method: "grad-cam" })).toThrow("the model has no last feature map");
  });

  it("finds the last map where branches are concatenated and where tensors are turned to [N, H, W, C]", () => {
    expect(
      layerOf((b, x) => {
        const branch = (seed: number) => b.op("Relu", [b.op("Conv", [x, weights(b, [2, 3, 1, 1], seed)])]);
        const all = b.op("Concat", [branch(1), branch(2)], { axis: { type: "int", value: 1 } }, "all");
        return b.op("Flatten", [b.op("GlobalAveragePool", [all])]);
      }),
    ).toBe("all");
    expect(
      layerOf((b, x) => {
        const map = b.op("Relu", [b.op("Conv", [x, weights(b, [2, 3, 1, 1], 1)])], {}, "map");
        const turned = b.op("Transpose", [map], { perm: { type: "ints", value: [0, 2, 3, 1] } });
        return b.op("ReduceMean", [b.op("Tanh", [turned])], {
          axes: { type: "ints", value: [1, 2] },
          keepdims: { type: "int", value: 0 },
        });
      }),
    ).toBe("map");
  });
});

describe("relevance at an inner layer", () => {
  it("is what arrives there: LRP-0 without biases sums up to the output", async () => {
    const net = convnet("Relu", false);
    const compiled = compile(net, { composite: "epsilon", epsilon: 0, layer: "act2" });
    expect(compiled.layer.shape).toEqual(["N", 6, 4, 3]);
    const open = await session(compiled.model);
    const { relevance, output } = await open.run({ input: images(2), target });
    expect(relevance!.dims).toEqual([2, 6, 4, 3]);
    expect(sum(sampleOf(relevance!, 0))).toBeCloseTo(output!.data[2] as number, 5);
    await open.release();
    const reduced = compile(net, { composite: "epsilon", layer: "conv2", reduce: "channels" });
    expect(reduced.model.graph.outputs.at(-1)?.shape).toEqual(["N", 4, 3]);
    expect(reduced.model.metadata["relprop.layer"]).toBe("conv2");
  });
});

/** Bilinear resizing with aligned pixel centres, edges repeated: the textbook formula. */
function bilinear(
  data: readonly number[],
  count: number,
  [h, w]: readonly [number, number],
  [H, W]: readonly [number, number],
): number[] {
  const result: number[] = [];
  for (let n = 0; n < count; n++) {
    for (let y = 0; y < H; y++) {
      for (let x = 0; x < W; x++) {
        const [y0, y1, v] = between(y, h, H);
        const [x0, x1, u] = between(x, w, W);
        const at = (i: number, j: number): number => data[(n * h + i) * w + j] as number;
        const top = (1 - u) * at(y0, x0) + u * at(y0, x1);
        const bottom = (1 - u) * at(y1, x0) + u * at(y1, x1);
        result.push((1 - v) * top + v * bottom);
      }
    }
  }
  return result;
}

/** The two source pixels around a target pixel, and the share of the second. */
function between(at: number, from: number, to: number): [low: number, high: number, share: number] {
  const place = Math.min(Math.max(((at + 0.5) * from) / to - 0.5, 0), from - 1);
  const low = Math.floor(place);
  return [low, Math.min(low + 1, from - 1), place - low];
}
