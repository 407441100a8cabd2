"""The log of an error that no code expects."""

from __future__ import annotations

import os
import platform
import shlex
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from .runs.manifest import versions


def write_log(error: Exception, command: Sequence[str]) -> Path | None:
    """Write what a report of a bug needs, beside what was being written or into the folder for temporary files.

    Args:
        error: what was raised.
        command: the words of the command line.

    Returns:
        The path of the log; None if it cannot be written.
    """
    lines = [
        f"time: {time.strftime('%Y-%m-%dT%H:%M:%S%z')}",
        f"command: {shlex.join(command)}",
        f"python: {platform.python_version()} on {platform.platform()}",
        *(f"{name}: {number or 'not installed'}" for name, number in versions().items()),
        "",
        *traceback.format_exception(error),
    ]
    name = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    for folder in (getattr(error, "written_folder", None), tempfile.gettempdir()):
        if folder is not None:
            try:
                path = Path(folder) / name
                path.write_text("\n".join(lines), encoding="utf-8", errors="backslashreplace")
            except OSError:
                continue
            return path
    return None
