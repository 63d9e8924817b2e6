import { OptionError } from "@relprop/core";
import { readableLabel } from "@relprop/core/internal";
import { describe, expect, test } from "vitest";
import { classRequest, fileNamePart } from "../src/run/choose-classes.ts";

const labels = ["tench, Tinca tinca", "tabby, tabby cat", "Egyptian_cat", "crane", "crane", "table lamp"];
const ask = (text: string) => classRequest(text, labels, labels.length);

describe("--class", () => {
  test("takes the best few, an index or a name", () => {
    expect(ask("top1")).toEqual({ kind: "top", count: 1 });
    expect(ask("top5")).toEqual({ kind: "top", count: 5 });
    expect(ask("2")).toEqual({ kind: "class", index: 2 });
    expect(ask("egyptian cat")).toEqual({ kind: "class", index: 2 });
  });

  test("takes a synonym, and a part that only one class has", () => {
    expect(ask("tabby cat")).toEqual({ kind: "class", index: 1 });
    expect(ask("tabby")).toEqual({ kind: "class", index: 1 });
    expect(ask("lamp")).toEqual({ kind: "class", index: 5 });
  });

  test("asks back if several classes could be meant", () => {
    expect(() => ask("crane")).toThrow(/2 classes have this name: 3 crane, 4 crane; give the index/);
    expect(() => ask("cat")).toThrow(OptionError);
  });

  test("suggests names that begin alike", () => {
    expect(() => ask("tabie")).toThrow(/did you mean 1 tabby/);
    expect(() => ask("zzz")).toThrow(/no class has this name; give an index/);
  });

  test("refuses classes that the model does not have", () => {
    expect(() => ask("6")).toThrow(/classes 0 to 5/);
    expect(() => ask("top6")).toThrow(/top1 to top5/);
    expect(() => classRequest("cat", [], 10)).toThrow(/--labels/);
  });
});

test("labels are shortened for people and for file names", () => {
  expect(readableLabel("tabby, tabby cat")).toBe("tabby");
  expect(readableLabel("Egyptian_cat")).toBe("Egyptian cat");
  expect(fileNamePart("../Egyptian_cat/é, x")).toBe("egyptian-cat-é");
});
