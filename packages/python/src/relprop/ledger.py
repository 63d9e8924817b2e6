"""Where relevance stayed on its way from the output to the input, node by node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ._arrays import Array
from ._facts import LedgerLayout

_ends = ("input", "layer")
_least_named = 0.0005


@dataclass(frozen=True)
class LedgerEntry:
    """The row of a node in one sample. Each satisfies ``arriving = leaving + Σ stayed``.

    :ivar node: its name
    :ivar operator: its operator; ``input`` or ``layer`` where relevance ends
    :ivar rule: its rule
    :ivar magnitude: Σ|R| arriving
    :ivar arriving: ΣR arriving
    :ivar leaving: ΣR leaving to inputs on the way
    :ivar stayed: what stayed, by cause
    """

    node: str
    operator: str
    rule: str
    magnitude: float
    arriving: float
    leaving: float
    stayed: Mapping[str, float]


@dataclass(frozen=True)
class Ledger:
    """The ledger of one sample: ``start = reached + Σ stayed``. As text it is one sentence.

    :ivar entries: from the output to the inputs
    :ivar word: what relevance starts from: logit, value, probability, target
    """

    entries: tuple[LedgerEntry, ...]
    word: str

    @property
    def start(self) -> float:
        """ΣR that relevance starts with."""
        return self.entries[0].arriving if self.entries else 0.0

    @property
    def reached(self) -> float:
        """ΣR that reached the inputs, or the layer where it stops."""
        return sum(each.leaving for each in self.entries if each.operator in _ends)

    @property
    def stayed(self) -> dict[str, float]:
        """ΣR that stayed, by cause."""
        causes = self.entries[0].stayed if self.entries else {}
        return {cause: sum(each.stayed[cause] for each in self.entries) for cause in causes}

    def __str__(self) -> str:
        if self.start == 0:
            return f"the {self.word} is 0: there is nothing to explain"
        shares = sorted(self.stayed.items(), key=lambda share: -abs(share[1]))
        named = [
            f"{_percent(amount / self.start)} {cause}" for cause, amount in shares if abs(amount / self.start) >= _least_named
        ]
        head = f"{_percent(self.reached / self.start)} of the {self.word} reached the input"
        return "; ".join([head, ", ".join(named)] if named else [head])


def _percent(part: float) -> str:
    return f"{100 * part:.1f} %"


def read_ledgers(layout: LedgerLayout, table: Array) -> tuple[Ledger, ...]:
    """One ledger for each sample.

    :param table: the output ``ledger``, [N, rows, columns]
    """
    causes = layout.columns[3:]

    def entry(row: tuple[str, str, str], numbers: Array) -> LedgerEntry:
        magnitude, arriving, leaving, *stayed = (float(number) for number in numbers)
        return LedgerEntry(*row, magnitude, arriving, leaving, dict(zip(causes, stayed, strict=True)))

    return tuple(Ledger(tuple(entry(row, sample[i]) for i, row in enumerate(layout.rows)), layout.word) for sample in table)
