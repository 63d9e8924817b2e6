import { hasOneScore } from "./detection-layout.ts";
import type { OutputFacts } from "./output-facts.ts";
import type { OutputKind } from "./output-kinds.ts";

const axis = (name: string, index: number | undefined): string[] =>
  index === undefined ? [] : [`axis ${index}: ${name}`];

/** The name of the class axis. */
function countedBy(kind: OutputKind): string {
  if (kind === "embedding") return "features";
  return kind === "values" || kind === "scores" ? "numbers" : "classes";
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
    hasOneScore(detections)
      ? `one score${detections.labels === undefined ? "" : `, its class in "${detections.labels}"`}`
      : `${detections.classes} classes from ${detections.firstClass}`,
  ];
  return [
    ...axis("samples", batchAxis),
    ...axis(detections ? "box and scores" : countedBy(kind), classAxis),
    ...placeAxes.flatMap((index) => axis(detections ? "boxes" : "places", index)),
    ...(boxes ?? []),
    numbers,
  ].join(", ");
}
