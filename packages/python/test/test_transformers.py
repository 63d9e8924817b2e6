"""Transformers: gradients beside torch's autograd in float64, and AttnLRP, whose ledger has to sum up."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
import transformers
from torch import nn

import relprop

vocabulary, width, heads, length = 19, 16, 4, 6


class Decoder(nn.Module):
    """Two layers as Llama has them: RMS norms, rotary positions, two heads for each key, gated feed-forward layers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        kv = width // 2
        sizes = {"q": (width, width), "k": (kv, width), "v": (kv, width), "o": (width, width)}
        sizes |= {"gate": (24, width), "up": (24, width), "down": (width, 24)}
        self.layers = nn.ModuleList(
            nn.ParameterDict(
                {name: nn.Parameter(torch.randn(size) * 0.3) for name, size in sizes.items()}
                | {name: nn.Parameter(1 + 0.1 * torch.randn(width)) for name in ("before", "between")}
            )
            for _ in range(2)
        )
        self.last = nn.Parameter(torch.ones(width))
        self.head = nn.Parameter(torch.randn(vocabulary, width) * 0.3)
        angle = torch.arange(length)[:, None] / 100.0 ** (torch.arange(width // heads // 2) / 2)
        self.register_buffer("cos", torch.cat([angle, angle], -1).cos())
        self.register_buffer("sin", torch.cat([angle, angle], -1).sin())
        self.register_buffer("hidden", torch.ones(length, length).triu(1).bool())
        self.register_buffer("scale", torch.tensor((width // heads) ** -0.5))

    def turned(self, x: torch.Tensor) -> torch.Tensor:
        """Rotary positions."""
        one, two = x.chunk(2, -1)
        return x * self.cos + torch.cat([-two, one], -1) * self.sin

    def of_heads(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """[N, T, width] -> [N, heads, T, width of a head]."""
        y = nn.functional.linear(x, weight).unflatten(-1, (-1, width // heads)).transpose(1, 2)
        return y.repeat_interleave(heads // y.shape[1], 1)

    def normed(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """An RMS norm."""
        return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))

    def decode(self, x: torch.Tensor) -> torch.Tensor:
        """Embeddings [N, T, width] -> logits [N, T, vocabulary]."""
        linear = nn.functional.linear
        for each in self.layers:
            y = self.normed(x, each["before"])
            q, k = (self.turned(self.of_heads(y, each[name])) for name in ("q", "k"))
            scores = (q @ k.transpose(-1, -2) * self.scale).masked_fill(self.hidden, float("-inf"))
            mixed = (scores.softmax(-1) @ self.of_heads(y, each["v"])).transpose(1, 2).flatten(2)
            x = x + linear(mixed, each["o"])
            y = self.normed(x, each["between"])
            x = x + linear(nn.functional.silu(linear(y, each["gate"])) * linear(y, each["up"]), each["down"])
        return linear(self.normed(x, self.last), self.head)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.decode(self.embedding(ids))


def bert() -> nn.Module:
    config = transformers.BertConfig(
        vocab_size=vocabulary, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, num_labels=3
    )
    return transformers.BertForSequenceClassification(config)


def gpt2() -> nn.Module:
    config = transformers.GPT2Config(vocab_size=vocabulary, n_embd=16, n_layer=2, n_head=2, n_positions=8, use_cache=False)
    return transformers.GPT2LMHeadModel(config)


class Logits(nn.Module):
    """The logits alone, from token ids or their vectors."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.network(input_ids=ids).logits


@pytest.mark.parametrize(("make", "target"), [(bert, 2), (gpt2, (-1, 7)), (Decoder, (-1, 7))], ids=["BERT", "GPT-2", "Llama"])
def test_transformers_gradients(make: Any, target: Any) -> None:
    torch.manual_seed(0)
    net = Decoder().eval() if make is Decoder else Logits(make()).eval()
    ids = torch.randint(3, vocabulary, (2, length))
    double = copy.deepcopy(net).double()
    table = double.embedding if isinstance(double, Decoder) else double.network.get_input_embeddings()
    x = table(ids).detach().requires_grad_()
    logits = double.decode(x) if isinstance(double, Decoder) else double.network(inputs_embeds=x).logits
    (logits[:, 2] if make is bert else logits[:, -1, 7]).sum().backward()
    assert x.grad is not None
    ours = relprop.Explainer(net, example_inputs=ids, method="input-x-gradient")(ids, target)
    wanted = (x * x.grad).sum(-1).detach()
    assert (ours.relevance - wanted).abs().max() < 2e-5 * wanted.abs().max()
    lengths = relprop.Explainer(net, example_inputs=ids, composite="gradient")(ids, target).relevance
    assert (lengths - x.grad.norm(dim=-1)).abs().max() < 2e-5 * lengths.abs().max()
    shared = relprop.Explainer(net, example_inputs=ids, composite="attnlrp", ledger=True)(ids, target)
    assert shared.relevance.shape == ids.shape
    assert shared.ledgers is not None
    for ledger, relevance in zip(shared.ledgers, shared.relevance, strict=True):
        assert ledger.start == pytest.approx(ledger.reached + sum(ledger.stayed.values()), rel=1e-4, abs=1e-6)
        assert ledger.reached == pytest.approx(float(relevance.sum()), rel=1e-3, abs=1e-5)
