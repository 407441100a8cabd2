"""Settings of the whole suite."""

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import polax
import pytest

_CACHE = Path(__file__).resolve().parent.parent / ".jax_cache"

# What a test compiles is kept for the next run, small programs too: they are many, and each module begins without any.
# Set before jax is first imported, and inherited by subprocesses.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHE))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

_MINUTES = ("test_hosts.py", "test_devices.py", "test_learning.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take minutes first: begun last, they would go on alone after the others.

    With ``--no-loadscope-reorder``, which `make test` gives, the processes keep to this order.
    """
    items.sort(key=lambda item: item.path.name not in _MINUTES)


@pytest.fixture
def registry() -> Iterator[ModuleType]:
    """Where a test registers plug-ins, which are forgotten at its end."""
    with polax.registry.isolated():
        yield polax.registry


@pytest.fixture
def optimised() -> Iterator[None]:
    """Compile as outside of `make test`, for what runs long."""
    import jax

    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture(autouse=True, scope="module")
def _compiled_programs_are_let_go() -> Iterator[None]:
    """Free what a module compiled: kept to the end, the programs of the whole suite take several GiB."""
    yield
    if "jax" in sys.modules:
        import jax

        jax.clear_caches()
        if sys.platform == "linux":  # freed memory goes back to the system, or other processes could not have it
            ctypes.CDLL("libc.so.6", use_errno=True).malloc_trim(0)
