"""The compiler's process ends with Python, however that ends, and is not shared over a fork."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import relprop
from relprop import _node
from relprop._process import Compiler, compiler

started = (
    "import os, sys, time, relprop\nfrom relprop._process import compiler\nrelprop.options()\nprint(compiler.pid, flush=True)\n"
)


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def ended(pid: int, seconds: float = 20) -> bool:
    until = time.monotonic() + seconds
    while is_running(pid) and time.monotonic() < until:
        time.sleep(0.02)
    return not is_running(pid)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param("", id="exit"),
        pytest.param("sys.exit(3)", id="exit with a status"),
        pytest.param("raise RuntimeError", id="exception"),
        pytest.param("os._exit(1)", id="no clean-up"),
        pytest.param("os.kill(os.getpid(), 9)", id="killed"),
        pytest.param("os.kill(os.getpid(), 11)", id="crash"),
    ],
)
def test_ends_with_python(end: str) -> None:
    run = subprocess.run([sys.executable, "-c", started + end], capture_output=True, text=True, check=False)
    assert ended(int(run.stdout)), "the compiler is left over"


def test_ctrl_c_ends_both_and_a_question_is_not_answered_by_the_last_answer() -> None:
    ends = started + "try:\n  time.sleep(60)\nfinally: print('cleaned', flush=True)"
    with subprocess.Popen([sys.executable, "-c", ends], stdout=subprocess.PIPE, text=True, start_new_session=True) as run:
        assert run.stdout
        pid = int(run.stdout.readline())
        os.killpg(run.pid, signal.SIGINT)
        assert run.stdout.read() == "cleaned\n"
    assert ended(pid)

    own = Compiler()
    main = threading.main_thread().ident
    assert main is not None
    own.ask("options")
    first = own.pid
    timer = threading.Timer(0.1, signal.pthread_kill, (main, signal.SIGINT))

    def hang(_: bytes) -> None:
        timer.start()
        time.sleep(60)

    own._write = hang  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        own.ask("options")
    del own._write
    assert first is not None
    assert ended(first)
    assert own.ask("options")["version"] == relprop.__version__
    assert own.pid != first
    own.stop()


def test_a_child_after_a_fork_has_a_process_of_its_own(model_path: Path) -> None:
    code = f"""
import os, sys, relprop
from relprop._process import compiler
kept = relprop.compile({str(model_path)!r})
parent = compiler.pid
child = os.fork()
if child == 0:
    compiled = relprop.compile({str(model_path)!r})
    assert compiler.pid != parent
    compiled.session(); kept.session()
    print(compiler.pid, flush=True)
    sys.exit(0)
_, status = os.waitpid(child, 0)
assert status == 0, status
assert compiler.pid == parent
kept.session()
relprop.compile({str(model_path)!r})
assert compiler.pid == parent
print(parent)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    own, parents = (int(line) for line in run.stdout.split())
    assert own != parents
    assert ended(own)
    assert ended(parents)


def test_ends_where_the_parent_dies_and_a_forked_child_lives() -> None:
    code = started + "\nif os.fork() == 0:\n    os.close(1); time.sleep(5); os._exit(0)\nos.kill(os.getpid(), 9)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended(int(run.stdout), seconds=4), "the child holds the pipe open"


def test_a_timeout_kills_it_and_the_next_request_starts_another(model_path: Path) -> None:
    relprop.options()
    first = compiler.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    with pytest.raises(relprop.CompilerError, match=r"longer than 0\.3 seconds"):
        relprop.compile(model_path, timeout=0.3)
    assert ended(first)
    assert relprop.compile(model_path).plan
    assert compiler.pid != first


def test_a_death_is_an_error_and_the_next_request_starts_another() -> None:
    own = Compiler()
    own.ask("options")
    assert own.pid is not None
    os.kill(own.pid, signal.SIGSTOP)
    killer = threading.Timer(0.2, os.kill, (own.pid, signal.SIGKILL))
    killer.start()
    with pytest.raises(relprop.CompilerError, match="died"):
        own.ask("options")
    assert own.ask("options")["version"]
    own.stop()
    assert own.pid is None


def test_threads_take_turns(model_path: Path) -> None:
    found: list[str] = []
    composites = ["epsilon", "zplus", "gamma", "flat", "wsquare", "gradient"]

    def work(composite: str) -> None:
        assert relprop.compile(model_path, composite=composite).facts.settings["composite"] == composite
        found.append(composite)

    threads = [threading.Thread(target=work, args=(composite,)) for composite in composites]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == sorted(composites)


def test_no_node_or_an_old_one_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(_node, "_packaged", lambda: None)
    _node.find_node.cache_clear()
    with pytest.raises(relprop.CompilerError, match=r"none on the PATH; pip install 'relprop\[node\]'"):
        _node.find_node()
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.20.0\n")
    old.chmod(0o755)
    with pytest.raises(relprop.CompilerError, match="is version 18"):
        _node.find_node()
    monkeypatch.setattr(_node, "_packaged", lambda: "/from/the/extra")
    assert _node.find_node() == "/from/the/extra"
    _node.find_node.cache_clear()
