/** A curve whose colour changes along it. Plots draw one path for each change; here it is one for each colour of a lane. */

import type { RenderFunction } from "@observablehq/plot";
import type { Colormap } from "@relprop/core/heatmap";
import { colorOf } from "./figure-text.ts";

/** Number of colours, odd so that one is the middle. */
const levels = 65;

/** The colours of samples, by their place on a colour map. */
export interface CurveColors {
  readonly map: Colormap;
  /** One in [0, 1] for each sample. */
  readonly positions: ArrayLike<number>;
  /** The position of no relevance. */
  readonly rest: number;
}

/**
 * Draws the samples of a facet as a curve. A piece between two samples has the colour of the stronger one; the stronger, the wider, and
 * above the others. Where samples are missing, there is a gap; a sample without neighbours is a dot.
 */
export function coloredCurve(
  { map, positions, rest }: CurveColors,
  [thin, thick]: readonly [number, number],
): RenderFunction {
  const strength = (position: number): number => Math.abs(position - rest) / (1 - rest);
  return (index, _scales, { x: across = [], y: down = [] }, _dimensions, { document }) => {
    const paths = new Map<number, string>();
    const alone: [sample: number, position: number][] = [];
    let [level, end] = [-1, -2];
    const point = (i: number): string => `${short(across[i])},${short(down[i])}`;
    const add = (next: number, from: number, to: number): void => {
      // A piece that goes on where the last one ended, in its colour, needs no beginning.
      const goesOn = next === level && from === end;
      const piece = goesOn ? ` ${point(to)}` : `M${point(from)}L${point(to)}`;
      paths.set(next, (paths.get(next) ?? "") + piece);
      [level, end] = [next, to];
    };
    for (const [at, i] of index.entries()) {
      const [before, after] = [index[at - 1], index[at + 1]];
      const mine = positions[i] ?? rest;
      if (after === i + 1) {
        const other = positions[after] ?? rest;
        const stronger = strength(other) > strength(mine) ? other : mine;
        add(Math.round(stronger * (levels - 1)), i, after);
      } else if (before !== i - 1) alone.push([i, mine]);
    }
    const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
    group.setAttribute("fill", "none");
    group.setAttribute("stroke-linecap", "round");
    group.setAttribute("stroke-linejoin", "round");
    for (const [i, mine] of alone) {
      const circle = document.createElementNS("http://www.w3.org/2000/svg", "circle");
      circle.setAttribute("cx", short(across[i]));
      circle.setAttribute("cy", short(down[i]));
      circle.setAttribute("r", short(thick * 0.7));
      circle.setAttribute("fill", colorOf(map, mine));
      circle.setAttribute("stroke", "none");
      group.append(circle);
    }
    const inOrder = [...paths].sort(([a], [b]) => strength(positionOf(a)) - strength(positionOf(b)));
    for (const [each, d] of inOrder) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", d);
      path.setAttribute("stroke", colorOf(map, positionOf(each)));
      path.setAttribute("stroke-width", short(thin + strength(positionOf(each)) * (thick - thin)));
      group.append(path);
    }
    return group;
  };
}

/** The place of a level on the colour map. */
const positionOf = (level: number): number => level / (levels - 1);

const short = (number = 0): string => `${Math.round(10 * number) / 10}`;
