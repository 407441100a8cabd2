"""Slurm, through submitit: the tasks are one job array. Needs the extra ``slurm``, on a machine that has ``sbatch``."""

from __future__ import annotations

import dataclasses
import importlib
import io
import logging
import shutil
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, suppress
from pathlib import Path
from typing import Any

from ...options import Count, MissingExtraError, PolaxError, Positive, check_options, one_line
from .base import Command, Ended, ExecutorPlugin
from .child import PATIENCE, Child
from .work import TASKS

FOLDER = ".slurm"
"""Folder of submitit's files, in that of the tasks."""

POLL = 30.0
"""Seconds between two questions to Slurm; the end of a task is seen earlier, by its file."""

REQUEUES = 1000
"""How often a task goes on that has used its time."""


@dataclasses.dataclass(frozen=True)
class SlurmConfig:
    """Options of Slurm.

    Attributes:
        partition: where to submit; none: Slurm's default.
        time: minutes that a task may run. It saves 90 seconds before their end and goes on in the queue.
        account: who pays.
        memory: GB of memory for a task.
        cpus_per_task: CPUs of a task.
        gpus_per_task: GPUs of a task.
        array: how many tasks run at a time, at most.
        options: others of sbatch by name, such as ``{"qos": "low"}``.
    """

    partition: str | None = None
    time: Count = 60
    account: str | None = None
    memory: Positive | None = None
    cpus_per_task: Count = 1
    gpus_per_task: int = 0
    array: Count = 256
    options: Mapping[str, str | int | float | bool] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        check_options(self)
        if self.gpus_per_task < 0:
            raise ValueError(f"gpus_per_task must be a whole number of at least 0, not {self.gpus_per_task}")

    def parameters(self) -> dict[str, Any]:
        """Return them as submitit calls them."""
        named: dict[str, Any] = {
            "job_name": "polax",
            "partition": self.partition,
            "time": self.time,
            "account": self.account,
            "mem": self.memory and f"{round(self.memory * 1024)}MB",
            "cpus_per_task": self.cpus_per_task,
            "gpus_per_node": self.gpus_per_task or None,
            "ntasks_per_node": 1,
            "array_parallelism": self.array,
            "signal_delay_s": int(PATIENCE),
            "stderr_to_stdout": True,
            "additional_parameters": {"requeue": True, **self.options},
        }
        return {name: value for name, value in named.items() if value is not None}


class SlurmExecutor:
    """Processes that Slurm starts.

    Args:
        config: the options.
        folder: of the series, which all machines share.

    Raises:
        PolaxError: submitit or Slurm is not here.
    """

    def __init__(self, config: SlurmConfig, folder: Path) -> None:
        self._library = _library()
        if shutil.which("sbatch") is None or shutil.which("srun") is None:
            raise PolaxError(
                "Slurm is not here: there is no sbatch on the PATH; give the command on a machine from which jobs are "
                "submitted, or choose another --on"
            )
        self._config = config
        self._folder = folder.resolve() / TASKS / FOLDER
        self._jobs: dict[str, Any] = {}
        self._asked, self._every = time.monotonic(), POLL

    def start(self, commands: Sequence[Command]) -> None:
        """Submit processes, several of them as an array."""
        submitter = self._submitter()
        try:
            with redirect_stderr(io.StringIO()), submitter.batch():  # submitit would print what it raises
                jobs = [submitter.submit(Requeued(command)) for command in commands]
        except (self._library.core.utils.FailedJobError, subprocess.CalledProcessError) as cause:
            raise PolaxError(f"Slurm does not take the tasks: {one_line(cause)}") from cause
        self._jobs |= {command.task: job for command, job in zip(commands, jobs, strict=True)}

    def _submitter(self) -> Any:
        submitter = self._library.SlurmExecutor(folder=self._folder, max_num_timeout=REQUEUES)
        submitter.update_parameters(**self._config.parameters())
        return submitter

    def ended(self, timeout: float) -> list[Ended]:
        """Return the processes that have ended since the last call."""
        end = time.monotonic() + timeout
        while True:
            self._ask()
            done = [name for name, job in self._jobs.items() if job.done()]
            if done or time.monotonic() >= end:
                return [self._end(name, self._jobs.pop(name)) for name in done]
            time.sleep(min(0.5, timeout))

    def _ask(self) -> None:
        """Ask Slurm for the states of all jobs, from time to time: submitit alone would do so every ten minutes."""
        if self._jobs and time.monotonic() - self._asked >= self._every:
            self._asked = time.monotonic()
            with suppress(NotImplementedError):  # a job that knows its own state
                next(iter(self._jobs.values())).watcher.update()

    def _end(self, name: str, job: Any) -> Ended:
        try:
            return Ended(*job.result())
        except Exception:  # submitit's errors hold whole logs
            return Ended(name, None, reason=f"Slurm says {job.state} of job {job.job_id}")

    def stop(self) -> None:
        """Cancel the jobs that wait: SIGTERM to those that run could come twice, and end them unsaved."""
        self._every = 2.0
        self._cancel("--state=PENDING")

    def _cancel(self, *words: str) -> None:
        if self._jobs:
            subprocess.run(["scancel", *words, *(job.job_id for job in self._jobs.values())], check=False)

    def close(self) -> None:
        """Cancel what is left, and remove submitit's files."""
        self._cancel()
        self._jobs.clear()
        shutil.rmtree(self._folder, ignore_errors=True)
        with suppress(OSError):  # there was none, or logs of tasks that failed are in it
            self._folder.parent.rmdir()


class Requeued(Child):
    """A process that saves when its time ends or when it is preempted, and goes on in the queue."""

    def checkpoint(self) -> Any:
        """Return what submitit puts into the queue again; it calls this when Slurm announces the end."""
        self.stop()
        return _library().helpers.DelayedSubmission(self)


def _library() -> Any:
    logging.getLogger("submitit").setLevel(logging.CRITICAL)
    try:
        return importlib.import_module("submitit")
    except ImportError as cause:
        raise MissingExtraError("--on slurm", "slurm") from cause


SLURM = ExecutorPlugin(config=SlurmConfig, build=SlurmExecutor, summary="Slurm, through submitit: a job array")
