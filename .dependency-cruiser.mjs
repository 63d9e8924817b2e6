/** Who may know whom. Checked by `npm run check:cycles`. */

const only = (room, ...allowed) => ({
  name: `${room} knows ${allowed.length === 0 ? "no other room" : allowed.join(", ")} only`,
  severity: "error",
  from: { path: `^packages/${room}/` },
  to: {
    path: "^packages/[^/]+/(src|compiler)/",
    pathNot: [room, ...allowed].map((each) => `^packages/${each}/`),
  },
});

const studioSource = "^packages/studio/src/";

/** A room of the studio knows these others of its own package, and nothing else of it. */
const studio = (room, ...allowed) => ({
  name: `the studio's ${room}/ knows ${allowed.length === 0 ? "no other room" : allowed.join(", ")} only`,
  severity: "error",
  from: { path: `${studioSource}${room}/` },
  to: { path: studioSource, pathNot: [room, ...allowed].map((each) => `${studioSource}${each}`) },
});

/** Rooms of the command that explain one kind of input each. */
const kinds = ["images", "texts", "arrays", "concepts", "films", "evaluate"];
const roomsOf = (names) => `^packages/cli/src/(${names.join("|")})/`;

/** Rooms of the command, and the other rooms that they do not know. */
const apart = (rooms, others) => ({
  name: `cli: ${rooms.join(", ")} know nothing of ${others.join(", ")}`,
  severity: "error",
  from: { path: roomsOf(rooms) },
  to: { path: roomsOf(others) },
});

export default {
  forbidden: [
    { name: "no cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "onnx knows nothing of relevance",
      severity: "error",
      from: { path: "^packages/relprop/src/onnx/" },
      to: { path: "^packages/relprop/src/[^/]+/", pathNot: "^packages/relprop/src/onnx/" },
    },
    {
      name: "metrics know nothing of ONNX",
      severity: "error",
      from: {
        path: "^packages/relprop/src/evaluate/",
        pathNot: "/evaluate/(evaluate|subject|randomize|index)\\.ts$",
      },
      to: { path: "^packages/relprop/src/(onnx|compile|relevance|zoo|node)/" },
    },
    only("relprop/src"),
    only("engine/src", "relprop/src"),
    only("cli/src", "relprop/src", "engine/src"),
    only("python/compiler", "relprop/src", "engine/src"),
    only("studio/src", "relprop/src", "engine/src"),
    studio("engine", "loaded-channel"),
    studio("turns"),
    studio("pictures", "engine/fetch-bytes"),
    studio("state", "engine/", "pictures/"),
    studio("heatmap-view", "state/"),
    studio("parts", "state/", "heatmap-view/", "pictures/"),
    studio("modes", "state/", "heatmap-view/", "pictures/", "parts/", "turns/"),
    {
      name: "a mode knows no other mode",
      severity: "error",
      from: { path: `${studioSource}modes/([^/]+)/` },
      to: { path: `${studioSource}modes/`, pathNot: [`${studioSource}modes/$1/`, "/modes/mode\\.ts$"] },
    },
    {
      name: "only the list knows the modes, only the app the list",
      severity: "error",
      from: { path: studioSource, pathNot: `${studioSource}(modes/|App\\.svelte)` },
      to: { path: `${studioSource}modes/` },
    },
    ...kinds.map((kind) =>
      apart(
        [kind],
        kinds.filter((other) => other !== kind),
      ),
    ),
    // Windows of sounds are explained as arrays are.
    apart(["sounds"], [...kinds, "commands", "studio-server"]),
    apart(["images", "texts", "concepts", "films", "evaluate"], ["sounds"]),
    // What kinds share knows none of them, and no command.
    apart(
      ["run", "pages", "figures", "files", "models", "terminal", "sessions", "media"],
      [...kinds, "sounds", "commands", "studio-server"],
    ),
    apart(kinds, ["commands", "studio-server"]),
    apart(["terminal"], ["run", "pages", "files", "models", "sessions"]),
    apart(["sessions"], ["run", "pages"]),
    apart(["figures"], ["run", "files", "models", "terminal", "sessions"]),
    apart(["media"], ["run", "pages", "files", "models", "terminal", "sessions"]),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "onnx_pb" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".svelte", ".mjs", ".js"] },
  },
};
