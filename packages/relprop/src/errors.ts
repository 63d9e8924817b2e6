/**
 * Every error that relprop throws on purpose. A message says what went wrong, where, why, and what to do;
 * the same four parts are fields, so that a program can show them its own way.
 */

import { plainLine } from "./plain-text.ts";

/** The four parts of a message. */
export interface ErrorParts {
  /** What failed, in one clause: `cannot read "vgg16.pth"`. */
  readonly what: string;
  /** The node, operator, tensor or byte offset concerned. */
  readonly where?: string;
  /** The cause, in one clause. */
  readonly why: string;
  /** What the reader can do now. */
  readonly fix?: string;
}

/** Base of all errors below. Never thrown itself. */
export abstract class RelpropError extends Error {
  /** What failed, in one clause. */
  readonly what: string;
  /** The node, operator, tensor or byte offset concerned. */
  readonly where: string | undefined;
  /** The cause, in one clause. */
  readonly why: string;
  /** What the reader can do now. */
  readonly fix: string | undefined;

  constructor(parts: ErrorParts, options?: ErrorOptions) {
    // Names and values in it come from files.
    const [what, why] = [plainLine(parts.what), plainLine(parts.why)];
    const where = parts.where && plainLine(parts.where);
    const fix = parts.fix && plainLine(parts.fix);
    super(
      `${what}${where === undefined ? "" : ` (${where})`}: ${why}${fix === undefined ? "" : `; ${fix}`}`,
      options,
    );
    this.name = new.target.name;
    this.what = what;
    this.where = where;
    this.why = why;
    this.fix = fix;
  }
}

/** An option has a value that is not allowed. The command exits with 2. */
export class OptionError extends RelpropError {}

/** A model, checkpoint or weights file cannot be read or written. The command exits with 4. */
export class ModelFileError extends RelpropError {}

/** An input (an image, an array) cannot be used. The command exits with 1 and goes on with the others. */
export class InputError extends RelpropError {}

/** A node that stands in the way of an explanation, one line of {@link UnexplainableError}. */
export interface Obstacle {
  /** Its name in the graph. */
  readonly node: string;
  /** Its operator, with the domain where that is not ai.onnx. */
  readonly operator: string;
  /** Node names from the explained output down to this node, at most four. */
  readonly path: readonly string[];
  /** Why relevance cannot cross it, in a sentence. */
  readonly why: string;
  /** How many nodes on the way have no shape because of it: whether relevance could cross them is not known. */
  readonly behind: number;
}

/** The model is valid, but relevance cannot cross all of it. Lists every obstacle at once. The command exits with 3. */
export class UnexplainableError extends RelpropError {
  /** All nodes that stand in the way, in the order of the graph. */
  readonly obstacles: readonly Obstacle[];

  constructor(parts: ErrorParts, obstacles: readonly Obstacle[] = []) {
    super(parts);
    this.obstacles = obstacles;
    for (const { node, operator, path, why } of obstacles) {
      const way = `${operator} "${node}" on the way from ${path.join(" <- ")}`;
      this.message += `\n  ${plainLine(way)}\n    ${plainLine(why)}`;
    }
  }
}
