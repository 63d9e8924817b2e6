"""What is compiled, from what, and what is refused."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

import relprop
from relprop.errors import error_from


def relevance_of(path: Path, x: torch.Tensor) -> np.ndarray:
    session = onnxruntime.InferenceSession(path.read_bytes() if path.stat().st_size < 1e6 else str(path))
    target = np.eye(5, dtype=np.float32)[[1, 2]]
    (found,) = session.run(["relevance"], {session.get_inputs()[0].name: x.numpy(), "target": target})
    return found


def wide(x: torch.Tensor) -> bytes:
    """A model whose weights are so large that they stay in its file."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 256), torch.nn.ReLU(), torch.nn.Linear(256, 5))
    file = io.BytesIO()
    torch.onnx.export(net.eval(), (x,), file, dynamo=False, input_names=["x"])
    return file.getvalue()


def test_a_model_by_path_bytes_proto_and_module(model_path: Path, net: torch.nn.Module, x: torch.Tensor) -> None:
    proto = onnx.load(model_path)
    wanted = relprop.Explainer(model_path)(x, [1, 2]).relevance
    for model in (str(model_path), model_path.read_bytes(), proto):
        assert torch.equal(relprop.Explainer(model)(x, [1, 2]).relevance, wanted)
    of_module = relprop.Explainer(net, example_inputs=x)(x, [1, 2]).relevance
    torch.testing.assert_close(of_module, wanted, atol=1e-6, rtol=1e-4)


def test_saved_it_is_an_ordinary_model(model_path: Path, x: torch.Tensor, tmp_path: Path) -> None:
    compiled = relprop.compile(model_path, composite="epsilon-plus")
    wanted = relprop.Explainer(compiled)(x.numpy(), [1, 2]).relevance
    saved = compiled.save(tmp_path / "whole.onnx")
    onnx.checker.check_model(str(saved), full_check=True)
    assert [each.name for each in onnx.load(saved).graph.output] == ["y", "relevance"]
    assert np.array_equal(relevance_of(saved, x), wanted)
    beside = compiled.save(tmp_path / "beside.onnx", external_data=True)
    assert (tmp_path / "beside.onnx.data").stat().st_size > 0
    assert np.array_equal(
        onnxruntime.InferenceSession(str(beside)).run(
            ["relevance"], {"x": x.numpy(), "target": np.eye(5, dtype=np.float32)[[1, 2]]}
        )[0],
        wanted,
    )
    with pytest.raises(relprop.ModelFileError, match="no such folder"):
        compiled.save(tmp_path / "nowhere" / "net.onnx")
    assert pickle.loads(pickle.dumps(compiled)).save(tmp_path / "again.onnx").read_bytes() == saved.read_bytes()


def test_external_data_and_a_folder_of_another_name(x: torch.Tensor, tmp_path: Path) -> None:
    folder = tmp_path / "modèle à côté"
    folder.mkdir()
    source = folder / "net ü.onnx"
    source.write_bytes(wide(x))
    wanted = relprop.Explainer(source.read_bytes(), composite="epsilon-plus")(x, 1).relevance
    onnx.save(onnx.load(source), source, save_as_external_data=True, location="weights.bin", size_threshold=16)
    compiled = relprop.compile(source, composite="epsilon-plus")
    assert torch.equal(relprop.Explainer(compiled)(x, 1).relevance, wanted)
    copy = pickle.loads(pickle.dumps(compiled))
    assert torch.equal(relprop.Explainer(copy)(x, 1).relevance, wanted)
    with pytest.raises(relprop.ModelFileError, match="the weights of the source model are in it"):
        compiled.save(source)
    with pytest.raises(relprop.ModelFileError, match="the weights of the source model are in it"):
        compiled.save(folder / "weights.bin")


@pytest.mark.parametrize("when", ["session", "save", "pickle"])
def test_weights_that_changed_since_are_not_used(x: torch.Tensor, tmp_path: Path, when: str) -> None:
    own = tmp_path / "own.onnx"
    data = wide(x)
    own.write_bytes(data)
    compiled = relprop.compile(own, composite="epsilon-plus")
    own.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    use = {
        "session": compiled.session,
        "save": lambda: compiled.save(tmp_path / "out.onnx"),
        "pickle": lambda: pickle.dumps(compiled),
    }
    with pytest.raises(relprop.ModelFileError, match="changed after the model was compiled"):
        use[when]()
    own.unlink()
    with pytest.raises(relprop.ModelFileError, match="cannot read the weights"):
        use[when]()


def test_plan_and_inspection_say_the_rules(model_path: Path) -> None:
    compiled = relprop.compile(model_path, composite="epsilon-plus", rules={"Gemm": "gamma:0.1"})
    assert [line.rule for line in compiled.plan if line.operator == "Conv"] == ["zplus"]
    assert any("gamma=0.1" in line.rule for line in compiled.plan)
    inspection = compiled.inspect()
    assert inspection.can_compile
    assert "gamma" in str(inspection)
    assert str(relprop.inspect(model_path, composite="epsilon-plus", rules={"Gemm": "gamma:0.1"})) == str(inspection)


