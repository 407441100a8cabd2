"""What a process of ``polax`` sets up once, before jax computes: compiled programs, devices, quiet libraries."""

from __future__ import annotations

import logging
import os
import time
import warnings
import zlib
from importlib import import_module
from pathlib import Path
from typing import Any

CHECKED = ".polax-checked"
"""File in the folder of compiled programs; its time says which entries are known to be whole."""


ZSTANDARD = b"\x28\xb5\x2f\xfd"
"""With this begins an entry compressed by zstandard."""


def set_up(*, num_seeds: int | None = None) -> None:
    """Prepare the process; to be called before any plug-in is loaded, since gymnax computes while it is imported.

    Args:
        num_seeds: how many seeds will train together, among which a CPU's cores are shared; None: nothing trains.
    """
    logging.getLogger("absl").setLevel(logging.CRITICAL + 1)  # orbax logs a traceback of each error that it raises
    # Jax warns of an entry that another process is writing at this moment, and compiles.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation cache entry")
    use_compilation_cache()
    if num_seeds is not None:
        split_cpu(num_seeds)


def use_compilation_cache() -> None:
    """Let jax keep what it compiles in the user's cache folder.

    ``POLAX_CACHE=off`` does without. Else what ``JAX_COMPILATION_CACHE_DIR`` says goes first, then the folder that
    ``POLAX_CACHE`` names.
    """
    wish = os.environ.get("POLAX_CACHE", "")
    if wish == "off":
        os.environ.pop("JAX_COMPILATION_CACHE_DIR", None)
        return
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        folder = Path(wish) if wish else base / "polax" / "xla"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:  # a home that cannot be written: compile afresh each time
            return
        if not os.access(folder, os.W_OK):
            return
        os.environ["JAX_COMPILATION_CACHE_DIR"] = str(folder)
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")
    remove_damaged(Path(os.environ["JAX_COMPILATION_CACHE_DIR"]))


def remove_damaged(folder: Path) -> None:
    """Remove the entries of jax's cache that end too early, so that they are written anew.

    Jax writes an entry in place and never replaces one. A process killed in the middle, or a full disk, leaves half an
    entry, which every later process would find unreadable. Only what was written since the last check is read.
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
    except OSError:  # another process removes entries too, or the folder is not ours: jax does without
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


def split_cpu(num_seeds: int) -> None:
    """Ask jax for as many CPU devices as the seeds, or the players of one seed, can be spread over.

    After the first computation of the process this changes nothing. Other kinds of devices are left alone.
    """
    import jax

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        jax.config.update("jax_num_cpu_devices", cpu_devices(num_seeds, cores))
    except RuntimeError:  # the devices are there already, in the number that somebody chose
        return


def cpu_devices(num_seeds: int, cores: int) -> int:
    """Return the largest number of devices that shares the seeds evenly; two for seeds that cannot be shared."""
    shared = max(devices for devices in range(1, cores + 1) if num_seeds % devices == 0)
    return min(2, cores) if shared == 1 else shared
