#!/usr/bin/env bash
# Lint, types and tests of the Python package, and its wheel in an empty environment without Node on the PATH.
# Installs torch, zennit and captum into .venv unless they are there. Needs `npm ci`.
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! python3 -c 'import ensurepip' 2>/dev/null; then apt-get update -q && apt-get install -qy python3-venv; fi
[ -x .venv/bin/python ] || python3 -m venv .venv
.venv/bin/pip install --quiet torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 \
  captum==0.9.0 numpy pillow click matplotlib pytest==9.2.0 ruff==0.17.6 mypy==2.4.1 hatchling==1.33.0 build==1.6.1
# Without torchvision, which it asks for and these tests do not: builds of it do not fit every build of torch.
.venv/bin/pip install --quiet --no-deps zennit==0.4.6

npm run --silent build:python
cd packages/python
bin=../../.venv/bin
"$bin/ruff" check . && "$bin/ruff" format --check . && "$bin/mypy"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$bin/python" -m build --no-isolation --outdir "$work" . >"$work/build.log" || { cat "$work/build.log"; exit 1; }
# The tests run what the wheel holds, not what lies here.
"$bin/pip" install --quiet --force-reinstall --no-deps "$work"/*.whl
"$bin/python" -m pytest "$@"

model="$("$bin/python" - <<'PYTHON'
import base64, numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper

weights = numpy_helper.from_array(np.array([[1, 2], [3, 4], [5, 6]], np.float32), "W")
value = lambda name, size: helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", size])
graph = helper.make_graph([helper.make_node("MatMul", ["x", "W"], ["y"])], "g", [value("x", 3)], [value("y", 2)], [weights])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
print(base64.b64encode(model.SerializeToString()).decode())
PYTHON
)"
python3 -m venv "$work/empty"
"$work/empty/bin/pip" install --quiet "$(echo "$work"/*.whl)[node]"
(cd "$work" && PATH=/nowhere "$work/empty/bin/python" "$OLDPWD/test/empty_environment.py" "$model")
