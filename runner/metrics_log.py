"""Where metrics go: ``metrics.jsonl``, one line for each update and seed, and TensorBoard."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
from tensorboardX import SummaryWriter

from .run_folder import RunError, RunFolder, write_lines
from .scores import mean_score


class MetricsLog:
    """Writes the metrics of a run, as a context manager.

    Args:
        folder: the run.
        seeds: its seeds, in the order of the arrays.
        keep_until: the update it continues from, -1 at the start; what was written of later ones is dropped.
    """

    def __init__(self, folder: RunFolder, seeds: Sequence[int], *, keep_until: int) -> None:
        self._seeds = seeds
        self._path = folder.path
        self._file = folder.open_metrics(keep_until=keep_until)
        purge = keep_until + 1 if keep_until >= 0 else None
        self._events = [SummaryWriter(str(folder.tensorboard / f"seed_{seed}"), purge_step=purge) for seed in seeds]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        for writer in self._events:
            writer.close()

    def write(
        self, common: Mapping[str, Any], table: Mapping[str, np.ndarray], alive: np.ndarray
    ) -> list[dict[str, Any]]:
        """Write one update.

        Args:
            common: what holds for all seeds, ``update`` among it.
            table: metrics by name, each ``[S]``.
            alive: ``[S]``, which seeds to write.

        Returns:
            The lines of the living seeds.

        Raises:
            RunError: the disk is full or gone.
        """
        rows = []
        for index in np.flatnonzero(alive).tolist():
            values = {name: float(table[name][index]) for name in sorted(table, key=_scores_first)}
            rows.append({"update": common["update"], "seed": self._seeds[index], **common, **values})
            for name, value in values.items():
                self._events[index].add_scalar(name, value, common["update"])
        try:
            write_lines(self._file, rows)
        except OSError as cause:
            raise RunError(f"{self._path} cannot be written: {cause.strerror}; its checkpoints are whole") from cause
        return rows


def _scores_first(name: str) -> tuple[bool, str]:
    return not name.startswith("score/"), name


def best_update(rows: Iterable[Mapping[str, Any]], *, among: Sequence[int]) -> int | None:
    """Return the update with the highest score against each other, over players and seeds, or None without scores."""
    scores: dict[int, list[float]] = {}
    for row in rows:
        score = mean_score(row)
        if score is not None and row["update"] in among:
            scores.setdefault(row["update"], []).append(score)
    return max(scores, key=lambda update: sum(scores[update]) / len(scores[update]), default=None)
