"""What can be explained of a model, by which rule, and what prevents it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ._options import ask, for_library
from ._sources import Model, source_of


@dataclass(frozen=True)
class Inspection:
    """The result of :func:`inspect`. As text it is what ``relprop inspect`` prints.

    :ivar data: what ``relprop inspect --json`` prints
    """

    data: Mapping[str, Any]
    text: str

    def __str__(self) -> str:
        return self.text

    @property
    def can_compile(self) -> bool:
        """Whether :func:`relprop.compile` would succeed."""
        return bool(self.data["canCompile"])


def inspect(model: Model, *, example_inputs: Any = None, dynamic_batch: bool = True, **options: Any) -> Inspection:
    """Says what relevance does at each node of a model, before anything is compiled.

    :param options: those of :func:`relprop.compile`
    :raises OptionError: for an option or a value that does not exist
    :raises ModelFileError: if the model cannot be read
    """
    chosen = for_library(options)
    source = source_of(model, example_inputs, dynamic_batch=dynamic_batch)
    said = ask("inspect", model=str(source.path.resolve()), options=chosen, isTarget=False)
    return Inspection(said["inspection"], said["text"])
