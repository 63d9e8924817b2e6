/**
 * Sessions of the tests compute in one thread. ONNX Runtime starts a thread for each core and lets it spin, which for
 * small networks costs more than the whole run.
 */

import { InferenceSession } from "onnxruntime-node";

type Create = (model: Uint8Array, options?: InferenceSession.SessionOptions) => Promise<InferenceSession>;

const isSet = Symbol.for("relprop tests compute in one thread");
const sessions = InferenceSession as { create: Create; [isSet]?: true };

// Files that share their modules share this as well.
if (!sessions[isSet]) {
  const create = sessions.create.bind(InferenceSession);
  sessions.create = (model, options) => create(model, { intraOpNumThreads: 1, ...options });
  sessions[isSet] = true;
}
