/** Who may know whom. Checked by `npm run check:cycles`. */

const only = (room, ...allowed) => ({
  name: `${room} knows ${allowed.length === 0 ? "no other room" : allowed.join(", ")} only`,
  severity: "error",
  from: { path: `^packages/${room}/` },
  to: { path: "^packages/[^/]+/src/", pathNot: [room, ...allowed].map((each) => `^packages/${each}/`) },
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
    only("relprop/src"),
    only("engine/src", "relprop/src"),
    only("cli/src", "relprop/src", "engine/src"),
    only("studio/src", "relprop/src", "engine/src"),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "onnx_pb" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: { extensions: [".ts", ".svelte", ".mjs", ".js"] },
  },
};
