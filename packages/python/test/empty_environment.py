"""What works where only the wheel and its extra `node` are installed, and no Node is on the PATH. Run by check.sh."""

import base64
import pickle
import shutil
import sys

import numpy as np

import relprop

assert shutil.which("node") is None, "there is a Node on the PATH"
model = base64.b64decode(sys.argv[1])
explainer = relprop.Explainer(model, composite="epsilon", epsilon=0)
x = np.array([[1, -2, 3]], np.float32)
explanation = explainer(x, target=1)
logits = explanation.outputs["y"]
assert np.allclose(explanation.relevance.sum(), logits[0, 1]), (explanation.relevance, logits)
assert np.array_equal(pickle.loads(pickle.dumps(explainer))(x, target=1).relevance, explanation.relevance)
assert "torch" not in sys.modules
print(f"relprop {relprop.__version__} without a Node of its own: ok")
