"""The result of one run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Array, to_numpy
from ._facts import Facts
from .ledger import Ledger

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image


@dataclass(frozen=True, repr=False)
class Explanation:
    """Relevance of a batch and what the model answered. Arrays are of the kind that went in: numpy, or torch on its device.

    :ivar relevance: of the first explained input, in its shape; summed over channels with ``reduce="channels"``. Unitless
    :ivar relevances: of every explained input by name
    :ivar layers: of the layers that were asked for by ``layers=``, by the names given there, in the shape of their tensors
    :ivar outputs: the model's own outputs by name
    :ivar explained: the explained output before its response function: the logits
    :ivar target: what was explained, as weights in the shape of ``explained``; None where that was compiled in
    :ivar ledgers: where the relevance of each sample stayed, with ``ledger=True``
    :ivar facts: the facts about the compiled model
    """

    relevance: Any
    relevances: Mapping[str, Any]
    layers: Mapping[str, Any]
    outputs: Mapping[str, Any]
    explained: Any
    target: Any
    ledgers: tuple[Ledger, ...] | None
    facts: Facts
    input: Array = field(repr=False)

    def __repr__(self) -> str:
        shapes = ", ".join(f"{name} {list(each.shape)}" for name, each in self.relevances.items())
        return f"<Explanation of {shapes}>"

    @property
    def best(self) -> Array:
        """The index of the highest number of each sample. Empty where the output is no list of classes."""
        facts = self.facts
        if not facts.is_list or facts.class_axis is None:
            return np.empty(0, np.int64)
        ranked = self.explained if facts.is_ordered else self.outputs[facts.output_name]
        best: Array = to_numpy(ranked).argmax(facts.class_axis)
        return best

    def map(self, sample: int = 0) -> Array:
        """The relevance of one sample as it is drawn: [H, W] of a picture, [T] of tokens, else as it is.

        :raises IndexError: if there is no such sample
        """
        axis = self.facts.input_batch_axis
        relevance = to_numpy(self.relevance)
        own: Array = relevance if axis is None else np.take(relevance, sample, axis)
        reduced = self.facts.settings["reduce"] == "channels"
        if not reduced and own.ndim >= 2 and len(self.facts.inputs[0][0].shape) == own.ndim + 1:
            channels = self.facts.channel_axis - 1
            return own.sum(channels)  # type: ignore[no-any-return]
        return own

    def image(
        self, sample: int = 0, *, colors: str | None = None, normalize: str | None = None, clip: float | None = None
    ) -> Image:
        """A heatmap as a picture of Pillow, one pixel for each place, in the colours of the command.

        :param colors: a colour map; default: "bwr" for signed relevance, "afmhot" for relevance without sign
        :param normalize: "symmetric", "absolute" or "min-max": the range that the colours cover
        :param clip: percentile that gets the colour at the end
        """
        from ._pictures import heatmap

        return heatmap(self.map(sample), self.facts.is_signed, colors, normalize, clip)

    def figure(self, sample: int = 0, *, colors: str | None = None, tokens: list[str] | None = None) -> Figure:
        """A figure of matplotlib: a picture under its heatmap, a curve for signals, bars for tokens and tables.

        :param tokens: the words of token ids, or names of columns
        """
        from ._pictures import figure

        return figure(self, sample, colors, tokens)

    def html(self, sample: int = 0, tokens: list[str] | None = None) -> str:
        """HTML: a heatmap of pictures, coloured words of tokens, else a figure."""
        from ._pictures import html

        return html(self, sample, tokens)

    def _repr_html_(self) -> str:
        return self.html()
