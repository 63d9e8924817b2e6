"""The compiler's process: started once, asked one thing at a time, ended with Python.

It reads requests from its standard input and ends when that ends, so it never outlives this process, however this one ends.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

from ._frames import decode, encode
from ._node import find_node
from .errors import CompilerError, error_from

default_timeout = 600.0
"""Seconds that a request may take."""


class Compiler:
    """A process of the compiler. Threads may share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] | None = None
        self._last = 0

    @property
    def pid(self) -> int | None:
        """The id of the process; None before the first request, and after it ended."""
        return self._process.pid if self._process else None

    def ask(self, ask: str, timeout: float = default_timeout, **request: Any) -> dict[str, Any]:
        """Asks, and waits for the answer.

        :param timeout: seconds; after that the process is killed, and the next request starts another
        :raises RelpropError: what the library refuses, or a CompilerError where there is no answer
        """
        with self._lock:
            process = self._start()
            self._last += 1
            late = threading.Event()

            def too_late() -> None:
                late.set()
                process.kill()

            timer = threading.Timer(timeout, too_late)
            timer.daemon = True
            try:
                timer.start()
                self._write(encode({"id": self._last, "ask": ask, **request}))
                said = decode(self._read)
            except (EOFError, OSError) as error:
                raise self._ended(timeout, timed_out=late.is_set()) from error
            except BaseException:
                # Ctrl-C between a question and its answer: the next question must not get this answer.
                self.stop()
                raise
            finally:
                timer.cancel()
        if said["say"] == "error":
            raise error_from(said)
        answer: dict[str, Any] = said["answer"]
        return answer

    def stop(self) -> None:
        """Ends the process. The next request starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        self._close(process)

    def forget(self) -> None:
        """In a child after a fork: the process is the parent's, and its pipes must not be held open here."""
        self._lock = threading.Lock()
        process, self._process = self._process, None
        if process is not None:
            self._close(process)
            process.returncode = 0  # Not a child of this process: there is nothing to wait for.

    def _start(self) -> subprocess.Popen[bytes]:
        if self._process and self._process.poll() is None:
            return self._process
        if self._process:
            self.stop()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        compiler = Path(__file__).with_name("compiler.mjs")
        try:
            self._process = subprocess.Popen(
                [find_node(), str(compiler)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                # Ctrl-C is for Python, which ends this process itself.
                start_new_session=True,
                # No buffers: a child after a fork would write what the parent has in them.
                bufsize=0,
            )
        except OSError as error:
            raise CompilerError("cannot start the compiler", str(error)) from error
        return self._process

    def _read(self, count: int) -> bytes:
        assert self._process and self._process.stdout
        found = bytearray()
        while len(found) < count:
            part = self._process.stdout.read(count - len(found))
            if not part:
                raise EOFError
            found += part
        return bytes(found)

    def _write(self, frame: bytes) -> None:
        assert self._process and self._process.stdin
        left = memoryview(frame)
        while left:
            left = left[self._process.stdin.write(left) :]

    def _ended(self, timeout: float, timed_out: bool) -> CompilerError:
        errors = self._errors
        said = ""
        if errors:
            errors.seek(0)
            said = errors.read().decode(errors="replace").strip()[-2000:]
        self.stop()
        if timed_out:
            return CompilerError(
                "the compiler gave no answer",
                f"it took longer than {timeout:g} seconds and was ended",
                "allow it more by timeout=",
            )
        return CompilerError("the compiler died", said or "it said nothing")

    def _close(self, process: subprocess.Popen[bytes]) -> None:
        for pipe in (process.stdin, process.stdout, self._errors):
            if pipe:
                # What was not written yet has no reader any more.
                with contextlib.suppress(OSError):
                    pipe.close()
        self._errors = None


compiler = Compiler()
"""The process that all models share."""

atexit.register(compiler.stop)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=compiler.forget)
