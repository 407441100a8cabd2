"""``polax list``: algorithms, environments and policies, with their origin."""

from __future__ import annotations

import importlib
import inspect
import json
import time
from collections.abc import Callable
from typing import Any

from ... import registry
from ...options import PolaxError, option_types
from .arguments import CommandParser

KINDS: dict[str, tuple[Callable[[], tuple[registry.Listing, ...]], Callable[[str], Any]]] = {
    "algorithms": (registry.list_algorithms, registry.algorithm_plugin),
    "environments": (registry.list_environments, registry.environment_plugin),
    "policies": (registry.list_policies, registry.policy_resolver),
}

SLOW = 1.0
"""Seconds from which the import time of a plug-in is shown."""


def main(arguments: list[str]) -> int:
    """Print the listing."""
    parser = CommandParser("list")
    parser.add_argument(
        "--details", action="store_true", help="load everything (seconds): summaries, presets, options, strategies"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse(arguments)
    listing = {kind: [_describe(kind, row, load=options.details) for row in KINDS[kind][0]()] for kind in KINDS}
    if options.json:
        print(json.dumps(listing, indent=2))
    else:
        _print_tables(listing, details=options.details)
    return 0


def _describe(kind: str, row: registry.Listing, *, load: bool) -> dict[str, Any]:
    """Return one row; third-party plug-ins are always loaded, so that a broken one is seen."""
    entry: dict[str, Any] = row._asdict()
    if row.error is None and (load or row.distribution != "polax"):
        for contract in ("envs.base", "algorithms.base"):  # load jax and gymnax, so that no plug-in is blamed for it
            importlib.import_module(f"...{contract}", __package__)
        begun = time.perf_counter()
        try:
            plugin = KINDS[kind][1](row.name)
        except PolaxError as error:
            entry["error"] = str(error)
        else:
            entry["import_seconds"] = round(time.perf_counter() - begun, 3)
            entry |= _details(kind, row.name, plugin)
    return entry


def _details(kind: str, name: str, plugin: Any) -> dict[str, Any]:
    if kind == "policies":
        return {"summary": (inspect.getdoc(plugin) or "").partition("\n")[0]}
    details: dict[str, Any] = {"summary": plugin.summary, "options": list(option_types(plugin.config))}
    if kind == "algorithms":
        presets = sorted(plugin.presets) if hasattr(plugin, "presets") else []
        return details | {"presets": [{"preset": preset, "env": env} for preset, env in presets]}
    try:
        env, _ = registry.make_env(name)
    except PolaxError as error:
        return details | {"error": str(error)}
    return details | {"strategies": list(env.strategies)}


def _print_tables(listing: dict[str, list[dict[str, Any]]], *, details: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    from ..training.progress import say

    console = Console()
    for kind, entries in listing.items():
        table = Table(title=kind.capitalize(), title_justify="left", title_style="bold", box=None, show_header=False)
        table.add_column(no_wrap=True, style="cyan")
        for entry in entries:
            table.add_row(entry["name"] + (":" if kind == "policies" else ""), "\n".join(_lines(entry)))
        console.print(table, "")
    every = [entry for entries in listing.values() for entry in entries]
    for entry in every:
        if entry["error"]:
            say(console, f"broken: {entry['name']} from {_origin(entry)}: {entry['error']}")
    for entry in every:
        if entry["distribution"] != "polax" and entry.get("import_seconds", 0) >= SLOW:
            say(console, f"slow: {entry['name']} from {_origin(entry)} takes {entry['import_seconds']:.1f} s to import")
    if not details:
        say(console, "polax list --details adds summaries, presets and strategies")


def _origin(entry: dict[str, Any]) -> str:
    return f"{entry['distribution']} {entry['version']}".strip()


def _lines(entry: dict[str, Any]) -> list[str]:
    lines = [entry["summary"]] if entry.get("summary") else []
    if entry.get("strategies"):
        lines.append("strategies: " + ", ".join(entry["strategies"]))
    presets: dict[str, list[str]] = {}
    for each in entry.get("presets", []):
        presets.setdefault(each["env"], []).append(each["preset"])
    for env, names in presets.items():
        lines.append(f"presets for {'any environment' if env == '*' else env}: {', '.join(names)}")
    return [*lines, f"from {_origin(entry)}" if lines else _origin(entry)]
