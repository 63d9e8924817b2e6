/** Who may know whom. Checked by `npm run check:cycles`. */

const only = (room, ...allowed) => ({
  name: `${room} knows ${allowed.length === 0 ? "no other room" : allowed.join(", ")} only`,
  severity: "error",
  from: { path: `^packages/${room}/` },
  to: { path: "^packages/[^/]+/src/", pathNot: [room, ...allowed].map((each) => `^packages/${each}/`) },
});

/** Rooms of the command that explain one kind of input each. */
const kinds = ["images", "texts", "concepts"];
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
    only("relprop/src"),
    only("engine/src", "relprop/src"),
    only("cli/src", "relprop/src", "engine/src"),
    only("studio/src", "relprop/src", "engine/src"),
    ...kinds.map((kind) =>
      apart(
        [kind],
        kinds.filter((other) => other !== kind),
      ),
    ),
    // What kinds share knows none of them, and no command.
    apart(
      ["run", "pages", "files", "models", "terminal", "sessions"],
      [...kinds, "commands", "studio-server"],
    ),
    apart(kinds, ["commands", "studio-server"]),
    apart(["terminal"], ["run", "pages", "files", "models", "sessions"]),
    apart(["sessions"], ["run", "pages"]),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "onnx_pb" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".svelte", ".mjs", ".js"] },
  },
};
