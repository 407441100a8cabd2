"""Where metrics go: ``metrics.jsonl``, one line for each update and seed, and TensorBoard."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import numpy as np
from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

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
        with writing(folder.path):
            self._events = [
                _EventFile(folder.tensorboard / f"seed_{seed}", first_step=keep_until + 1) for seed in seeds
            ]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for close in (self._file.close, *(events.close for events in self._events)):
            with suppress(OSError):  # every line was flushed when written; on a full disk, that was the error to report
                close()

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
                self._events[index].write(common["update"], values)
            write_lines(self._file, rows)
        return rows


class _EventFile:
    """A file of TensorBoard events.

    tensorboardX's own writer hands events to a thread, and waits forever if a full disk has ended that thread; this one
    writes at once.
    """

    def __init__(self, folder: Path, *, first_step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventsWriter(str(folder / "events"), filename_suffix=f".{os.getpid()}")
        if first_step > 0:  # a resumed run: hide what an interrupted one wrote of later updates
            self._writer.write_event(Event(step=first_step, file_version="brain.Event:2"))
        self._writer.flush()

    def write(self, step: int, values: Mapping[str, float]) -> None:
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        self._writer.write_event(Event(wall_time=time.time(), step=step, summary=summary))
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


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
