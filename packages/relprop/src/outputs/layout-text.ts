import type { OutputFacts } from "./output-facts.ts";

const axis = (name: string, index: number | undefined): string[] =>
  index === undefined ? [] : [`axis ${index}: ${name}`];

/** Which axis of an output counts what, and what its numbers are, in words. */
export function layoutText({ batchAxis, classAxis, placeAxes, scale, detections }: OutputFacts): string {
  const numbers = scale.by ? `${scale.kind} (${scale.by})` : scale.kind;
  const boxes = detections && [
    `box ${detections.format}${detections.boxes === "" ? "" : ` of "${detections.boxes}"`}`,
    ...(detections.objectness === undefined ? [] : [`objectness at ${detections.objectness}`]),
    `${detections.classes} classes from ${detections.firstClass}`,
  ];
  return [
    ...axis("samples", batchAxis),
    ...axis(detections ? "box and scores" : "classes", classAxis),
    ...placeAxes.flatMap((index) => axis(detections ? "boxes" : "places", index)),
    ...(boxes ?? []),
    numbers,
  ].join(", ");
}
