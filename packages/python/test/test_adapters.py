"""captum's contract, Quantus' function, pictures, and the command."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import relprop

captum_attr = pytest.importorskip("captum.attr")
from relprop.captum import RelevancePropagation  # noqa: E402
from relprop.quantus import explain  # noqa: E402


def test_attributions_are_explanations(net: torch.nn.Module, x: torch.Tensor) -> None:
    method = RelevancePropagation(net, composite="epsilon-plus")
    wanted = relprop.Explainer(net, example_inputs=x, composite="epsilon-plus")(x, [1, 3]).relevance
    assert torch.equal(method.attribute(x, target=[1, 3]), wanted)
    assert torch.equal(method.attribute((x,), target=torch.tensor([1, 3]))[0], wanted)
    double = RelevancePropagation(copy.deepcopy(net).double(), composite="epsilon-plus")
    assert double.attribute(x.double(), target=[(1,), (3,)]).dtype == torch.float64
    attributions, delta = method.attribute(x, target=[1, 3], return_convergence_delta=True)
    starts = net(x)[[0, 1], [1, 3]].detach()
    torch.testing.assert_close(delta, starts - attributions.flatten(1).sum(1), atol=1e-5, rtol=1e-4)


def test_inside_a_noise_tunnel(net: torch.nn.Module, x: torch.Tensor) -> None:
    method = RelevancePropagation(net, composite="gradient")
    torch.manual_seed(0)
    ours = captum_attr.NoiseTunnel(method).attribute(x, nt_samples=4, stdevs=0.1, target=2)
    torch.manual_seed(0)
    saliency = captum_attr.Saliency(net)
    theirs = captum_attr.NoiseTunnel(saliency).attribute(x, nt_samples=4, stdevs=0.1, target=2, abs=False)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-4)


def test_changed_weights_are_explained_as_they_are(x: torch.Tensor) -> None:
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 3, bias=False))
    method = RelevancePropagation(module, composite="epsilon", epsilon=0)

    def wanted() -> torch.Tensor:
        return (x.flatten(1) * module[1].weight[2]).reshape(x.shape).detach()

    for change in (
        lambda: None,
        lambda: module[1].weight.data.mul_(2),
        lambda: torch.nn.init.normal_(module[1].weight),
        lambda: setattr(module[1], "weight", torch.nn.Parameter(torch.ones(3, 192))),
        lambda: module.load_state_dict({"1.weight": torch.full((3, 192), 0.5)}),
    ):
        change()
        torch.testing.assert_close(method.attribute(x, target=2), wanted(), atol=1e-6, rtol=1e-5)


def test_several_inputs_and_further_arguments() -> None:
    class Scaled(torch.nn.Module):
        def forward(self, a: torch.Tensor, b: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
            return a.sum(1, keepdim=True) * 2 + (b * scale).sum(1, keepdim=True)

    a, b, scale = torch.randn(2, 3), torch.randn(2, 4), torch.full((2, 4), 3.0)
    method = RelevancePropagation(Scaled(), composite="gradient", explain=["a", "b"])
    of_a, of_b = method.attribute((a, b), target=0, additional_forward_args=(scale,))
    torch.testing.assert_close((of_a, of_b), (torch.full_like(a, 2), scale))
    with pytest.raises(relprop.OptionError, match="takes tensors only"):
        method.attribute((a, b), target=0, additional_forward_args=(3,))


def test_quantus_function(net: torch.nn.Module, x: torch.Tensor) -> None:
    found = explain(net, x.numpy(), np.array([1, 3]), composite="epsilon-plus", device="cpu", reduce_axes=None)
    wanted = RelevancePropagation(net, composite="epsilon-plus").attribute(x, [1, 3])
    assert np.array_equal(found, wanted.numpy())


def test_pictures(model_path: Path, x: torch.Tensor) -> None:
    explanation = relprop.Explainer(model_path, composite="epsilon")(x, target=1)
    relevance = explanation.map(1)
    assert np.allclose(relevance, explanation.relevance[1].sum(0))
    pixels = np.asarray(explanation.image(1, clip=100)).astype(int)
    assert pixels.shape == (8, 8, 3)
    strongest = np.unravel_index(np.abs(relevance).argmax(), relevance.shape)
    red, _, blue = pixels[strongest]
    assert (red > blue) == (relevance[strongest] > 0)
    assert abs(int(red) - int(blue)) > 200
    assert not np.array_equal(np.asarray(explanation.image(1, colors="coldnhot")), pixels)
    with pytest.raises(relprop.OptionError, match="afmhot"):
        explanation.image(colors="nocolour")
    assert len(explanation.figure().axes) == 2
    assert explanation._repr_html_().startswith('<figure><img style="image-rendering:pixelated')


def test_pictures_of_tokens_and_signals() -> None:
    torch.manual_seed(0)
    signal = torch.nn.Sequential(torch.nn.Conv1d(2, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(4 * 14, 3))
    explanation = relprop.Explainer(signal, example_inputs=torch.randn(2, 2, 16))(torch.randn(2, 2, 16), target=1)
    assert explanation.map().shape == (16,)
    assert "data:image/png" in explanation._repr_html_()
    words = torch.nn.Sequential(torch.nn.Embedding(9, 4), torch.nn.Flatten(), torch.nn.Linear(12, 2))
    of_tokens = relprop.Explainer(words, example_inputs=torch.tensor([[1, 2, 3]]))(torch.tensor([[4, 5, 6]]), target=1)
    html = of_tokens.html(tokens=["<s>", "cat", "&"])
    assert "&lt;s&gt;" in html
    assert "&amp;" in html
    assert len(of_tokens.figure(tokens=["a", "b", "c"]).axes) == 1
    with pytest.raises(relprop.OptionError, match="there are 3, and 1 names"):
        of_tokens.html(tokens=["a"])


def test_the_command_is_handed_on(tmp_path: Path) -> None:
    command = tmp_path / "relprop"
    command.write_text('#!/bin/sh\necho "$@"; exit 3\n')
    command.chmod(0o755)
    run = [sys.executable, "-m", "relprop", "inspect", "a b"]
    found = subprocess.run(run, env={**os.environ, "PATH": f"{tmp_path}:/bin"}, capture_output=True, text=True, check=False)
    assert (found.stdout, found.returncode) == ("inspect a b\n", 3)
    none = subprocess.run(run, env={**os.environ, "PATH": "/nowhere"}, capture_output=True, text=True, check=False)
    assert none.returncode == 127
    assert "npm install" in none.stderr
