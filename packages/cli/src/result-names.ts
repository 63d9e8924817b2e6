/** What the files of an image are called. */

import { fileNamePart } from "./choose-classes.ts";
import { labelOf } from "./explain-batch.ts";
import type { Run } from "./image-run.ts";
import { classFiles, imageFiles } from "./write-results.ts";

/** A class by index and name. */
interface Named {
  readonly index: number;
  readonly label: string;
}

const part = ({ index, label }: Named): string => `${index}-${fileNamePart(label)}`;

/** The name of a class of an image, where classes were asked for, before what tells its files apart. */
export function className(
  key: string,
  { classes }: Pick<Run["decision"], "classes">,
  shown: Named,
  against: Named | undefined,
): string {
  const rather = against ? `.rather-than-${part(against)}` : "";
  return `${key}${classes ? `.${part(shown)}` : ""}${rather}`;
}

/** All files of an image that can be named before the network has said which classes are its best. */
export function knownFiles({ decision, options, loaded }: Run, key: string): string[] {
  const named = (index: number): Named => ({ index, label: labelOf(loaded.card.labels, index) });
  const against = decision.against === undefined ? undefined : named(decision.against);
  const names = decision.classes
    ? decision.classes.flatMap((each) =>
        each.kind === "class" ? [className(key, decision, named(each.index), against)] : [],
      )
    : [key];
  const files = [imageFiles(key, options), ...names.map((name) => classFiles(name, options))];
  return files.flatMap((each) => Object.values(each));
}
