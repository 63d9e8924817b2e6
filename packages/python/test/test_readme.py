"""The first example of README.md runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    readme = Path(__file__).parents[1] / "README.md"
    code = re.findall(r"```python\n(.*?)```", readme.read_text("utf8"), re.DOTALL)[0]
    lines = [line for line in code.splitlines() if line and not line.startswith("import")]
    assert len(lines) == 6
    monkeypatch.chdir(tmp_path)
    exec(code, {})
    assert Image.open("heatmap.png").size == (32, 32)
    assert "of the value reached the input" in capsys.readouterr().out
