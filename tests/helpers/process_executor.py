"""An executor of a third party: processes of this machine, a few at a time."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from polax.runner.executors.base import Command, Ended, ExecutorPlugin


@dataclasses.dataclass(frozen=True)
class ProcessesConfig:
    """Options of the processes.

    Attributes:
        at_once: how many run at a time.
        lose: the number of processes that are killed, and called lost, when their task has taken a few updates.
        hide: whether they look for their tasks in another folder, as on a machine that does not share it.
    """

    at_once: int = 2
    cpus_per_task: int = 1
    lose: int = 0
    hide: bool = False


class Processes:
    def __init__(self, config: ProcessesConfig, folder: Path) -> None:
        self._config = config
        self._folder = folder
        self._waiting: list[Command] = []
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._cancelled: list[str] = []
        self._to_lose = config.lose

    def start(self, commands: Sequence[Command]) -> None:
        self._waiting += commands

    def ended(self, timeout: float) -> list[Ended]:
        end = time.monotonic() + timeout
        found: list[Ended] = []
        while not found and time.monotonic() < end:
            while self._waiting and len(self._running) < self._config.at_once:
                command = self._waiting.pop(0)
                self._running[command.task] = self._begin(command)
            self._lose_one()
            found = [Ended(name, None, reason="cancelled") for name in self._cancelled]
            self._cancelled = []
            for name, process in list(self._running.items()):
                if process.poll() is not None:
                    del self._running[name]
                    lost = process.returncode == -signal.SIGKILL
                    found.append(Ended(name, None if lost else process.returncode, "here"))
            time.sleep(0.05)
        return found

    def _begin(self, command: Command) -> subprocess.Popen[bytes]:
        words = [word.replace(str(self._folder), "/nowhere") if self._config.hide else word for word in command.words]
        environment = {**os.environ, **{name: value for name, value in command.environment.items() if value}}
        with Path(command.log).open("ab") as log:
            return subprocess.Popen([sys.executable, *words], stdout=log, stderr=log, env=environment)

    def _lose_one(self) -> None:
        for name, process in self._running.items():
            metrics = self._folder / "runs" / name / "metrics.jsonl"
            if self._to_lose and metrics.exists() and metrics.read_bytes().count(b"\n") > 8:
                self._to_lose -= 1
                process.kill()

    def stop(self) -> None:
        self._cancelled += [command.task for command in self._waiting]
        self._waiting = []

    def close(self) -> None:
        for process in self._running.values():
            process.kill()
            process.wait()


PROCESSES = ExecutorPlugin(config=ProcessesConfig, build=Processes, summary="Processes of this machine")
