"""One process writes a folder at a time.

The lock is `flock`, which the system releases however the process ends. On NFS it holds between machines too; a file
system without it is named.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .files import RunError, writing

_log = logging.getLogger(__name__)

LOCK = ".lock"
"""The file that is locked. It says who writes the folder, and is removed afterwards."""

_BUSY = (errno.EWOULDBLOCK, errno.EACCES)
_WITHOUT_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class BusyError(RunError):
    """Another process writes the folder."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder.

    Args:
        folder: it exists.

    Raises:
        BusyError: another process, or another thread of this one, holds it.
        RunError: the folder cannot be written.
    """
    path = folder / LOCK
    with writing(folder):
        held = _take(path)
    try:
        yield
    except Exception as error:
        error.__dict__.setdefault("written_folder", folder)  # where the log of a crash belongs
        raise
    finally:
        # The file is removed before the lock is released. A process that has opened it by then finds out in `_take`
        # that it is not the folder's file any more, and opens the new one.
        with suppress(OSError):
            path.unlink()
        os.close(held)


def holder(folder: Path) -> str | None:
    """Return who holds the lock of a folder, in words; None if nobody holds it."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as cause:
        return _holder(descriptor) if cause.errno in _BUSY else None
    finally:
        os.close(descriptor)
    return None


def _take(path: Path) -> int:
    """Return the descriptor of the locked file."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            who = _holder(descriptor)
            if cause.errno in _BUSY:
                os.close(descriptor)
                raise BusyError(
                    f"{path.parent} is being written by {who}; wait until it has ended, or stop it"
                ) from cause
            if cause.errno not in _WITHOUT_LOCKS:
                os.close(descriptor)
                raise
            _log.warning(f"the file system of {path.parent} has no locks; let one process write it at a time")
        if _is_at(path, descriptor):
            words = {"process": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, json.dumps(words).encode(), 0)
            return descriptor
        os.close(descriptor)  # its holder has just removed it


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _holder(descriptor: int) -> str:
    try:
        found = json.loads(os.pread(descriptor, 4096, 0))
        return f"process {found['process']} on {found['host']} since {found['since']}"
    except (OSError, ValueError, LookupError, TypeError):  # it writes this a moment after it has the lock
        return "another process"
