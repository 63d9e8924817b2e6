/** Reads untrusted JSON field by field; a wrong field ends in an error that names its path. */

import { shownValue } from "../plain-text.ts";

/** Throws an error about the field at a path. */
export type Fail = (where: string, why: string) => never;

/** One value of a JSON document and its path. Methods return the value as a type, or call `fail`. */
export class Field {
  readonly value: unknown;
  readonly path: string;
  readonly #fail: Fail;

  constructor(value: unknown, path: string, fail: Fail) {
    this.value = value;
    this.path = path;
    this.#fail = fail;
  }

  text(): string {
    return typeof this.value === "string" ? this.value : this.wrong("text");
  }

  boolean(): boolean {
    return typeof this.value === "boolean" ? this.value : this.wrong("true or false");
  }

  /** A finite number in [least, most]. */
  number(least: number, most: number): number {
    const { value } = this;
    if (typeof value === "number" && Number.isFinite(value) && value >= least && value <= most) return value;
    const range = most === Number.MAX_VALUE ? "a finite number" : `a number from ${least} to ${most}`;
    return this.wrong(least === Number.MIN_VALUE ? `${range} above 0` : range);
  }

  /** A whole number in [least, most]. */
  integer(least: number, most: number): number {
    const { value } = this;
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    return this.wrong(`a whole number from ${least} to ${most}`);
  }

  oneOf<T extends string>(...words: readonly T[]): T {
    const word = words.find((candidate) => candidate === this.value);
    return word ?? this.wrong(words.map((candidate) => `"${candidate}"`).join(" or "));
  }

  /** A list, of the given length if one is given. */
  list(length?: number): Field[] {
    const { value } = this;
    if (!Array.isArray(value)) return this.wrong("a list");
    if (length !== undefined && value.length !== length) return this.wrong(`a list of ${length}`);
    return value.map((item: unknown, i) => new Field(item, `${this.path}[${i}]`, this.#fail));
  }

  /** An object. */
  fields(): Fields {
    return fieldsOf(this.value, this.path, this.#fail);
  }

  /** Fails, saying what was expected. */
  wrong(expected: string): never {
    return this.#fail(this.path, `expected ${expected}, found ${excerpt(this.value)}`);
  }
}

/** The own fields of a JSON object, so `__proto__` and `constructor` are ordinary names. */
export class Fields {
  readonly #object: ReadonlyMap<string, unknown>;
  readonly #path: string;
  readonly #fail: Fail;

  constructor(object: ReadonlyMap<string, unknown>, path: string, fail: Fail) {
    this.#object = object;
    this.#path = path;
    this.#fail = fail;
  }

  names(): string[] {
    return [...this.#object.keys()];
  }

  required(name: string): Field {
    const path = this.#pathTo(name);
    if (!this.#object.has(name)) this.#fail(path, "it is missing");
    return new Field(this.#object.get(name), path, this.#fail);
  }

  /** The field as `read` returns it; undefined if it is absent or null. */
  optional<T>(name: string, read: (field: Field) => T): T | undefined {
    const value = this.#object.get(name);
    return value === undefined || value === null
      ? undefined
      : read(new Field(value, this.#pathTo(name), this.#fail));
  }

  /** Refuses fields of other names, since a misspelt optional field would be ignored. */
  only(...names: readonly string[]): void {
    const stranger = this.names().find((name) => !names.includes(name));
    if (stranger !== undefined) {
      this.#fail(this.#pathTo(stranger), `there is no such field; the fields are ${names.join(", ")}`);
    }
  }

  #pathTo(name: string): string {
    return this.#path === "" ? name : `${this.#path}.${name}`;
  }
}

/** The fields of `json`; calls `fail` if it is not an object. */
export function fieldsOf(json: unknown, path: string, fail: Fail): Fields {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    return fail(path === "" ? "the whole" : path, `expected an object, found ${excerpt(json)}`);
  }
  return new Fields(new Map(Object.entries(json)), path, fail);
}

/** A value as one short line. */
function excerpt(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return typeof value === "object" && value !== null ? "an object" : shownValue(value);
}
