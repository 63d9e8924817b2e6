import { ledgerColumns, readLedger, type Ledger, type LedgerColumn } from "@relprop/core";
import { expect, test } from "vitest";
import { lengthOf, percentText, stayedIn, stripsOf } from "../../src/modes/layers/strip.ts";

type Sums = Partial<Record<LedgerColumn, number>>;

/** A ledger of rows from the output on. */
function ledgerOf(rows: readonly Sums[]): Ledger {
  const names = rows.map((_, i) => ({
    node: `n${i}`,
    operator: i === rows.length - 1 ? "input" : "Conv",
    rule: "",
  }));
  const data = Float32Array.from(rows.flatMap((row) => ledgerColumns.map((column) => row[column] ?? 0)));
  const layout = { seed: "logit", word: "logit", rows: names } as const;
  return readLedger(layout, { data, dims: [1, rows.length, ledgerColumns.length] })[0] as Ledger;
}

test("a strip parts what arrives, in parts of what relevance started with", () => {
  const strips = stripsOf(
    ledgerOf([
      { arriving: 4, leaving: 3, bias: 0.5, epsilon: 0.5 },
      { arriving: 3, leaving: 2, filter: 0.5, rule: 0.25, border: 0.25 },
      { arriving: 2, leaving: 2 },
    ]),
  );
  expect(strips.get("n0")).toEqual({
    arriving: 1,
    shares: [
      { part: "passed", share: 0.75 },
      { part: "bias", share: 0.125 },
      { part: "epsilon", share: 0.125 },
    ],
    words: "100.0 % arrives, 75.0 % goes on; 12.5 % stays with the bias; 12.5 % stays with the stabiliser ε",
  });
  expect(strips.get("n1")?.shares).toEqual([
    { part: "passed", share: 0.5 },
    { part: "filter", share: 0.125 },
    { part: "other", share: 0.125 },
  ]);
  expect(strips.get("n1")?.words).toContain("6.3 % stays with the rule, which does not conserve it");
  expect(strips.get("n2")?.words).toBe("50.0 % arrives at the input");
  expect(stayedIn([...strips.values()])).toEqual([
    { part: "bias", share: 0.125 },
    { part: "epsilon", share: 0.125 },
    { part: "filter", share: 0.125 },
    { part: "other", share: 0.125 },
  ]);
});

test("relevance that was added is below 0 and makes the strip longer than what arrives", () => {
  const strip = stripsOf(
    ledgerOf([
      { arriving: 1, leaving: 1.5, bias: -0.5 },
      { arriving: 1.5, leaving: 1.5 },
    ]),
  ).get("n0");
  expect(strip?.shares).toEqual([
    { part: "passed", share: 1.5 },
    { part: "bias", share: -0.5 },
  ]);
  expect(strip && lengthOf(strip)).toBe(2);
  expect(strip?.words).toContain("−50.0 % stays with the bias");
});

test("float32's rounding is neither drawn nor named, and from nothing nothing comes", () => {
  const strips = stripsOf(
    ledgerOf([
      { arriving: 1, leaving: 1, rest: 1e-7 },
      { arriving: 1, leaving: 1 },
    ]),
  );
  expect(strips.get("n0")?.shares).toEqual([{ part: "passed", share: 1 }]);
  expect(stripsOf(ledgerOf([{}, {}])).size).toBe(0);
  expect(percentText(-0.00001)).toBe("0.0 %");
  expect(percentText(-0.25)).toBe("−25.0 %");
});
