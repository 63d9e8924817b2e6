/** Messages of the live mode for every state without a running picture. */

/** Where frames come from. */
export type SourceKind = "camera" | "file" | "screen";

/** Names of the sources, to follow “the”. */
export const sourceWords: Readonly<Record<SourceKind, string>> = {
  camera: "camera",
  file: "video",
  screen: "screen",
};

/** A problem in words. */
export interface Problem {
  readonly kind: "unsupported" | "none" | "blocked" | "in use" | "unreadable" | "cancelled" | "other";
  readonly text: string;
}

/**
 * Why a camera, screen or file could not be opened. The names are those of the DOMExceptions that getUserMedia,
 * getDisplayMedia and HTMLMediaElement.play reject with.
 */
export function openProblem(source: SourceKind, error: unknown): Problem {
  const name = error instanceof Error ? error.name : "";
  if (source === "file") {
    return {
      kind: "unreadable",
      text: "This browser cannot play the file. MP4 (H.264) and WebM play in most browsers.",
    };
  }
  const thing = source === "camera" ? "camera" : "screen";
  if (name === "NotAllowedError" && source === "screen") {
    return { kind: "cancelled", text: "No screen was chosen. Press “Share a screen” to choose one." };
  }
  switch (name) {
    case "NotAllowedError":
    case "SecurityError":
      return {
        kind: "blocked",
        text: "Camera blocked. Allow it in the address bar, or drop an image here.",
      };
    case "NotFoundError":
    case "OverconstrainedError":
      return {
        kind: "none",
        text: `No ${thing} found. Connect one and press start again, or open a video file.`,
      };
    case "NotReadableError":
    case "AbortError":
      return {
        kind: "in use",
        text: `The ${thing} is in use by another program. Close that program and press start again.`,
      };
    default:
      return {
        kind: "other",
        text: `The ${thing} did not start: ${error instanceof Error ? error.message : String(error)}. Try again, or open a video file.`,
      };
  }
}

/** The browser has no such source at all (an insecure address, a phone without screen sharing). */
export function unsupported(source: SourceKind): Problem {
  const thing = source === "camera" ? "camera" : "screen";
  return {
    kind: "unsupported",
    text: `This browser gives pages no ${thing} at this address. Use https or localhost, or open a video file.`,
  };
}

/** The stream ended by itself: a camera unplugged, sharing stopped. */
export const sourceEnded = "The source ended. Press start to open it again.";
/** The tab is hidden. */
export const hiddenText = "Paused while the tab is hidden.";
/** The heatmaps come slowly. @param isLocal the local engine runs the model already */
export const slowText = (rate: number, isLocal: boolean): string => {
  const faster = isLocal
    ? "A smaller model is faster."
    : "A smaller model, or the local engine (relprop studio), is faster.";
  return `Slow: ${rate.toFixed(1)} heatmaps a second. ${faster}`;
};
