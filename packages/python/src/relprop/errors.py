"""Every error that relprop raises on purpose. A message says what went wrong, where, why, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class RelpropError(Exception):
    """Base of all errors below.

    :ivar what: what failed, in one clause
    :ivar where: the node, operator, tensor or byte offset concerned
    :ivar why: the cause, in one clause
    :ivar fix: what the reader can do now
    """

    def __init__(self, what: str, why: str, fix: str | None = None, where: str | None = None) -> None:
        self.what, self.why, self.fix, self.where = what, why, fix, where
        place = "" if where is None else f" ({where})"
        advice = "" if fix is None else f"; {fix}"
        super().__init__(f"{what}{place}: {why}{advice}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.why, self.fix, self.where)

    def __str__(self) -> str:
        return str(self.args[0])


class OptionError(RelpropError, ValueError):
    """An option has a value that is not allowed, or does not exist."""


class ModelFileError(RelpropError, OSError):
    """A model cannot be read or written."""


class InputError(RelpropError, ValueError):
    """An input (an array, a tensor) cannot be used."""


class CompilerError(RelpropError, RuntimeError):
    """The compiler's process could not be started, died, or took too long."""


@dataclass(frozen=True)
class Obstacle:
    """A node that relevance cannot cross.

    :ivar node: its name in the graph
    :ivar operator: its operator, with the domain where that is not ai.onnx
    :ivar path: node names from the explained output down to it, at most four
    :ivar why: why relevance cannot cross it, in a sentence
    :ivar behind: how many nodes on the way have no shape because of it
    """

    node: str
    operator: str
    path: tuple[str, ...]
    why: str
    behind: int


class UnexplainableError(RelpropError):
    """The model is valid, but relevance cannot cross all of it.

    :ivar obstacles: all nodes that stand in the way, in the order of the graph
    """

    def __init__(
        self,
        what: str,
        why: str,
        fix: str | None = None,
        where: str | None = None,
        obstacles: tuple[Obstacle, ...] = (),
    ) -> None:
        super().__init__(what, why, fix, where)
        self.obstacles = obstacles

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.what, self.why, self.fix, self.where, self.obstacles)

    def __str__(self) -> str:
        lines = [
            f'\n  {each.operator} "{each.node}" on the way from {" <- ".join(each.path)}\n    {each.why}'
            for each in self.obstacles
        ]
        return super().__str__() + "".join(lines)


_kinds: dict[str, type[RelpropError]] = {
    each.__name__: each for each in (OptionError, ModelFileError, InputError, UnexplainableError)
}


def error_from(said: dict[str, Any]) -> RelpropError:
    """The exception for an error that the compiler said."""
    kind = _kinds.get(said["name"])
    if kind is None:
        return CompilerError("the compiler failed", f"{said['name']}: {said['message']}")
    parts = (said["what"], said["why"], said.get("fix"), said.get("where"))
    if kind is not UnexplainableError:
        return kind(*parts)
    obstacles = tuple(
        Obstacle(each["node"], each["operator"], tuple(each["path"]), each["why"], each["behind"]) for each in said["obstacles"]
    )
    return UnexplainableError(*parts, obstacles=obstacles)
