"""The process of a task, as an executor's own process sees it: started, asked to stop, waited for.

It ends with the process that started it: it reads a pipe from it, which the system closes however that process ends.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from .base import Command, Ended

TIED = "--tied"
"""The word that tells a process to end with its standard input."""

PATIENCE = 90.0
"""Seconds in which a process that was asked to stop has to finish its update and to save."""


class Child:
    """Runs a command, as a function that is sent to another machine.

    Args:
        command: what to run.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self) -> Ended:
        """Run it to its end, or to a Ctrl-C, with which it stops and saves."""
        with _log(self._command.log) as output:
            process = self._process = subprocess.Popen(
                [sys.executable, *self._command.words, TIED],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                env=_environment(self._command),
                start_new_session=True,  # a Ctrl-C in a terminal is for the command that gave the task
            )
            try:
                while process.poll() is None:
                    time.sleep(0.1)  # a signal of the executor's is noticed in between
            except BaseException:
                self.stop()
                raise
        return Ended(self._command.task, process.returncode, platform.node())

    def stop(self) -> None:
        """Let the process save and end, or end it when it takes too long."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]
        try:
            process.wait(PATIENCE)
        except BaseException:  # also a second signal
            process.kill()
            process.wait()
            raise

    def __getstate__(self) -> Command:
        return self._command

    def __setstate__(self, command: Command) -> None:
        self.__init__(command)  # type: ignore[misc]


def _environment(command: Command) -> dict[str, str]:
    own = {**os.environ, **{name: value for name, value in command.environment.items() if value is not None}}
    return {name: value for name, value in own.items() if command.environment.get(name, value) is not None}


@contextmanager
def _log(path: str) -> Iterator[int]:
    """Open a file for output; where its folder does not exist, the process itself will say so."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError:
        descriptor = os.open(os.devnull, os.O_WRONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
