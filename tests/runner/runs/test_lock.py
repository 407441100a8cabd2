"""One process writes a folder at a time."""

import errno
import fcntl
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from polax.runner.runs import lock
from polax.runner.runs.lock import BusyError, alone, holder

HOLD = """
import sys, time
from pathlib import Path
from polax.runner.runs.lock import alone
with alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_writer_is_told_who_writes_and_a_killed_one_leaves_the_folder_free(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    who = rf"process {process.pid} on {platform.node()} since \d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d"
    with (
        pytest.raises(BusyError, match=f"is being written by {who}; wait until it has ended, or stop it"),
        alone(tmp_path),
    ):
        pass
    assert f"process {process.pid} on " in str(holder(tmp_path))
    process.kill()
    process.wait()
    process.stdout.close()
    assert holder(tmp_path) is None
    with alone(tmp_path):
        assert f"process {os.getpid()} on " in str(holder(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_lock_file_that_is_removed_while_another_process_takes_it_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = fcntl.flock, []

    def late(descriptor: int, operation: int) -> None:
        if not calls:  # its holder removes it between the opening and the locking
            (tmp_path / lock.LOCK).unlink()
        calls.append(operation)
        real(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", late)
    with alone(tmp_path):
        assert (tmp_path / lock.LOCK).exists()
        assert len(calls) == 2


def test_a_file_system_without_locks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def none(*arguments: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with alone(tmp_path):
        pass
    assert f"the file system of {tmp_path} has no locks" in caplog.text


def test_what_stands_in_a_strangers_lock_file_is_not_trusted(tmp_path: Path) -> None:
    for text in (b"", b"[]", b"\xff", b'{"process": {}}'):
        (tmp_path / lock.LOCK).write_bytes(text)
        descriptor = os.open(tmp_path / lock.LOCK, os.O_RDWR)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="by another process"), alone(tmp_path):
            pass
        os.close(descriptor)
