import { describe, expect, test } from "vitest";
import { saveName } from "../../src/state/file-name.ts";
import { paceText, PaceMeter } from "../../src/modes/live/meter.ts";
import { inverted, mirrored, mirroredMap } from "../../src/modes/live/picture-ops.ts";
import { openProblem, unsupported } from "../../src/modes/live/problems.ts";
import { largestMagnitude, Smoother } from "@relprop/engine/smoothing";

const frame = (...values: number[]) => ({ data: Float32Array.from(values), height: 1, width: values.length });

/** The value at the end of the map half a second after relevance rose from 1 to 3. */
const endAfterRise = (interval: number): number => {
  const smoother = new Smoother();
  smoother.next(frame(1), 0);
  let level = 1;
  for (let time = interval; time <= 500; time += interval) {
    level = smoother.next(frame(3), time).level;
  }
  return 3 / level;
};

describe("smoothing", () => {
  test("the first frame is drawn as it is", () => {
    const { relevance, level } = new Smoother().next(frame(1, -2), 0);
    expect([...relevance.data]).toEqual([1, -2]);
    expect(level).toBe(1);
  });

  test("relevance moves by 0.6 of the difference", () => {
    const smoother = new Smoother();
    smoother.next(frame(1, 0), 0);
    const { relevance } = smoother.next(frame(2, -1), 33);
    expect(relevance.data[0]).toBeCloseTo(1.6, 6);
    expect(relevance.data[1]).toBeCloseTo(-0.6, 6);
  });

  test("the end of the colour map follows within half a second, whatever the frame rate", () => {
    expect(endAfterRise(10)).toBeCloseTo(3 - 2 * Math.exp(-1), 1);
    expect(endAfterRise(50)).toBeCloseTo(3 - 2 * Math.exp(-1), 0);
  });

  test("a reset, or another size, forgets the past", () => {
    const smoother = new Smoother();
    smoother.next(frame(5), 0);
    smoother.reset();
    expect([...smoother.next(frame(1), 10).relevance.data]).toEqual([1]);
    expect([...smoother.next(frame(1, 1), 20).relevance.data]).toEqual([1, 1]);
  });

  test("no relevance keeps a finite contrast", () => {
    const smoother = new Smoother();
    smoother.next(frame(0, 0), 0);
    expect(smoother.next(frame(0, 0), 33).level).toBe(1);
    expect(largestMagnitude([])).toBe(0);
  });
});

describe("the pace", () => {
  test("is counted over two seconds", () => {
    const meter = new PaceMeter();
    expect(meter.pace(0)).toBeUndefined();
    for (let i = 0; i <= 100; i++) meter.add(i * 40, 31);
    expect(paceText(meter.pace(4000) ?? { rate: 0, latency: 0 })).toBe("25 fps · 31 ms");
  });

  test("is called slow after three seconds below five a second, not before", () => {
    const meter = new PaceMeter();
    for (let time = 0; time <= 2500; time += 500) meter.add(time, 400);
    expect(meter.slow(2500)).toBe(false);
    meter.add(3000, 400);
    expect(meter.slow(3000)).toBe(true);
    for (let time = 3100; time <= 6000; time += 100) meter.add(time, 50);
    expect(meter.slow(6000)).toBe(false);
  });
});

describe("pictures", () => {
  const picture = {
    data: Uint8ClampedArray.from([1, 2, 3, 255, 4, 5, 6, 255, 7, 8, 9, 255, 10, 11, 12, 255]),
    width: 2,
    height: 2,
  };

  test("are mirrored pixel by pixel, and back", () => {
    expect([...mirrored(picture).data.subarray(0, 8)]).toEqual([4, 5, 6, 255, 1, 2, 3, 255]);
    expect(mirrored(mirrored(picture))).toEqual(picture);
  });

  test("relevance is mirrored with them", () => {
    const map = { data: Float32Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 2 };
    expect([...mirroredMap(map).data]).toEqual([3, 2, 1, 6, 5, 4]);
  });

  test("are inverted but for their alpha", () => {
    expect([...inverted(picture).data.subarray(0, 4)]).toEqual([254, 253, 252, 255]);
  });
});

describe("names of files", () => {
  test("carry model, class and date, and nothing a file system minds", () => {
    const date = new Date(2026, 10, 3, 9, 5, 7);
    expect(saveName("VGG-16 (v1)", "tabby, tabby cat", date, "mp4")).toBe(
      "lrp-vgg-16-v1-tabby-tabby-cat-2026-11-03-090507.mp4",
    );
    expect(saveName("../x", "Ärger/√", date, "png")).toBe("lrp-x-arger-2026-11-03-090507.png");
    expect(saveName("m", "//", date, "png")).toContain("-unnamed-");
    expect(saveName("digits.onnx", undefined, date, "npy")).toBe(
      "lrp-digits-prediction-2026-11-03-090507.npy",
    );
  });
});

const named = (name: string): Error => Object.assign(new Error("the browser's words"), { name });

describe("what is said when no picture comes", () => {
  test("every refusal of the camera has its own words", () => {
    expect(openProblem("camera", named("NotAllowedError")).text).toBe(
      "Camera blocked. Allow it in the address bar, or drop an image here.",
    );
    expect(openProblem("camera", named("NotFoundError")).kind).toBe("none");
    expect(openProblem("camera", named("NotReadableError")).kind).toBe("in use");
    expect(openProblem("camera", named("TypeError")).text).toContain("the browser's words");
  });

  test("a screen that was not chosen is no blocked camera", () => {
    expect(openProblem("screen", named("NotAllowedError")).kind).toBe("cancelled");
  });

  test("a file that does not play says what does", () => {
    expect(openProblem("file", named("NotSupportedError")).text).toContain("MP4");
  });

  test("a page without cameras says what to do", () => {
    expect(unsupported("camera").text).toContain("localhost");
  });
});
