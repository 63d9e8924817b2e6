/**
 * Counted work may not grow unseen: nodes by operator, multiply-accumulates and moved elements of five networks under
 * ten composites, against work.json. After a change that is meant, write it anew and commit it:
 *
 *     UPDATE=1 npx vitest run packages/relprop/test/work
 */

import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { compile, type CompileOptions } from "../../src/index.ts";
import type { Model } from "../../src/onnx/index.ts";
import { countWork, type Work } from "./count-work.ts";
import { networkNames, networkOf, type NetworkName } from "./networks.ts";

const explanations: Readonly<Record<string, CompileOptions>> = {
  fischer: { composite: "fischer" },
  "fischer, k = 0.02": { composite: "fischer", topK: 0.02 },
  "epsilon-plus-flat": { composite: "epsilon-plus-flat" },
  "epsilon-gamma-box": { composite: "epsilon-gamma-box", low: -2.2, high: 2.7 },
  "epsilon-alpha2-beta1-flat": { composite: "epsilon-alpha2-beta1-flat" },
  epsilon: { composite: "epsilon" },
  zplus: { composite: "zplus" },
  gamma: { composite: "gamma" },
  "alpha-beta": { composite: "alpha-beta" },
  gradient: { composite: "gradient" },
  attnlrp: { composite: "attnlrp" },
};

const committed = new URL("work.json", import.meta.url);
const update = process.env["UPDATE"] === "1";
type Table = Record<string, Record<string, Work>>;
const before: Table = update ? {} : (JSON.parse(readFileSync(committed, "utf8")) as Table);
const now: Table = {};

const again = "UPDATE=1 npx vitest run packages/relprop/test/work";
const measures = ["macs", "elements", "nodes"] as const;

/** The counts that changed in one direction, 1 for those that grew; operators besides, to see where. */
function changes(old: Work, work: Work, sign: 1 | -1): string {
  const line = (name: string, from: number, to: number): string[] =>
    (to - from) * sign > 0 ? [`${name} ${from} -> ${to}`] : [];
  const measured = measures.flatMap((name) => line(name, old[name], work[name]));
  if (measured.length === 0) return "";
  const operators = [...new Set([...Object.keys(old.operators), ...Object.keys(work.operators)])];
  const moved = operators.flatMap((name) => line(name, old.operators[name] ?? 0, work.operators[name] ?? 0));
  return [...measured, ...moved].join(", ");
}

function check(network: NetworkName, name: string, model: Model): void {
  const sizes = { input: [1, 3, 224, 224], target: [1, 1000] };
  const work = countWork(model.graph, sizes);
  (now[network] ??= {})[name] = work;
  if (update) return;
  const old = before[network]?.[name];
  if (!old) throw new Error(`work.json has no ${network}, ${name}: ${again}`);
  const what = `${network}, ${name}`;
  const meant = "Find out why. If it is meant, because it is needed or pays elsewhere";
  const [grew, shrank] = [changes(old, work, 1), changes(old, work, -1)];
  expect(grew, `${what}: counted work grew: ${grew}. ${meant}: ${again}`).toBe("");
  expect(shrank, `${what}: counted work shrank: ${shrank}. Keep it so: ${again}`).toBe("");
  expect(work, `${what}: the same work by other operators: ${again}`).toEqual(old);
}

describe.each(networkNames)("counted work of %s", (network) => {
  const source = networkOf(network);

  it("forward", () => check(network, "forward", source));

  it.each(Object.entries(explanations))("%s", (name, options) => {
    check(network, name, compile(source, { ...options, reduce: "channels" }).model);
  });
});

afterAll(() => {
  if (update) writeFileSync(committed, `${JSON.stringify(now, undefined, 2)}\n`);
});
