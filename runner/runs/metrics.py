"""The metrics of a run: ``metrics.jsonl``, one line for each update and seed, which the run itself is read from."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import numpy as np

from ..evaluation.scores import mean_score
from .files import set_aside, write_lines, writing
from .folder import METRICS, RunFolder


class MetricsLog:
    """Writes the metrics of a run, as a context manager.

    Args:
        folder: the run.
        seeds: its seeds, in the order of the arrays.
        keep_until: the update it continues from, -1 at the start; lines of later updates are dropped.
    """

    def __init__(self, folder: RunFolder, seeds: Sequence[int], *, keep_until: int) -> None:
        self._seeds = seeds
        self._path = folder.path
        self._target = folder.path / METRICS
        self._file = folder.open_metrics(keep_until=keep_until)
        self._size = os.fstat(self._file.fileno()).st_size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # every line was flushed when written; on a full disk, that was the error to report
            self._file.close()

    def write(
        self, common: Mapping[str, Any], table: Mapping[str, np.ndarray], alive: np.ndarray
    ) -> list[dict[str, Any]]:
        """Write one update, and return its lines.

        Args:
            common: what holds for all seeds, including ``update``.
            table: metrics by name, each ``[S]``.
            alive: ``[S]``, which seeds to write.

        Raises:
            RunError: the disk is full or gone.
        """
        rows = []
        with writing(self._path, hint="its checkpoints are whole"):
            for index in np.flatnonzero(alive).tolist():
                values = {name: float(table[name][index]) for name in sorted(table, key=_scores_first)}
                rows.append({"update": common["update"], "seed": self._seeds[index], **common, **values})
            self._size += write_lines(self._file, rows)
        return rows

    def check(self) -> str:
        """Look whether the file is still the one that is written; one that was removed is put back.

        Returns:
            What another process did to it, in a sentence; empty where nothing did.

        Raises:
            RunError: the file cannot be put back.
        """
        found = os.fstat(self._file.fileno()).st_size
        lost = self._size - found
        self._size = found
        if lost:
            return f"{self._target} was changed by another process" + (f": {lost} bytes are lost" if lost > 0 else "")
        with suppress(FileNotFoundError):
            if os.path.samestat(self._target.stat(), os.fstat(self._file.fileno())):
                return ""
            set_aside(self._target)
        self._file.seek(0)
        with writing(self._path):
            fresh = self._target.open("a+")
            shutil.copyfileobj(self._file, fresh)
            fresh.flush()
        self._file.close()
        self._file = fresh
        return f"{self._target} was removed or replaced by another process; it is put back"


def _scores_first(name: str) -> tuple[bool, str]:
    return not name.startswith("score/"), name


def score_by_update(rows: Iterable[Mapping[str, Any]]) -> dict[int, float]:
    """Return the score of the learner's own players together, mean over players and seeds, of each update with one."""
    scores: dict[int, list[float]] = {}
    for row in rows:
        score = mean_score(row)
        if score is not None:
            scores.setdefault(row["update"], []).append(score)
    return {update: sum(values) / len(values) for update, values in scores.items()}


def best_update(scores: Mapping[int, float], *, among: Iterable[int]) -> int | None:
    """Return the update of the highest score in `score_by_update`, the first of equals; None without scores."""
    return max((update for update in among if update in scores), key=scores.__getitem__, default=None)
