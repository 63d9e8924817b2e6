/** Damage to JSON: values of other types, extreme numbers, missing and unknown fields, deep nesting, hostile texts. */

import type { Random } from "./random.ts";

const hostile: readonly unknown[] = [
  null,
  true,
  "",
  "\u001b[31m\u0000\r\n",
  "(a+)+$",
  "__proto__",
  "x".repeat(10_000),
  0,
  -1,
  1e308,
  2 ** 53,
  0.1,
  [],
  {},
  [[[[]]]],
];

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = i % 2 === 0 ? [value] : { a: value };
  return value;
};

/** A copy of the value with one to three places changed. */
export function damageJson(value: unknown, random: Random): unknown {
  let hurt = structuredClone(value);
  for (let times = 1 + random.below(3); times > 0; times--) hurt = change(hurt, random);
  return hurt;
}

function change(value: unknown, random: Random): unknown {
  const isInner = typeof value === "object" && value !== null && Object.keys(value).length > 0;
  if (!isInner || random.once(6)) return random.once(20) ? nested(5000) : random.of(hostile);
  const names = Object.keys(value);
  const name = random.of(names);
  if (Array.isArray(value)) {
    const at = Number(name);
    if (random.once(5)) return [...value.slice(0, at), ...value.slice(at + 1)];
    return value.with(at, change(value[at], random));
  }
  const fields = value as Record<string, unknown>;
  if (random.once(6)) return Object.fromEntries(Object.entries(fields).filter(([other]) => other !== name));
  if (random.once(6))
    return { ...fields, [random.of(["mystery", "__proto__", "constructor", name])]: random.of(hostile) };
  return { ...fields, [name]: change(fields[name], random) };
}
