"""``python -m relprop …`` hands on to the command ``relprop``, which npm installs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str]) -> int:
    """Runs the command.

    :returns: its exit status; 127 where it is not installed
    """
    command = shutil.which("relprop")
    runner = [command] if command else None
    if runner is None and (npx := shutil.which("npx")):
        # Only what is installed already: nothing is downloaded unasked.
        runner = [npx, "--no-install", "relprop"]
    if runner is None:
        print("relprop: the command is not installed; npm install -g relprop brings it", file=sys.stderr)
        return 127
    try:
        return subprocess.call([*runner, *arguments])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
