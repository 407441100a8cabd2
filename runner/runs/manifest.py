"""``manifest.json``: versions, devices and commands of a run, with an entry for each start or resumption."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, cast

from ... import registry
from .files import RunError, set_aside
from .folder import MANIFEST, Manifest, Measure, Origin, RunFolder
from .spec import RunSpec, Setup

if TYPE_CHECKING:
    from jax.sharding import Mesh  # which listings do not need

_log = logging.getLogger(__name__)

PACKAGES = ("polax", "jax", "jaxlib", "flax", "optax", "gymnax", "numpy", "orbax-checkpoint")


def add_launch(
    folder: RunFolder, spec: RunSpec, setup: Setup, *, command: Sequence[str], mesh: Mesh | None = None
) -> Manifest:
    """Write down when, with what and on what a run starts, and what its game's measures mean; return all of it.

    A damaged ``manifest.json`` is set aside, which is told: it says what a run was started with, not what it learned.
    """
    from .checkpoint import uses_64_bits  # orbax, which listings do not need

    launch = {
        "started": _now(),
        "command": list(command),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions(),
        "devices": device_names(),
        "mesh": {} if mesh is None else {axis: int(size) for axis, size in mesh.shape.items()},
        "x64": uses_64_bits(),
    }
    try:
        before = folder.manifest()
    except RunError as damage:
        before = {}
        _log.warning(f"{damage}; it is {set_aside(folder.path / MANIFEST).name} now, and begun anew")
    manifest: Manifest = {
        "algorithm": _origin(registry.list_algorithms(), spec.algorithm),
        "env": _origin(registry.list_environments(), spec.env),
        "reference_scores": setup.env.reference_scores(setup.params),
        "measures": [cast("Measure", measure._asdict()) for measure in setup.env.measures],
        "steps_per_update": dict(setup.steps_per_update),
        "self_play": setup.algorithm.self_play,
        "launches": [*before.get("launches", []), launch],
    }
    folder.write_manifest(manifest)
    return manifest


def finish_launch(folder: RunFolder, manifest: Manifest, *, update: int, seconds: float) -> None:
    """Add to the last launch of what `add_launch` returned when it ended, and where."""
    manifest["launches"][-1] |= {"ended": _now(), "update": update, "training_seconds": round(seconds, 3)}
    folder.write_manifest(manifest)


def versions() -> dict[str, str | None]:
    """Return the versions of the packages that results depend on; None for one that is not installed."""
    installed: dict[str, str | None] = dict.fromkeys(PACKAGES)
    for name in PACKAGES:
        with suppress(PackageNotFoundError):
            installed[name] = version(name)
    return installed


def device_names() -> list[str]:
    """Return the devices that jax computes on."""
    import jax

    return [f"{device.platform}: {device.device_kind}" for device in jax.devices()]


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _origin(listing: Sequence[registry.Listing], name: str) -> Origin:
    names = registry.names_by_player(name)
    if len(names) > 1:
        return {"name": name, "players": [dict(_origin(listing, each)) for each in names]}
    row = next((row for row in listing if row.name == name), None)
    if row is None:  # given as package.module:ATTRIBUTE
        return {"name": name, "target": name}
    return {"name": name, "target": row.target, "distribution": row.distribution, "version": row.version}
