"""What an explainer takes and gives. Referee of values: torch's autograd, in float64."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import relprop

Net = torch.nn.Sequential


def gradient(net: torch.nn.Module, x: torch.Tensor, weights: Any) -> np.ndarray[Any, Any]:
    """∂(weights · net(x))/∂x in float64."""
    double = pickle.loads(pickle.dumps(net)).double()
    leaf = x.double().requires_grad_()
    (double(leaf) * torch.as_tensor(np.asarray(weights))).sum().backward()
    assert leaf.grad is not None
    return leaf.grad.numpy()


@pytest.fixture(scope="module")
def explainer(model_path: Path) -> relprop.Explainer:
    return relprop.Explainer(model_path, composite="gradient")


one_hot = np.eye(5)
weighted = np.array([[0.5, 0, 0, -2, 1], [0, 1, 0, 0, 0]])


@pytest.mark.parametrize(
    ("target", "weights"),
    [
        (3, one_hot[[3, 3]]),
        (np.int64(3), one_hot[[3, 3]]),
        ([1, 4], one_hot[[1, 4]]),
        (np.array([1, 4]), one_hot[[1, 4]]),
        (torch.tensor([1, 4]), one_hot[[1, 4]]),
        (torch.tensor(2), one_hot[[2, 2]]),
        ((3,), one_hot[[3, 3]]),
        ((-1,), one_hot[[4, 4]]),
        ((slice(1, 3),), one_hot[[1, 1]] + one_hot[[2, 2]]),
        ([(0,), (4,)], one_hot[[0, 4]]),
        (weighted, weighted),
        (torch.tensor(weighted), weighted),
        (weighted[0], weighted[[0, 0]]),
        (weighted > 0, weighted > 0),
        (one_hot[[1, 4]].astype(int), one_hot[[1, 4]]),
    ],
    ids=str,
)
def test_targets(explainer: relprop.Explainer, net: Net, x: torch.Tensor, target: Any, weights: Any) -> None:
    explanation = explainer(x.numpy(), target=target)
    np.testing.assert_allclose(explanation.target, np.asarray(weights, np.float32))
    np.testing.assert_allclose(explanation.relevance, gradient(net, x, weights), atol=1e-6)


@pytest.mark.parametrize("target", [None, "top1"])
def test_the_usual_target_is_the_answer(explainer: relprop.Explainer, net: Net, x: torch.Tensor, target: Any) -> None:
    explanation = explainer(x, target=target)
    best = net(x).argmax(1)
    assert explanation.best.tolist() == best.tolist()
    assert torch.equal(explanation.target, torch.nn.functional.one_hot(best, 5).float())


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (5, "there is no class 5: the output has the classes 0 to 4"),
        (-1, "there is no class -1"),
        ([1, 2, 3], "it names 3 classes for 2 samples"),
        (2.5, "cannot use the target 2.5"),
        (np.ones((3, 5)), "it has the shape \\[3, 5\\], the output has \\[2, 5\\]"),
        ((0, 3), "leave the samples out"),
        ((7,), "index 7 is out of bounds"),
        ([(1,)], "it names 1 elements for 2 samples"),
        ("top2", 'did you mean "top1"'),
    ],
    ids=str,
)
def test_targets_that_there_are_not(explainer: relprop.Explainer, x: torch.Tensor, target: Any, message: str) -> None:
    with pytest.raises(relprop.OptionError, match=message):
        explainer(x, target=target)


def test_the_same_kind_comes_out(explainer: relprop.Explainer, x: torch.Tensor) -> None:
    of_torch = explainer(x.requires_grad_(), target=1)
    of_numpy = explainer(x.detach().numpy(), target=1)
    x.requires_grad_(False)
    for name in ("relevance", "explained", "target"):
        assert isinstance(getattr(of_torch, name), torch.Tensor)
        assert isinstance(getattr(of_numpy, name), np.ndarray)
        assert np.array_equal(getattr(of_torch, name), getattr(of_numpy, name))
    doubles = explainer(x.double().numpy(), target=1)
    assert np.array_equal(doubles.relevance, of_numpy.relevance)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((2, 3, 8, 9), np.float32), "the model takes \\[N, 3, 8, 8\\], this is \\[2, 3, 8, 9\\]"),
        (np.zeros((3, 8, 8), np.float32), "this is \\[3, 8, 8\\]"),
        (np.zeros((0, 3, 8, 8), np.float32), "it is empty"),
        (np.zeros((1, 3, 8, 8), complex), "this is complex128"),
        ({"y": np.zeros(3)}, 'cannot feed "y"'),
        ({}, "further inputs that were not given"),
        ((np.zeros(3), np.zeros(3)), "it has 1 inputs, 2 were given"),
        (np.full((1, 3, 8, 8), np.nan, np.float32), "is not finite"),
    ],
)
def test_inputs_that_do_not_fit(model_path: Path, value: Any, message: str) -> None:
    with pytest.raises(relprop.InputError, match=message):
        relprop.Explainer(model_path, composite="epsilon")(value, target=0)


class Two(torch.nn.Module):
    """Σ of a product with weights and a square: what each input's share is, is known."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = torch.nn.Linear(4, 3, bias=False), torch.nn.Linear(6, 3, bias=False)

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.a(a) + self.b(b)


