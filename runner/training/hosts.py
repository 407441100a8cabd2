"""One run over several processes, on one host or on many: the first process leads, the others follow.

The leader does all that a process alone does: it reads and writes the run, answers signals, draws figures. For each
training it tells the followers what is trained and whether another update comes, over a connection to each of them;
they compute their part of every update. Such a connection ends with the process at its other end, whatever ended it, so
no process waits for one that is not there any more. What devices exchange goes through jax's distributed runtime.
"""

from __future__ import annotations

import json
import os
import queue
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, NamedTuple, NoReturn

from ...options import OptionError, PolaxError
from .interrupts import OUT_OF_TIME

PATIENCE = 60.0
"""Seconds in which all processes of a run must have come."""

GOODBYE = 10.0
"""Seconds in which the others have left when the first process ends."""

LOST = OUT_OF_TIME
"""Exit status of a process whose run has lost another process: "try again later"."""

_Message = dict[str, Any]


class Place(NamedTuple):
    """Which of the processes of a run this one is; None: what the cluster says."""

    coordinator: str | None = None
    """``HOST:PORT`` at which process 0 waits for the others."""
    num_processes: int | None = None
    process_id: int | None = None


class Leader:
    """What process 0 knows of the others."""

    def __init__(self, followers: dict[int, _Connection]) -> None:
        self._followers = followers
        self._answers: queue.Queue[_Message] = queue.Queue()
        self._left = False
        self.asked_to_stop = False
        """Whether a follower was sent a signal."""
        self.after_loss: Callable[[], str] = str
        """Says how to go on where a process is lost."""
        for process, connection in followers.items():
            connection.listen(self._hear, partial(self._lose, process))

    def tell(self, **message: Any) -> None:
        """Send a message to every follower."""
        for connection in self._followers.values():
            connection.send(**message)

    def goes_on(self, here: bool) -> bool:  # noqa: FBT001
        """Return whether another update is taken, and tell the followers."""
        going_on = here and not self.asked_to_stop
        self.tell(goes_on=going_on)
        return going_on

    def meet(self) -> None:
        """Wait until every follower is as far.

        Raises:
            PolaxError: an error has ended what was trained before, and the followers with it.
        """
        if self._left:
            raise PolaxError("the other processes have ended with what failed before; start the same command again")
        self.wait()
        self.tell(met=True)

    def wait(self) -> None:
        """Wait until every follower has said that it is ready, or has finished what is trained."""
        for _ in self._followers:
            self._answers.get()

    def leave(self, **message: Any) -> None:
        """Tell the followers that nothing follows, and wait until they have left jax's runtime, which is here."""
        self._left = True
        self.tell(ended=True, **message)
        for connection in self._followers.values():
            connection.wait(GOODBYE)

    def _hear(self, message: _Message) -> None:
        if "signal" in message:
            self.asked_to_stop = True
        else:
            self._answers.put(message)

    def _lose(self, process: int) -> None:
        if self._left:
            return
        said = f"process {process} of {len(self._followers) + 1} has ended, so the others cannot go on"
        self.tell(lost=said)
        _end(f"{said}{self.after_loss()}")


class Follower:
    """What another process knows of process 0."""

    def __init__(self, connection: _Connection) -> None:
        self._connection = connection
        self._messages: queue.Queue[_Message] = queue.Queue()
        self._busy = False
        self._left = False
        connection.listen(self._hear, self._lose)

    def next_training(self) -> _Message | None:
        """Wait for what is trained next; None: nothing is.

        Raises:
            PolaxError: an error ended the leader.
        """
        if self._busy:
            self._busy = False
            self._connection.send(done=True)
        message = self._messages.get()
        if "training" not in message:
            if message.get("error"):
                raise PolaxError(f"process 0 ended: {message['error']}")
            return None
        self._busy = True
        found: _Message = message["training"]
        return found

    def meet(self) -> None:
        """Wait until the others are as far."""
        self._connection.send(ready=True)
        self._messages.get()

    def leave(self) -> None:
        """Let the leader end."""
        self._left = True
        self._connection.close()

    def goes_on(self, here: bool) -> bool:  # noqa: FBT001
        """Return whether another update is taken; tell the leader if it shall not be."""
        if not here:
            self._connection.send(signal=True)
        return bool(self._messages.get()["goes_on"])

    def _hear(self, message: _Message) -> None:
        if "lost" in message:
            _end(message["lost"])
        if message.get("ended"):
            self._left = True
            if self._busy:  # it may wait for devices that will not answer
                _end(f"process 0 ended: {message.get('error', 'it had nothing more to do')}")
        self._messages.put(message)

    def _lose(self) -> None:
        if not self._left:
            _end("process 0 has ended, so the others cannot go on")


_team: ContextVar[Leader | Follower | None] = ContextVar("team", default=None)


def team() -> Leader | Follower | None:
    """Return the connection to the other processes; None: there are none."""
    return _team.get()


@contextmanager
def joined(place: Place) -> Iterator[Leader | Follower]:
    """Join the other processes, before jax computes anything, and leave them at the end of the block.

    Raises:
        OptionError: no place is given and no cluster is recognised, or the other processes do not come in time.
    """
    address, count, process, local = _settle(place)
    host, port = _address(address)
    found: Leader | Follower
    if process == 0:
        connections, runtime = _gather(host, port, count)
        found = Leader(connections)
    else:
        connection, runtime = _reach(host, port, count, process)
        found = Follower(connection)
    _start_runtime(f"{host}:{runtime}", count, process, local)
    token = _team.set(found)
    try:
        yield found
    except BaseException as error:
        if isinstance(found, Leader):
            found.leave(error=" ".join(str(error).split()) or type(error).__name__)
        raise
    else:
        if isinstance(found, Leader):
            found.leave()
    finally:
        _team.reset(token)
        _stop_runtime()
        if isinstance(found, Follower):
            found.leave()


