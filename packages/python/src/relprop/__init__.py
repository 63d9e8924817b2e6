"""Layer-wise Relevance Propagation for any ONNX or PyTorch model: the explanation is compiled into the ONNX graph.

>>> import relprop
>>> explainer = relprop.Explainer("resnet50.onnx")  # doctest: +SKIP
>>> explainer(x, target=285).image().save("cat.png")  # doctest: +SKIP
"""

from importlib.metadata import version as _version

from .compiled import CompiledModel, compile  # noqa: A004 - torch and re call theirs so, too
from .errors import (
    CompilerError,
    InputError,
    ModelFileError,
    Obstacle,
    OptionError,
    RelpropError,
    UnexplainableError,
)
from .explainer import Explainer
from .explanation import Explanation
from .inspection import Inspection, inspect
from .ledger import Ledger, LedgerEntry
from .options import options
from .targets import Target

__version__ = _version("relprop")

__all__ = [
    "CompiledModel",
    "CompilerError",
    "Explainer",
    "Explanation",
    "InputError",
    "Inspection",
    "Ledger",
    "LedgerEntry",
    "ModelFileError",
    "Obstacle",
    "OptionError",
    "RelpropError",
    "Target",
    "UnexplainableError",
    "compile",
    "inspect",
    "options",
]
