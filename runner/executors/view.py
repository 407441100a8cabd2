"""The progress of all tasks that run elsewhere, in one view: the last line that each of them has written."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from ..training.progress import say
from .base import Task

MOST_LINES = 20
"""Tasks shown at a time, at most."""

LINE_INTERVAL = 10.0
"""Seconds between the lines of a task without a terminal, at least."""


class View:
    """Progress of the tasks that have not ended, as a context manager.

    Args:
        tasks: all of them.
        logs: the file of each by its name.
        console: where to show it.
    """

    def __init__(self, tasks: Sequence[Task], logs: Mapping[str, Path], console: Console) -> None:
        self._console = console
        self._titles = {task.name: task.title for task in tasks}
        self._logs = logs
        self._total = len(tasks)
        self._said: dict[str, tuple[float, str]] = {}
        self._live = Live(console=console, refresh_per_second=2, transient=True) if console.is_terminal else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._live is not None:
            self._live.stop()

    def say(self, name: str, text: str) -> None:
        """Print a line about a task."""
        say(self._console, f"{self._titles[name]}: {text}")

    def end(self, name: str, text: str) -> None:
        """Take a task off the view, and say what came of it."""
        self._logs = {each: log for each, log in self._logs.items() if each != name}
        say(self._console, f"[{self._total - len(self._logs)}/{self._total}] {self._titles[name]}: {text}")

    def update(self) -> None:
        """Show what the tasks have written by now."""
        if self._console.quiet:
            return
        now = {name: line for name, log in self._logs.items() if (line := last_line(log))}
        if self._live is not None:
            self._live.update(self._table(now))
            return
        for name, line in now.items():
            when, before = self._said.get(name, (-LINE_INTERVAL, ""))
            if line != before and time.monotonic() - when >= LINE_INTERVAL:
                self._said[name] = time.monotonic(), line
                self.say(name, line)

    def _table(self, now: Mapping[str, str]) -> RenderableType:
        shown = list(now.items())[:MOST_LINES]
        lines = [Text(f"{self._titles[name]}: {line}", overflow="ellipsis", no_wrap=True) for name, line in shown]
        hidden, waiting = len(now) - len(shown), len(self._logs) - len(now)
        rest = [f"{hidden} more run"] * (hidden > 0) + [f"{waiting} wait"] * (waiting > 0)
        return Group(*lines, *([Text(", ".join(rest))] if rest else []))


def last_line(path: Path) -> str:
    """Return the last line of a file that is not empty; nothing where it cannot be read."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 4096))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    lines = ("".join(letter for letter in line if letter.isprintable()).strip() for line in text.splitlines())
    return next((line for line in reversed(list(lines)) if line), "")