def _settle(place: Place) -> tuple[str, int, int, Any]:
    """Return address, count, number and devices of this process, from the cluster where they are not given."""
    address, count, process, local = *place, None
    if None in place:
        from jax._src.clusters import ClusterEnv  # what jax.distributed.initialize asks; it does not return it

        address, count, process, local = ClusterEnv.auto_detect_unset_distributed_params(
            address, count, process, None, None, int(PATIENCE)
        )
    if address is None or count is None or process is None:
        raise OptionError(
            "no cluster of which jax knows is around: give --coordinator HOST:PORT, --num-processes N and "
            "--process-id I with --distributed"
        )
    if not 0 <= process < count:
        raise OptionError(f"--process-id must be from 0 to {count - 1} with --num-processes {count}, not {process}")
    return address, count, process, local


def _address(word: str) -> tuple[str, int]:
    host, _, port = word.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise OptionError(f"--coordinator must be HOST:PORT, such as node1:29500, not {word!r}")
    return host, int(port)


def _gather(host: str, port: int, count: int) -> tuple[dict[int, _Connection], int]:
    """Wait for the other processes; return a connection to each, and the port of jax's runtime."""
    try:
        listening = socket.create_server(("", port), backlog=count)
    except OSError as cause:
        raise OptionError(f"process 0 cannot listen on port {port}: {cause.strerror}; choose another one") from cause
    end, found = time.monotonic() + PATIENCE, dict[int, _Connection]()
    with listening:
        while len(found) < count - 1:
            listening.settimeout(max(0.01, end - time.monotonic()))
            try:
                connection = _Connection(listening.accept()[0], patience=5.0)
            except TimeoutError as cause:
                raise OptionError(
                    f"{len(found)} of {count - 1} other processes came to {host}:{port} within {PATIENCE:.0f} s; "
                    "start all of them with the same --coordinator and --num-processes"
                ) from cause
            hello = connection.read() or {}
            process: Any = hello.get("process")
            expected = isinstance(process, int) and 0 < process < count and hello.get("count") == count
            if expected and process not in found:
                found[process] = connection
            else:  # a stranger, or a process that was started wrongly
                connection.close()
    runtime = _free_port()
    for connection in found.values():
        connection.send(port=runtime)
    return found, runtime


def _reach(host: str, port: int, count: int, process: int) -> tuple[_Connection, int]:
    """Connect to process 0; return the connection, and the port of jax's runtime."""
    connection = _Connection(_connect(host, port))
    connection.send(process=process, count=count)
    answer = connection.read()
    if answer is None:
        raise OptionError(
            f"process 0 at {host}:{port} did not take process {process} of {count}: all must be given the same "
            "--num-processes and a --process-id of their own, and be there in time"
        )
    runtime = int(answer["port"])
    _connect(host, runtime).close()  # jax ends a process that is quicker than the runtime
    return connection, runtime


def _connect(host: str, port: int) -> socket.socket:
    """Return a connection to a port, as soon as somebody listens there."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return socket.create_connection((host, port), timeout=5)
        except OSError as cause:
            if time.monotonic() > end:
                raise OptionError(
                    f"no process listens at {host}:{port} after {PATIENCE:.0f} s ({cause.strerror or cause}); start "
                    "process 0 there, or correct --coordinator"
                ) from cause
            time.sleep(0.2)


def _free_port() -> int:
    with socket.create_server(("", 0)) as listening:
        return int(listening.getsockname()[1])


def _start_runtime(address: str, count: int, process: int, local_devices: Any) -> None:
    """Connect jax to the devices of all processes."""
    import jax

    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # Else jax ends this process without a word of ours when another one is lost, and takes SIGTERM for itself.
    jax.config.update("jax_enable_recoverability", True)
    jax.config.update("jax_enable_preemption_service", False)
    jax.distributed.initialize(
        address,
        count,
        process,
        local_device_ids=local_devices,
        cluster_detection_method="deactivate",
        initialization_timeout=int(PATIENCE),
        shutdown_timeout_seconds=int(GOODBYE),
    )


def _stop_runtime() -> None:
    import jax

    with suppress(RuntimeError):  # another process has left it in another way
        jax.distributed.shutdown()


class _Connection:
    """Messages to and from another process, a line of JSON each."""

    def __init__(self, sock: socket.socket, *, patience: float = PATIENCE) -> None:
        self._socket, self._lines = sock, sock.makefile("rb")
        sock.settimeout(patience)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A host that has lost its power or its network says nothing: it is found out within half a minute.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4)):
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def send(self, **message: Any) -> None:
        """Send a message; that the other end is gone is noticed where messages are read."""
        with suppress(OSError):
            self._socket.sendall(json.dumps(message).encode() + b"\n")

    def read(self) -> _Message | None:
        """Return the next message; None: there is none any more."""
        try:
            found = json.loads(self._lines.readline())
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def listen(self, hear: Callable[[_Message], None], end: Callable[[], None]) -> None:
        """Hear every message in a thread of its own, then the end."""
        self._socket.settimeout(None)

        def run() -> None:
            while (message := self.read()) is not None:
                hear(message)
            end()

        self._listening = threading.Thread(target=run, daemon=True)
        self._listening.start()

    def wait(self, seconds: float) -> None:
        """Wait for the end of the connection."""
        self._listening.join(seconds)

    def close(self) -> None:
        """End the connection."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()


def _end(said: str) -> NoReturn:
    """End the process, whatever it waits for."""
    print(f"polax: {said}", file=sys.stderr, flush=True)
    os._exit(LOST)