def test_several_inputs_by_order_and_by_name() -> None:
    module = Two()
    a, b = torch.randn(3, 4), torch.randn(3, 6)
    explainer = relprop.Explainer(module, example_inputs=(a, b), composite="epsilon", epsilon=0)
    wanted = {"a": a * module.a.weight[1], "b": b * module.b.weight[1]}
    for given in ((a, b), [a, b], {"b": b, "a": a}):
        relevances = explainer(given, target=1).relevances
        assert list(relevances) == ["a", "b"]
        for name, relevance in relevances.items():
            torch.testing.assert_close(relevance, wanted[name], atol=1e-6, rtol=1e-5)


def test_tokens_and_the_next_one() -> None:
    torch.manual_seed(0)
    words = torch.nn.Sequential(torch.nn.Embedding(11, 8), torch.nn.Linear(8, 11)).eval()
    ids = torch.tensor([[1, 2, 3, 4], [5, 6, 7, 8]])
    explainer = relprop.Explainer(words, example_inputs=ids, composite="epsilon", epsilon=0)
    explanation = explainer(ids, target=(-1, 9))
    logits = words(ids)[:, -1, 9]
    bias = words[1].bias[9]
    torch.testing.assert_close(explanation.relevance[:, -1], (logits - bias).detach(), atol=1e-5, rtol=1e-4)
    assert explanation.relevance[:, :-1].abs().max() == 0
    assert explanation.relevance.shape == ids.shape
    with pytest.raises(relprop.InputError, match="takes int64, this is float32"):
        explainer(ids.float(), target=(-1, 9))
    if explainer.facts.is_vocabulary:
        best = words(ids)[:, -1].argmax(-1)
        assert explainer(ids).target.nonzero().tolist() == [[0, 3, int(best[0])], [1, 3, int(best[1])]]


def test_segmentation_with_open_sizes() -> None:
    torch.manual_seed(0)
    module = torch.nn.Conv2d(3, 4, 3, padding=1).eval()
    x = torch.randn(2, 3, 6, 7)
    path_like = relprop.Explainer(module, example_inputs=x, composite="gradient")
    for target in (2, (2, slice(None), slice(None))):
        explanation = path_like(x, target=target)
        weights = np.zeros((2, 4, 6, 7))
        weights[:, 2] = 1
        np.testing.assert_allclose(explanation.relevance, gradient(module, x, weights), atol=1e-5)
    with pytest.raises(relprop.OptionError, match="cannot tell what to explain"):
        path_like(x)


def test_the_ledger_sums_up(model_path: Path, x: torch.Tensor) -> None:
    explanation = relprop.Explainer(model_path, composite="epsilon-plus", ledger=True)(x, target=[1, 2])
    assert explanation.ledgers is not None
    starts = explanation.explained[[0, 1], [1, 2]]
    for ledger, start, relevance in zip(explanation.ledgers, starts, explanation.relevance, strict=True):
        assert ledger.start == pytest.approx(float(start), rel=1e-5)
        assert ledger.reached == pytest.approx(float(relevance.sum()), rel=1e-4, abs=1e-5)
        assert ledger.start == pytest.approx(ledger.reached + sum(ledger.stayed.values()), rel=1e-5)
        assert "bias" in str(ledger)
        for entry in ledger.entries[:-1]:
            assert entry.arriving == pytest.approx(entry.leaving + sum(entry.stayed.values()), rel=1e-4, abs=1e-5)


