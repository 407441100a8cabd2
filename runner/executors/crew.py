"""What runs the tasks of a series, by the word of ``--on``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from ... import registry
from ...options import OptionError, make_config, suggest
from .base import LOCAL, Crew
from .local import Local
from .remote import Remote


@contextmanager
def make_crew(  # what a crew is, and whom it tells
    on: str,
    options: Mapping[str, Any],
    folder: Path,
    *,
    retries: int,
    console: Console,
) -> Iterator[Crew]:
    """Connect to what runs the tasks; at the end of the block nothing of it is left.

    Args:
        on: ``local``, the name of an executor, or an address ``EXECUTOR://...``.
        options: of the executor.
        folder: of the series; it need not exist yet.
        retries: how often a task that failed is tried again.
        console: where progress is shown.

    Raises:
        PolaxError: there is no such executor or option, or nothing to connect to.
    """
    if on == LOCAL:
        if options:
            raise OptionError(
                f"{next(iter(options))} is an option of executors; {LOCAL} has none, its tasks run one after another "
                "on the whole machine"
            )
        yield Local(folder, retries=retries, console=console)
        return
    name, options = _read(on, options)
    plugin = registry.executor_plugin(name)
    config = make_config(plugin.config, options, what=name)
    with registry.plugin_code(f"executor {name!r}", "build"):
        executor = plugin.build(config, folder)
    try:
        yield Remote(executor, folder, retries=retries, console=console)
    finally:
        with registry.plugin_code(f"executor {name!r}", "close"):
            executor.close()


def _read(on: str, options: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the name of an executor, and its options with the address that stood in its place."""
    name, is_address, _ = on.partition("://")
    known = [LOCAL, *(row.name for row in registry.list_executors())]
    if name not in known and ":" not in name:
        raise OptionError(f"there is no executor {name!r} to run on; {suggest(name, known)}")
    if not is_address:
        return name, options
    if "address" in options:
        raise OptionError(f"--on {on} is an address, and another one is given as an option; leave out one of the two")
    return name, {**options, "address": on}
