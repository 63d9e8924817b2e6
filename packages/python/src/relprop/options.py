"""What :func:`relprop.compile` takes."""

from __future__ import annotations

from ._options import library, refuse_unknown


def options(method: str | None = None) -> dict[str, tuple[str, ...]]:
    """The options of :func:`relprop.compile`, and the words that they take; empty where they take other values.

    :param method: a method that is not relevance propagation, such as "integrated-gradients"
    :raises OptionError: if there is no such method

    >>> "epsilon-plus" in options()["composite"]
    True
    """
    methods = library().methods
    if method is not None:
        refuse_unknown("method", [method], methods)
    names = library().names if method is None else methods[method]
    return {name: library().words.get(name, ()) for name in [*names, *([] if method else ["method"])]}
