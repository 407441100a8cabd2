"""Ray (https://ray.io): processes on the nodes of a cluster, or on this machine by a Ray that ends with the command.

Needs the extra ``ray``. Its dashboard stays off, and nothing is reported to its makers.
"""

from __future__ import annotations

import dataclasses
import importlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...options import Count, MissingExtraError, NotNegative, OptionError, PolaxError, check_options, describe_error
from ..process import cpu_cores
from .base import Command, Ended, ExecutorPlugin
from .child import Child

AUTO = "auto"
CLIENT = "ray://"

ANSWERS = 5.0
"""Seconds until an address answers, at most."""

CONNECTS = 60.0
"""Seconds until a Ray that is there has answered, at most."""

TRY = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='CRITICAL')"

SHORT = "/tmp"

OBJECTS = 100_000_000
"""Bytes of memory for Ray's objects in a Ray of its own: what tasks return is tiny."""


@dataclasses.dataclass(frozen=True)
class RayConfig:
    """Options of Ray.

    Attributes:
        address: a running cluster: ``auto`` for the one of this machine, ``HOST:PORT`` of its head, or
            ``ray://HOST:PORT`` of its client server; none: a Ray on this machine that ends with the command.
        cpus_per_task: CPUs that a task claims; as many tasks run at a time as the nodes have room for.
        gpus_per_task: GPUs that a task gets; below 1, tasks share one.
    """

    address: str | None = None
    cpus_per_task: Count = 1
    gpus_per_task: NotNegative = 0.0

    def __post_init__(self) -> None:
        check_options(self)
        if self.address is not None and self.address != AUTO and _host_and_port(self.address) is None:
            raise ValueError(f"address must be auto, HOST:PORT or ray://HOST:PORT, not {self.address!r}")
        if self.gpus_per_task > 1 and self.gpus_per_task % 1:
            raise ValueError(f"gpus_per_task must be a whole number or below 1, not {self.gpus_per_task}")


def _host_and_port(address: str) -> tuple[str, int] | None:
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    return (host.strip("[]"), int(port)) if host and port.isascii() and port.isdigit() and int(port) < 2**16 else None


