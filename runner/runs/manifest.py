"""``manifest.json``: versions, devices and commands of a run, with an entry for each start or resumption."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ... import registry
from .folder import RunFolder
from .spec import RunSpec, Setup

PACKAGES = ("polax", "jax", "jaxlib", "flax", "optax", "gymnax", "numpy", "orbax-checkpoint")


def add_launch(folder: RunFolder, spec: RunSpec, setup: Setup, *, command: Sequence[str]) -> None:
    """Write down when, with what and on what a run starts, and what its game's measures mean."""
    launch = {
        "started": _now(),
        "command": list(command),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "versions": versions(),
        "devices": device_names(),
    }
    before = folder.manifest()
    folder.write_json(
        "manifest.json",
        {
            "algorithm": _origin(registry.list_algorithms(), spec.algorithm),
            "env": _origin(registry.list_environments(), spec.env),
            "reference_scores": setup.env.reference_scores(setup.params),
            "measures": [measure._asdict() for measure in setup.env.measures],
            "steps_per_update": dict(setup.steps_per_update),
            "self_play": setup.algorithm.self_play,
            "launches": [*before.get("launches", []), launch],
        },
    )


def finish_launch(folder: RunFolder, *, update: int, seconds: float) -> None:
    """Add to the last launch when it ended, and where."""
    manifest = folder.manifest()
    manifest["launches"][-1] |= {"ended": _now(), "update": update, "training_seconds": round(seconds, 3)}
    folder.write_json("manifest.json", manifest)


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


def _origin(listing: Sequence[registry.Listing], name: str) -> dict[str, Any]:
    if registry.BESIDE in name:
        return {"name": name, "players": [_origin(listing, each) for each in name.split(registry.BESIDE)]}
    row = next((row for row in listing if row.name == name), None)
    if row is None:  # given as package.module:ATTRIBUTE
        return {"name": name, "target": name}
    return {"name": name, "target": row.target, "distribution": row.distribution, "version": row.version}
