"""``--on local``: one task after another, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console

from ...options import PolaxError
from ..training.progress import say
from .base import Attempt, Perform, Task


class Local:
    """Tasks in this process.

    Args:
        folder: of the series.
        retries: how often a task that failed is tried again.
        console: where progress is shown.
    """

    elsewhere = False

    def __init__(self, folder: Path, *, retries: int, console: Console) -> None:
        self._folder = folder
        self._retries = retries
        self._console = console
        self.stopped = 0

    def run(self, tasks: Sequence[Task], perform: Perform, announce: Callable[[Task], str]) -> Iterator[Attempt]:
        """Yield what comes of each attempt; see `Crew.run`."""
        for task in tasks:
            say(self._console, announce(task))
            for attempt in range(self._retries + 1):
                if attempt:
                    say(self._console, f"  once more, attempt {attempt} of {self._retries}")
                outcome = perform(self._folder, task.content, self._console)
                if outcome.refused is not None:
                    raise PolaxError(outcome.refused)
                if outcome.error is not None:
                    say(self._console, f"  failed: {outcome.error}")
                again = outcome.error is not None and attempt < self._retries
                yield Attempt(task, outcome, again)
                if outcome.stopped:
                    self.stopped = outcome.stopped
                    return
                if not again:
                    break