class RayExecutor:
    """Processes that Ray starts.

    Args:
        config: the options.
        folder: of the series, which Ray has no use for.

    Raises:
        PolaxError: Ray is not installed or not reachable, or no node has room for a task.
    """

    def __init__(self, config: RayConfig, folder: Path) -> None:
        del folder
        self._config = config
        self._tasks: dict[Any, str] = {}
        self._own: str | None = None  # the folder of a Ray that ends with this executor
        self._ray = _library()
        before = signal.getsignal(signal.SIGTERM)
        self._connect()
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)  # Ray has put a handler of its own there, which exits
        try:
            self._check_room()
        except BaseException:
            self.close()
            raise
        resources = {"num_cpus": config.cpus_per_task, "num_gpus": config.gpus_per_task}
        self._remote = self._ray.remote(**resources, max_retries=0)(_run)

    def _connect(self) -> None:
        address = self._config.address
        usual: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.CRITICAL}
        if self._ray.is_initialized():
            raise PolaxError("this process uses Ray already; call ray.shutdown() first")
        if address is None:
            # Ray has sockets there, whose paths must be short.
            self._own = tempfile.mkdtemp(prefix="polax-ray-", dir=SHORT if os.access(SHORT, os.W_OK) else None)
            # On the loopback interface: Ray runs whatever it is sent by those who reach it.
            usual |= {"address": "local", "_node_ip_address": "127.0.0.1", "_temp_dir": self._own}
            usual |= {"num_cpus": cpu_cores(), "object_store_memory": OBJECTS}
        else:
            _check_address(address)
            usual = {name: usual[name] for name in ("log_to_driver", "logging_level")} | {"address": address}
        try:
            with warnings.catch_warnings():
                # Jax warns of forks, which its threads do not survive; Ray's become other programs at once. Ray warns
                # of what it then raises.
                warnings.simplefilter("ignore")
                self._ray.init(**usual)
        except Exception as cause:
            self._remove_own()
            what = "Ray cannot start on this machine" if address is None else f"there is no Ray at {address}"
            raise PolaxError(f"{what}: {describe_error(cause, longest=200)}") from cause

    def _check_room(self) -> None:
        wanted = {"CPU": float(self._config.cpus_per_task), "GPU": float(self._config.gpus_per_task)}
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(all(node.get(name, 0.0) >= count for name, count in wanted.items()) for node in nodes):
            have = "; ".join(f"{node.get('CPU', 0):g} CPUs and {node.get('GPU', 0):g} GPUs" for node in nodes[:4])
            raise OptionError(
                f"a task claims {wanted['CPU']:g} CPUs and {wanted['GPU']:g} GPUs, which no node of Ray has (they have "
                f"{have}); choose smaller --cpus-per-task and --gpus-per-task"
            )

    def start(self, commands: Sequence[Command]) -> None:
        """Hand processes to Ray, which queues those for which there is no room."""
        for command in commands:
            self._tasks[self._remote.options(name=command.task).remote(command)] = command.task

    def ended(self, timeout: float) -> list[Ended]:
        """Return the processes that have ended since the last call."""
        if not self._tasks:
            return []
        ready, _ = self._ray.wait(list(self._tasks), num_returns=1, timeout=timeout)
        return [self._end(reference) for reference in ready]

    def _end(self, reference: Any) -> Ended:
        name, errors = self._tasks.pop(reference), self._ray.exceptions
        try:
            return Ended(*self._ray.get(reference))
        except errors.OutOfMemoryError:
            return Ended(name, None, reason="its machine had no memory left")
        except (errors.RayTaskError, errors.TaskCancelledError, errors.WorkerCrashedError) as error:
            return Ended(name, None, reason=describe_error(error, longest=200))
        except errors.RayError as error:
            return Ended(name, None, reason=type(error).__name__)

    def stop(self) -> None:
        """Cancel what waits; Ray does not interrupt what runs."""
        for reference in self._tasks:
            self._ray.cancel(reference, force=False)

    def close(self) -> None:
        """End what is left, and the Ray that was started for it."""
        try:
            for reference in self._tasks:
                self._ray.cancel(reference, force=True)
            self._tasks.clear()
            self._ray.shutdown()
        finally:
            self._remove_own()

    def _remove_own(self) -> None:
        if self._own is not None:
            shutil.rmtree(self._own, ignore_errors=True)


def _run(command: Command) -> tuple[Any, ...]:
    """Run a process, in a worker of Ray."""
    return tuple(Child(command)())


def _library() -> Any:
    # Ray reads these when it is imported, and when it starts.
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "1")  # a task without GPUs sees none
    try:
        return importlib.import_module("ray")
    except ImportError as cause:
        raise MissingExtraError("--on ray", "ray") from cause


def _check_address(address: str) -> None:
    """Raise `PolaxError` in time where no Ray answers.

    Where nobody listens, that is found out at once. Where something else does, Ray would try for minutes, in code that
    nothing interrupts: another process tries first.
    """
    found = _host_and_port(address)
    hint = "start one with ray start --head, or leave the address out for a Ray on this machine"
    if found is not None:
        try:
            socket.create_connection(found, ANSWERS).close()
        except OSError as cause:
            raise PolaxError(f"no Ray answers at {address}: {cause.strerror or cause}; {hint}") from cause
    words = [sys.executable, "-W", "ignore", "-c", TRY, address]
    try:
        tried = subprocess.run(words, capture_output=True, timeout=CONNECTS, check=False)
    except subprocess.TimeoutExpired:
        raise PolaxError(f"there is no Ray at {address}: no answer in {CONNECTS:.0f} s; {hint}") from None
    if tried.returncode:
        lines = tried.stderr.decode(errors="replace").strip().splitlines() or ["it ended at once"]
        raise PolaxError(f"there is no Ray at {address}: {lines[-1][:200]}; {hint}")


RAY = ExecutorPlugin(config=RayConfig, build=RayExecutor, summary="Ray: on this machine, or on the nodes of a cluster")
