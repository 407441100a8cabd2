"""TensorBoard: a folder of events for each seed, ``tensorboard/seed_0`` in the run's folder."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary

from ..training import callbacks
from ..training.callbacks import Callback, Launch

FLUSH_EVERY = 5.0
"""Seconds of training after which what was written goes to the disk, which takes longer than an update of many small
seeds. TensorBoard looks for news every 30."""


def tensorboard(launch: Launch) -> Callback:
    """Return what writes the events of a run, with the metrics' own names as tags."""
    files = {
        seed: _EventFile(launch.path / "tensorboard" / f"seed_{seed}", first_step=launch.first_update)
        for seed in launch.config["seeds"]
    }

    flushed = time.monotonic()

    def write(event: callbacks.Event) -> None:
        for seed, values in event.metrics.items():
            files[seed].write(event.update, values)
        if time.monotonic() - flushed >= FLUSH_EVERY:
            flush(event)

    def flush(event: callbacks.Event) -> None:
        nonlocal flushed
        del event
        for file in files.values():
            file.flush()
        flushed = time.monotonic()

    def close(event: callbacks.Event) -> None:
        del event
        for file in files.values():
            with suppress(OSError):  # on a full disk, that was the error to report
                file.close()

    return Callback(on_update=write, on_evaluation=write, on_checkpoint=flush, on_end=close)


class _EventFile:
    """A file of TensorBoard events.

    tensorboardX's own writer hands events to a thread, and waits forever if a full disk has ended that thread.
    """

    def __init__(self, folder: Path, *, first_step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        # The writer names a file after the second: a process that resumes in the same one must not write over it.
        suffix = f".{os.getpid()}.{time.time_ns()}"
        self._writer = EventsWriter(str(folder / "events"), filename_suffix=suffix)
        # TensorBoard then drops what an interrupted process wrote of this step and later ones.
        self._writer.write_event(Event(step=first_step, session_log=SessionLog(status=SessionLog.START)))
        self._writer.flush()

    def write(self, step: int, values: Mapping[str, float]) -> None:
        summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
        self._writer.write_event(Event(wall_time=time.time(), step=step, summary=summary))

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
