"""Transformers: AttnLRP beside LXT's formulas, gradients beside torch's autograd, both in float64."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import lxt.explicit.functional as lf
import lxt.explicit.rules as lr
import pytest
import torch
import transformers
from torch import nn

import relprop

vocabulary, width, heads, length = 19, 16, 4, 6

plain = SimpleNamespace(
    linear=nn.functional.linear,
    matmul=torch.matmul,
    add=torch.add,
    mul=torch.mul,
    softmax=torch.softmax,
    silu=nn.functional.silu,
    norm=lambda x, weight, eps: weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps),
)
"""Operators as torch has them."""

by_lxt = SimpleNamespace(
    linear=lf.linear_epsilon,
    matmul=lf.matmul,
    add=lf.add2,
    mul=lf.mul2,
    softmax=lf.softmax,
    silu=lr.IdentityRule(nn.SiLU()),
    norm=lf.rms_norm_identity,
)
"""The same, whose gradients are relevance."""


class Decoder(nn.Module):
    """Two layers as Llama has them: RMS norms, rotary positions, two heads for each key, gated feed-forward layers."""

    def __init__(self, ops: Any = plain) -> None:
        super().__init__()
        self.ops = ops
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
        return self.ops.add(self.ops.mul(x, self.cos), self.ops.mul(torch.cat([-two, one], -1), self.sin))

    def of_heads(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """[N, T, width] -> [N, heads, T, width of a head]."""
        y = self.ops.linear(x, weight).unflatten(-1, (-1, width // heads)).transpose(1, 2)
        return y.repeat_interleave(heads // y.shape[1], 1)

    def decode(self, x: torch.Tensor) -> torch.Tensor:
        """Embeddings [N, T, width] -> logits [N, T, vocabulary]."""
        ops = self.ops
        for each in self.layers:
            y = ops.norm(x, each["before"], 1e-5)
            q, k = (self.turned(self.of_heads(y, each[name])) for name in ("q", "k"))
            scores = ops.mul(ops.matmul(q, k.transpose(-1, -2)), self.scale).masked_fill(self.hidden, float("-inf"))
            mixed = ops.matmul(ops.softmax(scores, -1), self.of_heads(y, each["v"])).transpose(1, 2).flatten(2)
            x = ops.add(x, ops.linear(mixed, each["o"]))
            y = ops.norm(x, each["between"], 1e-5)
            gated = ops.mul(ops.silu(ops.linear(y, each["gate"])), ops.linear(y, each["up"]))
            x = ops.add(x, ops.linear(gated, each["down"]))
        return ops.linear(ops.norm(x, self.last, 1e-5), self.head)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return self.decode(self.embedding(ids))


@pytest.mark.parametrize("seed", range(3))
def test_a_llama_beside_lxt(seed: int) -> None:
    torch.manual_seed(seed)
    net = Decoder().eval()
    ids = torch.randint(0, vocabulary, (2, length))
    words = [3, 11]
    referee = copy.deepcopy(net).double()
    referee.ops = by_lxt
    x = referee.embedding(ids).detach().requires_grad_()
    chosen = referee.decode(x)[[0, 1], -1, words]
    chosen.backward(chosen.detach())
    assert x.grad is not None
    wanted = x.grad.sum(-1)
    explainer = relprop.Explainer(net, example_inputs=ids, composite="attnlrp", dialect="lxt")
    explanation = explainer(ids, target=[(-1, word) for word in words])
    torch.testing.assert_close(explanation.explained[[0, 1], -1, words].double(), chosen.detach(), atol=1e-5, rtol=1e-4)
    assert (explanation.relevance - wanted).abs().max() < 2e-4 * wanted.abs().max()


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


@pytest.mark.parametrize(("make", "target"), [(bert, 2), (gpt2, (-1, 7))], ids=["BERT", "GPT-2"])
def test_transformers_gradients(make: Any, target: Any) -> None:
    torch.manual_seed(0)
    net = Logits(make()).eval()
    ids = torch.randint(3, vocabulary, (2, length))
    double = copy.deepcopy(net.network).double()
    x = double.get_input_embeddings()(ids).detach().requires_grad_()
    logits = double(inputs_embeds=x).logits
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
