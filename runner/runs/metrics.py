"""The metrics of a run: ``metrics.jsonl``, one line for each update and seed, which the run itself is read from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Self

import numpy as np

from ..evaluation.scores import mean_score
from .folder import RunFolder, write_lines, writing


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
        self._file = folder.open_metrics(keep_until=keep_until)

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
            write_lines(self._file, rows)
        return rows


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
