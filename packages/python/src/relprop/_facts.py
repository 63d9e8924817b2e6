"""What the compiler says about a compiled model, as typed data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of the model.

    :ivar name: its name
    :ivar dtype: the type of its elements, as numpy calls it
    :ivar shape: its sizes; symbolic ones are names
    """

    name: str
    dtype: str
    shape: tuple[int | str, ...]


@dataclass(frozen=True)
class PlanLine:
    """The rule of a node.

    :ivar node: its name
    :ivar operator: its operator
    :ivar rule: the rule with its parameters
    :ivar why: the reason for the rule
    """

    node: str
    operator: str
    rule: str
    why: str


@dataclass(frozen=True)
class LedgerLayout:
    """The rows and columns of the output ``ledger``.

    :ivar word: what relevance starts from: logit, value, probability, target
    :ivar rows: node, operator and rule of each row, the output first
    :ivar columns: what each column holds; behind ``leaving`` come the causes for which relevance stayed
    """

    word: str
    rows: tuple[tuple[str, str, str], ...]
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """The facts about a compiled model, without its graph.

    :ivar inputs: the explained inputs and the outputs with their relevance, the first one first
    :ivar layers: the layers that were asked for: name as given, tensor, output with its relevance
    :ivar output: the explained tensor, before its response function: the logits
    :ivar output_name: the model's output that it belongs to
    :ivar kind: what that output is: classes, values, a map, boxes …
    :ivar why: the reason for the kind
    :ivar is_ordered: whether a higher logit always means a higher number of the output
    :ivar is_vocabulary: whether classes are tokens, as in a language model
    :ivar batch_axis: the axis of samples in the output, if there is one
    :ivar class_axis: the axis of classes, if there is one
    :ivar is_list: whether each sample has one list of numbers
    :ivar input_batch_axis: the axis of samples in the input
    :ivar channel_axis: the axis of channels in the first input
    :ivar model_inputs: all inputs of the model, in its order
    :ivar maps: how many maps each sample gets
    :ivar added: inputs that compiling added
    :ivar settings: composite, seed, target, strides … as the library names them
    :ivar is_signed: whether relevance has a sign
    :ivar packs_weights: whether a session should keep packed copies of weights
    """

    inputs: tuple[tuple[TensorInfo, str], ...]
    layers: tuple[tuple[str, TensorInfo, str], ...]
    output: TensorInfo
    output_name: str
    kind: str
    why: str
    is_ordered: bool
    is_vocabulary: bool
    batch_axis: int | None
    class_axis: int | None
    is_list: bool
    input_batch_axis: int | None
    channel_axis: int
    model_inputs: tuple[TensorInfo, ...]
    maps: int
    added: tuple[TensorInfo, ...]
    settings: Mapping[str, Any]
    is_signed: bool
    packs_weights: bool
    plan: tuple[PlanLine, ...]
    ledger: LedgerLayout | None

    def adds(self, name: str) -> bool:
        """Whether compiling added an input of this name: ``target``, ``keep`` …"""
        return any(each.name == name for each in self.added)


def _tensor(value: Mapping[str, Any]) -> TensorInfo:
    return TensorInfo(value["name"], value["dataType"], tuple(value["shape"]))


def facts_from(answer: Mapping[str, Any], columns: tuple[str, ...]) -> Facts:
    """Reads the facts that the compiler said."""
    said = answer["facts"]
    facts, ledger = said["facts"], said.get("ledger")
    rows = ledger and tuple((row["node"], row["operator"], row["rule"]) for row in ledger["rows"])
    settings = said["settings"]
    return Facts(
        inputs=tuple((_tensor(each["input"]), each["relevance"]) for each in said["inputs"]),
        layers=tuple((each["name"], _tensor(each["layer"]), each["relevance"]) for each in said["layers"]),
        output=_tensor(said["output"]),
        output_name=said["outputName"],
        kind=facts["kind"],
        why=facts["why"],
        is_ordered=facts["isOrdered"],
        is_vocabulary=facts["isVocabulary"],
        batch_axis=facts.get("batchAxis"),
        class_axis=facts.get("classAxis"),
        is_list=not facts["placeAxes"],
        input_batch_axis=said.get("batchAxis"),
        channel_axis=answer["channelAxis"],
        model_inputs=tuple(_tensor(each) for each in answer["inputs"]),
        maps=said["maps"],
        added=tuple(_tensor(each) for each in said["added"]),
        settings=settings,
        is_signed=said["isSigned"] and settings["seed"] != "softmax",
        packs_weights=said["packsWeights"],
        plan=tuple(PlanLine(e["node"], e["operator"], e["rule"], e["why"]) for e in said["plan"]),
        ledger=LedgerLayout(ledger["word"], rows, columns) if ledger else None,
    )
