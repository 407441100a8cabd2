"""What a process of ``polax`` sets up once, before jax computes: compiled programs, devices, logging."""

from __future__ import annotations

import logging
import os
import sys
import time
import warnings
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

CHECKED = ".polax-checked"
"""File in the folder of compiled programs; its time says which entries are known to be whole."""

CPU_DEVICES = "xla_force_host_platform_device_count"
"""The flag of XLA by which a user chooses how many devices a CPU is."""

ZSTANDARD = b"\x28\xb5\x2f\xfd"
"""The first bytes of an entry compressed by zstandard."""


def set_up(*, devices: int = 1) -> None:
    """Prepare the process, before any plug-in is loaded, because gymnax computes while it is imported.

    Args:
        devices: how many devices the CPU is, at most; training takes one for each core.
    """
    logging.getLogger("absl").setLevel(logging.CRITICAL + 1)  # orbax logs a traceback of each error that it raises
    # Jax warns of an entry that another process is writing at this moment, and compiles.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")
    use_compilation_cache()
    split_cpu(min(devices, cpu_cores()))


def command_line() -> list[str]:
    """Return the words that started this process, for the provenance of results; none in an interactive session."""
    if hasattr(sys, "ps1"):
        return []
    module = getattr(sys.modules["__main__"], "__spec__", None)  # of ``python -m``
    program = ["python", "-m", module.name.removesuffix(".__main__")] if module else [Path(sys.argv[0]).name]
    return [*program, *sys.argv[1:]]


def use_compilation_cache() -> None:
    """Let jax keep what it compiles in the user's cache folder.

    ``POLAX_CACHE=off`` turns this off; ``JAX_COMPILATION_CACHE_DIR``, then ``POLAX_CACHE``, name another folder.
    """
    chosen = os.environ.get("POLAX_CACHE", "")
    if chosen == "off":
        os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
        return
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        folder = Path(chosen) if chosen else base / "polax" / "xla"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a home that cannot be written: compile each time
            return
        if not os.access(folder, os.W_OK):
            return
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
    remove_damaged(Path(os.environ["JAX_COMPILATION_CACHE_DIR"]))


def remove_damaged(folder: Path) -> None:
    """Remove the incomplete entries of jax's cache, so that they are written again.

    Jax writes an entry in place and never replaces one. A killed process or a full disk leaves half an entry, which no
    later process could read. Only entries written since the last check are read.
    """
    mark = folder / CHECKED
    begun = time.time()
    try:
        since = mark.stat().st_mtime if mark.exists() else 0.0
        for path in folder.glob("*-cache"):
            if path.stat().st_mtime >= since and not _is_whole(path.read_bytes()):
                path.unlink()
        mark.touch()
        os.utime(mark, (begun, begun))
    except OSError:  # another process removes entries too, or the folder is not ours: jax copes
        return


def _is_whole(entry: bytes) -> bool:
    """Tell whether a compressed entry can be read to its end."""
    stream: Any = zlib.decompressobj()
    if entry.startswith(ZSTANDARD):  # jax uses it where it is installed
        try:
            stream = import_module("zstandard").ZstdDecompressor().decompressobj()
        except ImportError:  # jax cannot read it either
            return False
    try:
        stream.decompress(entry)
    except Exception:  # zlib.error, zstandard.ZstdError
        return False
    return bool(stream.eof)


def split_cpu(devices: int) -> None:
    """Ask jax for so many CPU devices, unless ``XLA_FLAGS`` says how many."""
    if devices > 1 and CPU_DEVICES not in os.environ.get("XLA_FLAGS", ""):
        use_cpu_devices(devices)


def use_cpu_devices(number: int) -> None:
    """Ask jax for a number of CPU devices.

    After the first computation of the process this changes nothing. Other kinds of devices are not affected.
    """
    import jax

    try:
        jax.config.update("jax_num_cpu_devices", number)
    except RuntimeError:  # jax has its devices already
        return


def leave_accelerators() -> None:
    """Compute on the CPU alone: the tasks that this process hands out need the memory of a GPU themselves."""
    import jax

    jax.config.update("jax_platforms", "cpu")


def cpu_cores() -> int:
    """Return how many cores of the CPU this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
