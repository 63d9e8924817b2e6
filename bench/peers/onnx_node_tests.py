"""Writes the ONNX project's own backend tests of single operators, which its Python package makes on the fly, to a folder:

    pip install onnx ml_dtypes
    python bench/peers/onnx_node_tests.py FOLDER
    node bench/peers/onnx_node_tests.mjs FOLDER

One folder a test: model.onnx, input_0.pb ..., output_0.pb ... (TensorProto; other types are left out).
"""

import shutil
import sys
from pathlib import Path

from onnx import TensorProto, numpy_helper
from onnx.backend.test.case.node import collect_testcases


def main(target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    written = 0
    for case in collect_testcases(None):
        folder = target / case.name
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(case.model.SerializeToString())
        inputs, outputs = case.data_sets[0]
        for role, values, declared in (
            ("input", inputs, case.model.graph.input),
            ("output", outputs, case.model.graph.output),
        ):
            for index, (value, info) in enumerate(zip(values, declared)):
                if not info.type.HasField("tensor_type"):
                    continue
                proto = value if isinstance(value, TensorProto) else numpy_helper.from_array(value, info.name)
                (folder / f"{role}_{index}.pb").write_bytes(proto.SerializeToString())
        written += 1
    print(f"{written} tests in {target}")


main(Path(sys.argv[1]))