def test_options_are_the_librarys() -> None:
    options = relprop.options()
    assert {"composite", "top_k", "filter_by", "layers", "ledger", "rules", "method"} <= set(options)
    assert "operators" not in options
    assert "steps" in relprop.options("integrated-gradients")
    with pytest.raises(relprop.OptionError, match='did you mean "smoothgrad"'):
        relprop.options("smothgrad")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"composit": "epsilon"}, 'compile has no option "composit".*did you mean "composite"'),
        ({"topK": 0.1}, 'no option "topK".*did you mean "top_k"'),
        ({"composite": "epsilon-pluss"}, 'did you mean "epsilon-plus"'),
        ({"filter_by": "sort"}, "filter_by cannot be"),
        ({"input": "z"}, 'the model has no input "z"'),
        ({"layers": ["nowhere"]}, 'relevance cannot stop at "nowhere"'),
        ({"method": "smothgrad"}, 'there is no method "smothgrad".*did you mean "smoothgrad"'),
        ({"method": "smoothgrad", "composite": "epsilon"}, 'smoothgrad has no option "composite"'),
        ({"composite": "epsilon", "gamma": 1}, "nothing uses gamma"),
        ({"target": "0,9"}, "."),
        ({"rules": {"Conv": "gama"}}, 'did you mean "gamma"'),
    ],
    ids=str,
)
def test_options_that_there_are_not(model_path: Path, options: dict, message: str) -> None:
    with pytest.raises(relprop.OptionError, match=message) as caught:
        relprop.compile(model_path, **options)
    assert isinstance(caught.value, ValueError)


def test_methods_that_are_not_relevance_propagation(model_path: Path, net: torch.nn.Module, x: torch.Tensor) -> None:
    explainer = relprop.Explainer(model_path, method="input-x-gradient")
    leaf = x.clone().requires_grad_()
    net(leaf)[:, 3].sum().backward()
    torch.testing.assert_close(explainer(x, target=3).relevance, x * leaf.grad, atol=1e-6, rtol=1e-4)


def test_files_that_are_no_models(tmp_path: Path) -> None:
    with pytest.raises(relprop.ModelFileError, match="no such file") as caught:
        relprop.compile(tmp_path / "none.onnx")
    assert isinstance(caught.value, OSError)
    for data in (b"", b"no model", bytes(100)):
        with pytest.raises(relprop.ModelFileError):
            relprop.compile(data)
    with pytest.raises(relprop.OptionError, match=r"cannot explain a builtins\.int"):
        relprop.compile(3)
    composite = tmp_path / "mine.json"
    composite.write_text("{")
    with pytest.raises(relprop.ModelFileError, match="cannot read the composite"):
        relprop.compile(tmp_path / "none.onnx", composite=composite)


def test_what_relevance_cannot_cross(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Mystery", ["x"], ["y"], "strange", domain="my.lab")
    value = lambda name: onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4])  # noqa: E731
    graph = onnx.helper.make_graph([node], "g", [value("x")], [value("y")])
    opsets = [onnx.helper.make_opsetid("", 17), onnx.helper.make_opsetid("my.lab", 1)]
    with pytest.raises(relprop.UnexplainableError, match=r"my\.lab/Mystery") as caught:
        relprop.compile(onnx.helper.make_model(graph, opset_imports=opsets))
    (obstacle,) = caught.value.obstacles
    assert (obstacle.node, obstacle.operator) == ("strange", "Mystery")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.obstacles) == (str(caught.value), caught.value.obstacles)


def test_a_module_is_exported_as_it_is_without_changing_it(x: torch.Tensor) -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.Dropout(), torch.nn.Flatten())
    module[1].eval()
    compiled = relprop.compile(module, example_inputs=x[:1], composite="epsilon")
    assert [each.training for each in module] == [True, False, True, True]
    assert relprop.Explainer(compiled)(x, target=0).relevance.shape == x.shape
    with pytest.raises(relprop.OptionError, match="give example_inputs="):
        relprop.compile(module)


def test_a_module_that_no_exporter_takes_says_why(x: torch.Tensor) -> None:
    class Odd(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("not for export")

    with pytest.raises(relprop.ModelFileError, match=r"(?s)torch\.export, .*tracing, .*not for export"):
        relprop.compile(Odd(), example_inputs=x)


def test_errors_of_other_kinds_are_the_compilers() -> None:
    error = error_from({"name": "TypeError", "message": "x is no function"})
    assert isinstance(error, relprop.CompilerError)
    assert "x is no function" in str(error)
