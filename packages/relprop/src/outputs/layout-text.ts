import type { DetectionLayout } from "./found-layout.ts";
import type { OutputFacts } from "./output-facts.ts";
import type { OutputKind } from "./output-kinds.ts";

const axis = (name: string, index: number | undefined): string[] =>
  index === undefined ? [] : [`axis ${index}: ${name}`];

/** The name of the class axis. */
function countedBy(kind: OutputKind): string {
  if (kind === "embedding") return "features";
  return kind === "values" || kind === "scores" ? "numbers" : "classes";
}

function classesText({ classes, classIndex, firstClass, labels }: DetectionLayout): string {
  if (labels !== undefined) return `a score, and the class in "${labels}"`;
  if (classIndex !== undefined) return `a score at ${firstClass}, and the class at ${classIndex}`;
  return `${classes} classes from ${firstClass}`;
}

/** The axes of an output and its scale, in words. */
export function layoutText({
  kind,
  batchAxis,
  classAxis,
  placeAxes,
  scale,
  detections,
}: OutputFacts): string {
  const numbers = scale.by ? `${scale.kind} (${scale.by})` : scale.kind;
  const boxes = detections && [
    `box ${detections.format}${detections.boxes === "" ? "" : ` of "${detections.boxes}"`}`,
    ...(detections.objectness === undefined ? [] : [`objectness at ${detections.objectness}`]),
    classesText(detections),
  ];
  return [
    ...axis("samples", batchAxis),
    ...axis(detections ? "box and scores" : countedBy(kind), classAxis),
    ...placeAxes.flatMap((index) => axis(detections ? "boxes" : "places", index)),
    ...(boxes ?? []),
    numbers,
  ].join(", ");
}
