"""What is wrong with the folder of a run, and what of it can be repaired."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from . import checkpoint as checkpoints
from .checkpoint import DamagedError
from .files import RunError, read_lines, set_aside
from .folder import MANIFEST, METRICS, Row, RunFolder, in_words
from .lock import alone, holder


class Finding(NamedTuple):
    """Something that is wrong."""

    problem: str
    repair: Callable[[], object] | None = None
    """What cures it without losing anything; None: only a person can."""


def examine(folder: RunFolder) -> list[Finding]:
    """Return what is wrong with a run.

    Raises:
        RunError: it is not a run, or another process writes it at the moment.
    """
    who = holder(folder.path)
    if who is not None:
        raise RunError(f"{folder.path} is being written by {who}; examine it when it has ended")
    return [*_texts(folder), *_checkpoints(folder), *_gaps(folder)]


def repair(folder: RunFolder) -> tuple[list[Finding], list[Finding]]:
    """Repair what can be, and return what was wrong and what still is."""
    found = examine(folder)
    with alone(folder.path):
        for finding in found:
            if finding.repair is not None:
                finding.repair()
    return found, examine(folder)


def _texts(folder: RunFolder) -> list[Finding]:
    found = []
    try:
        folder.spec()
    except RunError as error:
        found.append(Finding(str(error)))
    try:
        if not folder.manifest():
            found.append(Finding(f"{folder.path / MANIFEST} is missing: training did not begin, or it was removed"))
    except RunError as error:
        found.append(Finding(str(error), partial(set_aside, folder.path / MANIFEST)))
    path = folder.path / METRICS
    if not path.exists():
        return [*found, Finding(f"{path} is missing")]
    damaged = [f"{path} line {line.number} {line.problem}" for line in read_lines(path, Row) if line.problem]
    return [*found, *(Finding(each, folder.repair_metrics) for each in damaged)]


def _checkpoints(folder: RunFolder) -> list[Finding]:
    found = []
    for update in checkpoints.saved_updates(folder.checkpoints):
        try:
            checkpoints.verify(folder.checkpoints, update)
        except DamagedError as error:
            found.append(Finding(str(error), partial(set_aside, checkpoints.path_of(folder.checkpoints, update))))
        except RunError as error:
            found.append(Finding(str(error)))
    for path in checkpoints.leftovers(folder.checkpoints):
        found.append(Finding(f"{path} was left by a killed process", partial(checkpoints.clean, folder.checkpoints)))
    return found


def _gaps(folder: RunFolder) -> list[Finding]:
    """Return the updates without metrics, up to the last line that there is."""
    try:
        seeds = folder.spec().seeds
        last = dict.fromkeys(seeds, -1)
        for row in folder.metrics():
            last[row["seed"]] = max(last.get(row["seed"], -1), row["update"])
        ended = [last[seed] + 1 for seed in seeds]
        missing = folder.missing_metrics(seeds, ended, max(last.values()))
    except RunError:  # reported where it belongs
        return []
    return [Finding(f"{folder.path / METRICS} has no lines of {in_words(missing)}")] if missing else []