def test_layers_in_one_pass(model_path: Path, net: Net, x: torch.Tensor) -> None:
    plan = [line.node for line in relprop.compile(model_path, composite="gradient").plan]
    relu, pool = plan[1], plan[2]
    explanation = relprop.Explainer(model_path, composite="gradient", layers=[relu, pool])(x, target=2)
    hidden = net[1](net[0](x))
    np.testing.assert_allclose(explanation.layers[relu], gradient(net[2:], hidden.detach(), one_hot[[2, 2]]), atol=1e-6)
    pooled = net[2](hidden)
    np.testing.assert_allclose(explanation.layers[pool], gradient(net[3:], pooled.detach(), one_hot[[2, 2]]), atol=1e-6)
    assert set(explanation.outputs) == {"y"}


def test_pickled_it_needs_neither_node_nor_files(model_path: Path, x: torch.Tensor, tmp_path: Path) -> None:
    own = tmp_path / "own.onnx"
    own.write_bytes(model_path.read_bytes())
    explainer = relprop.Explainer(own, composite="epsilon-plus")
    before = explainer(x, target=1)
    data = pickle.dumps(explainer)
    own.unlink()
    copy = pickle.loads(data)
    again = pickle.loads(pickle.dumps(copy))
    assert torch.equal(copy(x, target=1).relevance, before.relevance)
    assert torch.equal(again(x, target=1).relevance, before.relevance)
    with pytest.raises(relprop.OptionError, match="it was unpickled"):
        copy.compiled.inspect()


def test_threads_share_one(model_path: Path, x: torch.Tensor) -> None:
    explainer = relprop.Explainer(model_path, composite="epsilon-plus")
    wanted = [explainer(x, target=target).relevance for target in range(5)]
    found: dict[int, torch.Tensor] = {}
    fresh = relprop.Explainer(explainer.compiled)

    def work(target: int) -> None:
        for _ in range(20):
            found[target] = fresh(x, target=target).relevance

    threads = [threading.Thread(target=work, args=(target,)) for target in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(torch.equal(found[target], wanted[target]) for target in range(5))


def test_devices_that_there_are_not(model_path: Path) -> None:
    with pytest.raises(relprop.OptionError, match=r'no device "cud".*did you mean "cuda"'):
        relprop.Explainer(model_path, device="cud")
    with pytest.raises(relprop.OptionError, match='there is no provider "NoExecutionProvider"'):
        relprop.Explainer(model_path, providers=["NoExecutionProvider"])(np.zeros((1, 3, 8, 8), np.float32))
    with pytest.raises(relprop.OptionError, match="both say where"):
        relprop.Explainer(model_path, providers=["CPUExecutionProvider"], device="cpu")


def test_the_filter_at_run_time(model_path: Path, x: torch.Tensor) -> None:
    explainer = relprop.Explainer(model_path, composite="epsilon-plus", top_k="input")
    whole, few = (explainer(x, 1, keep=keep).relevance for keep in (0, 0.05))
    assert (few == 0).sum() > (whole == 0).sum()
    with pytest.raises(relprop.OptionError, match="nothing uses keep"):
        relprop.Explainer(model_path)(x, 1, keep=0.1)


def test_the_whole_prediction_takes_no_target(x: torch.Tensor, net: Net) -> None:
    with_softmax = torch.nn.Sequential(net, torch.nn.Softmax(1))
    compiled = relprop.compile(with_softmax, example_inputs=x)
    assert compiled.facts.settings["composite"] == "fischer"
    explainer = relprop.Explainer(compiled)
    assert explainer(x).target is None
    assert explainer(x).relevance.min() >= 0
    with pytest.raises(relprop.OptionError, match="the whole prediction is explained"):
        explainer(x, target=1)
