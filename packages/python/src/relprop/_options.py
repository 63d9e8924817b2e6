"""Options by name. The library has the list; here its names are only spelt as Python spells names."""

from __future__ import annotations

import difflib
import functools
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ._process import compiler, default_timeout
from .errors import ModelFileError, OptionError, RelpropError


def snake(name: str) -> str:
    """``topK`` -> ``top_k``."""
    return re.sub(r"(?<=[a-z])[A-Z]", lambda letter: "_" + letter[0].lower(), name)


@dataclass(frozen=True)
class Library:
    """What the library takes.

    :ivar version: its version
    :ivar names: the options of ``compile`` as Python spells them, and the library's names for them
    :ivar methods: the same for each method that is not relevance propagation
    :ivar words: the words that options take, by option
    :ivar ledger_columns: the columns of a ledger
    """

    version: str
    names: Mapping[str, str]
    methods: Mapping[str, Mapping[str, str]]
    words: Mapping[str, tuple[str, ...]]
    ledger_columns: tuple[str, ...]


@functools.cache
def library() -> Library:
    """Asks the library, once."""
    said = compiler.ask("options")

    def spelt(names: Iterable[str]) -> dict[str, str]:
        return {snake(name): name for name in names}

    return Library(
        said["version"],
        spelt(said["compile"]),
        {method: spelt(names) for method, names in said["methods"].items()},
        {snake(option): tuple(words) for option, words in said["words"].items()},
        tuple(said["ledgerColumns"]),
    )


def suggestion(word: str, allowed: Iterable[str]) -> str | None:
    """``did you mean "composite"?``, if one of the words is near."""
    near = difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else None


def refuse_unknown(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """:raises OptionError: for a name that is not known"""
    known = list(known)
    for name in given:
        if name not in known:
            why = f"its options are {', '.join(known)}"
            raise OptionError(f'{what} has no option "{name}"', why, suggestion(name, known))


def for_library(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options under the library's names, without those that are None.

    :raises OptionError: for an option that does not exist
    """
    method = options.get("method")
    names = library().methods.get(method) if isinstance(method, str) else None
    if method is not None and names is None:
        methods = library().methods
        why = f"methods are {', '.join(methods)}; LRP and its relatives are composites"
        raise OptionError(f'there is no method "{method}"', why, suggestion(str(method), methods))
    names = names or library().names
    refuse_unknown(method or "compile", (name for name, value in options.items() if value is not None), names)
    return {names[name]: _plain(name, value) for name, value in options.items() if value is not None}


def _plain(name: str, value: Any) -> Any:
    """An option's value as JSON has it."""
    if name == "rules" and isinstance(value, Mapping):
        return [{"pattern": pattern, "rule": rule} for pattern, rule in value.items()]
    if name == "composite" and isinstance(value, os.PathLike | str) and str(value).endswith(".json"):
        try:
            return json.loads(Path(value).read_text("utf8"))
        except (OSError, ValueError) as error:
            raise ModelFileError(f'cannot read the composite "{value}"', str(error)) from error
    if isinstance(value, Mapping):
        return dict(value)
    return list(value) if isinstance(value, tuple) else value


def ask(what: str, timeout: float = default_timeout, **request: Any) -> dict[str, Any]:
    """Asks the compiler. Its errors name options as Python does."""
    try:
        return compiler.ask(what, timeout, **request)
    except RelpropError as error:
        _reword(error)
        raise


def _reword(error: RelpropError) -> None:
    names = library().names
    camel = {name: own for own, name in names.items() if name != own}
    flags = {own.replace("_", "-"): own for own in names}

    def flag(match: re.Match[str]) -> str:
        own = flags.get(match[1])
        return match[0] if own is None else f"{own}={match[2] or '…'}"

    def words(text: str | None) -> str | None:
        if text is None:
            return None
        text = re.sub(r"\b[a-z]+(?:[A-Z][a-z]*)+\b", lambda word: camel.get(word[0], word[0]), text)
        return re.sub(r"(?<![\w-])--([a-z][a-z-]*)(?:[ =]([A-Z]+)\b)?", flag, text)

    what, why = words(error.what) or "", words(error.why) or ""
    RelpropError.__init__(error, what, why, words(error.fix), words(error.where))
