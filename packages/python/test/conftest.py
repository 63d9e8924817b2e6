"""Small models that tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
torch = pytest.importorskip("torch")


def small_net(classes: int = 5, channels: int = 3) -> torch.nn.Sequential:
    """A convolution, pooling and a dense layer, for inputs [N, channels, 8, 8]."""
    torch.manual_seed(0)
    return torch.nn.Sequential(
        torch.nn.Conv2d(channels, 8, 3, padding=1),
        torch.nn.ReLU(),
        torch.nn.MaxPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 16, classes),
    ).eval()


@pytest.fixture(scope="session")
def net() -> torch.nn.Sequential:
    return small_net()


@pytest.fixture(scope="session")
def x() -> torch.Tensor:
    return torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="session")
def model_path(tmp_path_factory: pytest.TempPathFactory, net: torch.nn.Module, x: torch.Tensor) -> Path:
    """The net as an .onnx file with an open batch."""
    path = tmp_path_factory.mktemp("models") / "net.onnx"
    torch.onnx.export(
        net, (x,), str(path), dynamo=False, input_names=["x"], output_names=["y"], dynamic_axes={"x": {0: "N"}, "y": {0: "N"}}
    )
    return path
