"""``polax doctor``: what is wrong with the installation or with a run, and repairs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ... import registry
from ...options import OptionError, PolaxError
from ..cli import printable
from ..process import set_up
from .arguments import CommandParser

EPILOG = """\
Without RUN the installation is examined: versions, devices, memory, the folder of compiled programs, plug-ins.
With RUN: its files, the SHA-256 of every array of its checkpoints, gaps in its metrics. --repair keeps what is damaged
under other names (NAME.aside), writes metrics.jsonl anew from the lines that are whole, and removes what killed
processes left. The exit status is 1 where something is wrong, or still wrong after --repair."""


def main(arguments: list[str]) -> int:
    """Examine, repair if asked to, and say what was found."""
    parser = CommandParser("doctor", epilog=EPILOG)
    parser.add_argument("run", type=Path, nargs="?", metavar="RUN", help="folder of a training run")
    parser.add_argument("--repair", action="store_true", help="repair what can be repaired without losing anything")
    parser.add_argument("--json", action="store_true", help="print JSON instead of lines")
    options = parser.parse(arguments)
    if options.repair and options.run is None:
        raise OptionError("--repair is for a run: polax doctor RUN --repair")
    set_up()
    found = _installation() if options.run is None else _run(options.run, repair=options.repair)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            for line in value if isinstance(value, list) else [value]:
                print(printable(f"{name}: {line}"))
        if not found["problems"]:
            print("nothing is wrong")
    return 1 if found["problems"] else 0


def _run(path: Path, *, repair: bool) -> dict[str, Any]:
    from ..runs import health
    from ..runs.folder import RunFolder

    folder = RunFolder.open(path)
    if not repair:
        return {"run": str(path), "problems": [each.problem for each in health.examine(folder)]}
    found, left = health.repair(folder)
    still = {each.problem for each in left}
    cured = [each.problem for each in found if each.problem not in still]
    return {"run": str(path), "repaired": cured, "problems": [each.problem for each in left]}


def _installation() -> dict[str, Any]:
    from ..runs.manifest import device_names, versions
    from ..training.memory import memory_of_machine

    found, problems = versions(), []
    problems += [f"{name} is not installed" for name, number in found.items() if number is None]
    cache = os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if cache is not None and not os.access(cache, os.W_OK):
        problems.append(f"the folder of compiled programs, {cache}, cannot be written")
    kinds = (
        (registry.list_algorithms, registry.algorithm_plugin),
        (registry.list_environments, registry.environment_plugin),
        (registry.list_policies, registry.policy_resolver),
    )
    plugins = 0
    for listing, load in kinds:
        for row in listing():
            plugins += 1
            try:
                load(row.name)
            except PolaxError as error:
                problems.append(str(error))
    return {
        "versions": [f"{name} {number}" for name, number in found.items()],
        "devices": device_names(),
        "memory": f"{memory_of_machine() / 2**30:.1f} GiB",
        "compiled programs": cache or "not kept",
        "plug-ins": f"{plugins} found",
        "problems": problems,
    }
