"""The contract of an executor, and what a task is.

An executor starts processes, on other machines or this one, and tells when they have ended. It needs to know nothing of
what they do: a process reads its task from a folder that both machines see, and writes what came of it there. A plug-in
is declared as an entry point of ``polax.executors``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:  # a list of executors does not need it
    from rich.console import Console


API_VERSION = 1
"""The version of this contract."""

LOCAL = "local"
"""The word for no executor: tasks run one after another in the process of the command."""


class Task(NamedTuple):
    """One piece of a benchmark or a sweep that runs as a whole."""

    name: str
    """Also that of its folder below ``tasks/``; no other task of the series has it."""
    title: str
    """What the user is shown."""
    content: Mapping[str, Any]
    """What is to be done, as JSON-ready values."""


class Outcome(NamedTuple):
    """What came of a task."""

    found: Mapping[str, Any] = {}
    """The results, as JSON-ready values."""
    error: str | None = None
    """What was raised, on one line; the task may be tried again. None: nothing."""
    stopped: int = 0
    """The exit status of a signal that stopped it, saved; 0: none did."""
    refused: str | None = None
    """Why the whole series cannot go on, such as a full disk."""


Perform = Callable[[Path, Mapping[str, Any], "Console"], Outcome]
"""``perform(folder of the series, content of the task, console)``: a function of a module, which other processes import
too."""


class Attempt(NamedTuple):
    """A task that has ended, perhaps not for good."""

    task: Task
    outcome: Outcome
    again: bool
    """Whether it will be tried again."""


class Crew(Protocol):
    """Runs the tasks of a series, in this process or by an executor."""

    stopped: int
    """After `run`: the exit status of a signal that stopped it, or 0."""
    elsewhere: bool
    """Whether other processes compute."""

    def run(self, tasks: Sequence[Task], perform: Perform, announce: Callable[[Task], str]) -> Iterator[Attempt]:
        """Yield what comes of each task as soon as it is known; a failing one does not stop the others.

        Args:
            tasks: in the order in which they begin.
            perform: does one.
            announce: what is said of a task when it begins in this process.

        Raises:
            PolaxError: no task can run there; those that were under way are saved.
        """
        ...


class Command(NamedTuple):
    """A process that an executor starts, with the Python interpreter of the machine on which it runs."""

    task: str
    """The name of its task."""
    words: tuple[str, ...]
    """The arguments of the interpreter."""
    environment: Mapping[str, str | None]
    """Variables that it has beside those of the machine; None: one that it does not have."""
    log: str
    """The file to which its output is appended. The progress of a task is the last line of it."""


class Ended(NamedTuple):
    """The end of a process."""

    task: str
    status: int | None
    """Its exit status, or minus the number of the signal that ended it; None: it was lost, as with its machine."""
    where: str = ""
    """The name of the machine."""
    reason: str = ""
    """Why it was lost."""


class Executor(Protocol):
    """Starts processes; those for which there is no room wait their turn."""

    def start(self, commands: Sequence[Command]) -> None:
        """Start these processes, or put them in the queue.

        Raises:
            PolaxError: they cannot run here.
        """
        ...

    def ended(self, timeout: float) -> list[Ended]:
        """Return the processes that have ended since the last call; wait for one for so many seconds."""
        ...

    def stop(self) -> None:
        """Let no process begin that waits; it has ended then. One that runs finds out by itself, saves and ends."""
        ...

    def close(self) -> None:
        """End what is still there at once, and what was started for it; nothing is left behind."""
        ...


class ExecutorPlugin(NamedTuple):
    """What an entry point of ``polax.executors`` provides."""

    config: type[Any]
    """A frozen dataclass with defaults: the options, documented. The commands know ``cpus_per_task`` and
    ``gpus_per_task`` by these names; another one is given as ``--EXECUTOR-OPTION``. The word ``EXECUTOR://ADDRESS``
    fills the option ``address``."""
    build: Callable[[Any, Path], Executor]
    """``build(config, folder)`` connects, and raises `PolaxError` where there is nothing to connect to. The folder
    exists as soon as something is started; files that both machines need may be written below it."""
    summary: str
    api_version: int = API_VERSION


class Site(NamedTuple):
    """What a process elsewhere must know of this one to compute the same numbers."""

    devices: int
    """Devices of the CPU."""
    cwd: str
    """Where relative paths lead."""
    local_modules: bool
    """Whether modules in ``cwd`` can be imported."""
    versions: Mapping[str, str | None]
    """Of the packages that results depend on."""
