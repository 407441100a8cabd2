"""The process of a task: ``python -m polax.runner.executors.work FOLDER NAME TOKEN MODULE:FUNCTION``.

Everything it needs is in the folder of its task, below ``tasks/`` in the folder of the series; it leaves there what
came of it.
"""

from __future__ import annotations

import importlib
import os
import platform
import signal
import sys
import threading
import time
import traceback
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType
from typing import Any

from ...options import PolaxError, describe_error
from ..process import set_up, use_cpu_devices
from ..runs.files import RunError, read_json, write_json
from ..runs.lock import BusyError, alone
from .base import Outcome, Perform
from .child import TIED

TASKS = "tasks"
TASK, OUTCOME, LOG = "task.json", "outcome.json", "log.txt"

NOT_SHARED = 66
"""Exit status where the task is not in the folder: "cannot open input" in sysexits.h."""

GRACE = 5.0
"""Seconds in which a process saves whose parent has ended."""

PREDECESSOR = 60.0
"""Seconds to wait for a process that has the same task and was given up, as that of a node that does not answer."""


def main(words: list[str]) -> int:
    """Do one task. Returns 0 as soon as its outcome is written, whatever it is."""
    tied = words[-1] == TIED
    series, name, token, target = words[: 4 if tied else None][:4]
    folder = Path(series) / TASKS / name
    _let_stop(stop_file(Path(series), token), tied=tied)
    try:
        task = read_json(folder / TASK)
    except RunError:
        task = {}
    if task.get("token") != token:
        print(f"{platform.node()} has no {folder / TASK} of this command", file=sys.stderr)
        return NOT_SHARED
    try:
        held = _hold(folder)
    except BusyError as busy:
        outcome = Outcome(error=str(busy))
    else:
        with held:
            outcome = _do(Path(series), task, target)
    write_json(folder / OUTCOME, {"token": token, **outcome._asdict()})
    return 0


def _do(series: Path, task: Mapping[str, Any], target: str) -> Outcome:
    try:
        _settle_in(**task["site"])
        from ..training.progress import wide_console

        module, _, function = target.partition(":")
        perform: Perform = getattr(importlib.import_module(module), function)
        return perform(series, task["content"], wide_console())
    except PolaxError as error:
        return Outcome(refused=str(error))
    except Exception as error:
        traceback.print_exc()
        return Outcome(error=describe_error(error))


def _settle_in(*, devices: int, cwd: str, local_modules: bool, versions: Mapping[str, str | None]) -> None:
    """Make this process what the one is that gave the task.

    Raises:
        PolaxError: it has other versions of the packages that results depend on.
    """
    if Path(cwd).is_dir():
        os.chdir(cwd)
    if local_modules:
        sys.path.append(cwd)
    set_up()
    use_cpu_devices(devices)
    from ..runs.manifest import versions as own_versions

    for package, own in own_versions().items():
        if versions.get(package) != own:
            raise PolaxError(
                f"{platform.node()} has {package} {own}, this machine has {versions.get(package)}, and results could "
                "differ; install the same versions on all machines"
            )


def _hold(folder: Path) -> ExitStack:
    """Return the lock of a task, held as soon as a process that had it before has ended."""
    end = time.monotonic() + PREDECESSOR
    held = ExitStack()
    while True:
        try:
            held.enter_context(alone(folder))
        except BusyError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
        else:
            return held


def stop_file(series: Path, token: str) -> Path:
    """Return the file that asks all tasks of a command to stop, wherever they are."""
    return series / TASKS / f"stop-{token}"


def _let_stop(file: Path, *, tied: bool) -> None:
    """Let a file, SIGTERM, SIGUSR2 (with which Slurm announces an end) or the end of the parent stop this process once.

    Training has handlers of its own for SIGTERM, which save; until it begins there is nothing to save.
    """
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2})
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGUSR2, lambda *_: _ask_to_stop())
    threading.Thread(target=_stop_at, args=[file], daemon=True).start()
    if tied:
        threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()


def _end(number: int, frame: FrameType | None) -> None:
    del frame
    os._exit(128 + number)


def _ask_to_stop() -> None:
    """Raise SIGTERM, unless it has come already: a second one would end training unsaved."""
    if callable(signal.getsignal(signal.SIGTERM)):
        os.kill(os.getpid(), signal.SIGTERM)


def _stop_at(file: Path) -> None:
    while not file.exists():
        time.sleep(1.0)
    _ask_to_stop()


def _end_with(parent: int) -> None:
    """Stop when the pipe from the parent is closed: to ask for it, or because the parent has ended."""
    while os.read(0, 1024):
        pass
    _ask_to_stop()
    while os.getppid() == parent:  # it waits until all is saved
        time.sleep(0.2)
    time.sleep(GRACE)
    os._exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
