"""Relevance as pictures, figures and HTML, in the colours of the command."""

from __future__ import annotations

import base64
import html as escaping
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from ._arrays import Array
from ._options import ask
from .errors import InputError, OptionError

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

    from .explanation import Explanation


def _painted(relevance: Array, is_signed: bool, **coloring: Any) -> dict[str, Any]:
    """Colours of relevance [H, W]: RGBA [H, W, 4], and the range that they cover."""
    height, width = relevance.shape
    said = ask(
        "draw",
        relevance=np.ascontiguousarray(relevance, np.float32),
        height=height,
        width=width,
        isSigned=is_signed,
        coloring={name: value for name, value in coloring.items() if value is not None},
    )
    return {**said, "pixels": said["pixels"].reshape(height, width, 4)}


def heatmap(
    relevance: Array, is_signed: bool, colors: str | None, normalize: str | None = None, clip: float | None = None
) -> Image:
    """A picture of one pixel for each place; one row for a list.

    :raises OptionError: for colours that do not exist
    :raises InputError: for relevance of three axes or more
    """
    from PIL import Image

    flat = np.atleast_2d(relevance)
    if flat.ndim > 2:
        why = f"the relevance of a sample has the shape {list(relevance.shape)}"
        raise InputError("cannot draw this as a picture", why, "draw a slice of explanation.map()")
    painted = _painted(flat, is_signed, colormap=colors, normalize=normalize, clip=clip)
    return Image.fromarray(np.ascontiguousarray(painted["pixels"][:, :, :3]))


def figure(explanation: Explanation, sample: int, colors: str | None, tokens: list[str] | None) -> Figure:
    """A heatmap beside the input, or bars of relevance."""
    from matplotlib.figure import Figure

    relevance = explanation.map(sample)
    drawn = Figure(figsize=(6, 3), layout="constrained")
    if relevance.ndim == 2:
        picture = heatmap(relevance, explanation.facts.is_signed, colors)
        seen, shown = drawn.subplots(1, 2)
        seen.imshow(_grey(explanation, sample), cmap="gray")
        shown.imshow(np.asarray(picture))
        seen.set_title("input")
        shown.set_title("relevance")
        for axes in (seen, shown):
            axes.set_axis_off()
        return drawn
    if relevance.ndim > 2:
        why = f"the relevance of a sample has the shape {list(relevance.shape)}"
        raise InputError("cannot draw this as a figure", why, "draw a slice of explanation.map()")
    axes = drawn.subplots()
    flat = np.atleast_1d(relevance)
    paints = _painted(flat[None], explanation.facts.is_signed, colormap=colors)["pixels"][0] / 255
    axes.bar(np.arange(len(flat)), flat, color=paints, edgecolor="0.5", linewidth=0.3, width=1 if len(flat) > 50 else 0.8)
    axes.axhline(0, color="0.3", linewidth=0.5)
    axes.set_ylabel("relevance")
    if tokens is not None:
        axes.set_xticks(np.arange(len(flat)), _fitting(tokens, flat), rotation=60, ha="right")
    return drawn


def html(explanation: Explanation, sample: int, tokens: list[str] | None) -> str:
    """A heatmap, coloured words, or a figure."""
    relevance = explanation.map(sample)
    name = escaping.escape(explanation.facts.output_name)
    said = f"relevance of “{name}”, Σ = {float(relevance.sum()):.4g}"
    if relevance.ndim == 1 and tokens is not None:
        paints = _painted(relevance[None], explanation.facts.is_signed)["pixels"][0]
        words = [
            f'<span title="{value:.3g}" style="background:rgb({r},{g},{b});color:{"#000" if r + g + b > 380 else "#fff"}">'
            f"{escaping.escape(word)}</span>"
            for word, value, (r, g, b, _) in zip(_fitting(tokens, relevance), relevance, paints, strict=True)
        ]
        return f"<figure><p>{' '.join(words)}</p><figcaption>{said}</figcaption></figure>"
    file = io.BytesIO()
    if relevance.ndim == 2:
        heatmap(relevance, explanation.facts.is_signed, None).save(file, "PNG")
        style = "image-rendering:pixelated;min-width:224px"
    elif relevance.ndim < 2:
        figure(explanation, sample, None, None).savefig(file, format="png", dpi=110)
        style = "max-width:100%"
    else:
        return f"<p>{said}, shape {list(relevance.shape)}</p>"
    data = base64.b64encode(file.getvalue()).decode()
    picture = f'<img style="{style}" alt="{said}" src="data:image/png;base64,{data}">'
    return f"<figure>{picture}<figcaption>{said}</figcaption></figure>"


def _grey(explanation: Explanation, sample: int) -> Array:
    """The input without its colours."""
    axis = explanation.facts.input_batch_axis
    own = explanation.input if axis is None else np.take(explanation.input, sample, axis)
    grey: Array = own.mean(explanation.facts.channel_axis - 1) if own.ndim == 3 else own
    return grey


def _fitting(tokens: list[str], relevance: Array) -> list[str]:
    if len(tokens) == len(relevance):
        return tokens
    raise OptionError("cannot name these tokens", f"there are {len(relevance)}, and {len(tokens)} names")
