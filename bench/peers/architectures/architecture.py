"""What is exported: a network and what its input is."""

from dataclasses import dataclass
from typing import Callable

from torch import nn


@dataclass(frozen=True)
class Architecture:
    """
    kind "image": one float input [N, 3, size, size].
    kind "text": int64 token ids and attention mask, both [N, size]; `embedding` finds the module whose output relevance
    is wanted for, `vocabulary` is how many tokens there are, and where `masked` the mask hides the last two.
    """

    name: str
    source: str
    build: Callable[[], nn.Module]
    size: int = 64
    kind: str = "image"
    channels: int = 3
    vocabulary: int = 0
    embedding: Callable[[nn.Module], nn.Module] | None = None
    masked: bool = True


class Only(nn.Module):
    """The one tensor of a network's answer that is explained."""

    def __init__(self, network, take):
        super().__init__()
        self.network, self.take = network, take

    def forward(self, *inputs):
        return self.take(self.network(*inputs))
