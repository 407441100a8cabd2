"""Progress of a training run: a bar with the time left and the scores, or plain lines without a terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Self

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.text import Text

from ..evaluation.scores import MAIN, over_players, pairing, scores_of_seeds

LINE_INTERVAL = 2.0
"""Seconds between plain lines, at least."""


class TrainingProgress:
    """Progress of one run, as a context manager.

    Args:
        total: updates of the run.
        done: updates done before (a resumed run).
        self_play: whether one policy plays as every player.
        pure: whether the first update will be compiled, which takes time in which nothing moves.
        console: where to show it.
    """

    def __init__(self, total: int, *, done: int, self_play: bool, pure: bool, console: Console) -> None:
        self._total = total
        self._self_play = self_play
        self._done = done
        self._console = console
        self._scores = ""
        self._last_line = 0.0
        self._rate = Rate()
        self._moves = False
        self._wait = "compiling ..." if pure else "first update ..."
        self._bar = _Bar(
            SpinnerColumn(),
            TextColumn("update"),
            MofNCompleteColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("training", total=total, completed=done, left=self._wait)

    def __enter__(self) -> Self:
        self._bar.start()
        self._line(force=True)  # the first evaluation is compiled too
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def begin(self) -> None:
        """Note that the first evaluation is done."""
        self._line(force=True)

    def scores(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Show the scores of an evaluation; ``rows`` holds the metrics of each living seed."""
        self._scores = describe_scores(rows, self_play=self._self_play)
        self._bar.below = self._scores

    def advance(self) -> None:
        """Note that one more update is done, scores included."""
        self._done += 1
        self._moves = True
        self._rate.tick()
        self._bar.update(self._task, completed=self._done, left=self._rate.left(self._total - self._done))
        self._line(force=self._done == self._total)

    def _line(self, *, force: bool) -> None:
        now = time.monotonic()
        if self._console.is_terminal or (not force and now - self._last_line < LINE_INTERVAL):
            return
        self._last_line = now
        left = self._rate.left(self._total - self._done) if self._moves else self._wait
        parts = [f"update {self._done}/{self._total}", self._scores, left if self._done < self._total else ""]
        say(self._console, "  ".join(part for part in parts if part))


class _Bar(Progress):
    """A progress bar with a line of text below it."""

    below = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """Return the bar and the text."""
        yield from super().get_renderables()
        yield Text(self.below)


class Rate:
    """Estimates the time left from the mean of the last steps.

    Args:
        whole: whether the first step counts; it should not where it includes compilation.
    """

    def __init__(self, *, whole: bool = False) -> None:
        self._ticks = [time.monotonic()] if whole else []

    def tick(self) -> None:
        """Note that one more step is done."""
        self._ticks = [*self._ticks, time.monotonic()][-20:]

    def left(self, steps: int) -> str:
        """Return the time that these steps will take, such as ``3:05 left``; empty while it is not known."""
        count = len(self._ticks) - 1
        return f"{format_seconds((self._ticks[-1] - self._ticks[0]) / count * steps)} left" if count > 0 else ""


@contextmanager
def showing_log(console: Console) -> Iterator[None]:
    """Show what the logger ``polax`` says on a console, or leave it to the handlers of others if the console is quiet.

    The logger's own level decides; where it has none, everything but the details for debugging is shown. Handlers of
    the root logger hear nothing meanwhile: some libraries add one, and each message would be seen twice.
    """
    logger, handler = logging.getLogger("polax"), _ConsoleHandler(console)
    level, propagate = logger.level, logger.propagate
    if not console.quiet:
        logger.addHandler(handler)
        logger.setLevel(level or logging.INFO)
        logger.propagate = False
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
        logger.propagate = propagate


class _ConsoleHandler(logging.Handler):
    """Prints messages as they are, above a progress bar if there is one."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        say(self._console, record.getMessage())


def wide_console(*, quiet: bool = False) -> Console:
    """Return a console for tables; a file or a pipe gets 130 columns, and ``quiet`` nothing."""
    return Console(width=None if sys.stdout.isatty() else 130, quiet=quiet)


def say(console: Console, text: str) -> None:
    """Print a line as it is, above a progress bar if there is one."""
    console.print(text, highlight=False, markup=False, soft_wrap=True)


def describe_scores(rows: Sequence[Mapping[str, Any]], *, self_play: bool) -> str:
    """Return the scores of `MAIN` in words: the mean over seeds and players, each player's, and the mean gap.

    Args:
        rows: the metrics of each seed.
        self_play: whether one policy plays as every player.
    """
    parts = []
    for opponent in MAIN:
        scores = scores_of_seeds(rows, opponent)
        if scores is not None:
            mean, gap = (values.mean() for values in over_players(scores))
            players = " ".join(f"{value:+.3f}" for value in scores.mean(axis=0))
            parts.append(f"{opponent or pairing(self_play=self_play)} {mean:+.3f} ({players}, gap {gap:.3f})")
    return "  ".join(parts)


def format_seconds(seconds: float) -> str:
    """Return a time such as 42 s, 3:05 or 2:03:05."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02d}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
