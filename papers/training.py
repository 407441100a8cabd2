"""Trained learners for a reproduction: trained, read or continued in a folder, and described."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from ..runner.benchmark.plan import until
from ..runner.report.parts import plural
from ..runner.runs.files import RunError
from ..runner.runs.folder import RunFolder
from ..runner.runs.spec import RunSpec
from ..runner.training.loop import begin_or_continue, last_rows

EVALUATIONS = 200
"""About so many evaluations of a run, however many updates it has."""

STEPS = ("outer_steps", "gradient_steps")
"""Options of learners that say how many steps of which kind an update takes."""


def trained(spec: RunSpec, folder: Path, console: Console, *, course: bool = True) -> RunFolder:
    """Train one learner, or read or continue what is there.

    Args:
        spec: the run, but for how often it is evaluated and saved.
        folder: of the run.
        console: where progress is shown.
        course: whether its course is of interest. If not, it is evaluated and saved as in a benchmark, and may be a run
            of a benchmark or a league.

    Raises:
        PolaxError: training was interrupted or failed, the run that is there was made with other settings, or it cannot
            be written.
    """
    often = replace(spec, eval_every=max(1, spec.updates // EVALUATIONS))
    spec = often if course else until(spec, spec.updates)
    run, outcome = begin_or_continue(spec, folder, console=console)
    if outcome.exit_status > 1:
        raise RunError(f"{spec.algorithm} was interrupted; run the same command again to continue")
    if outcome.exit_status:
        raise RunError(outcome.message)
    return run


def how_trained(name: str, folder: RunFolder) -> str:
    """Say in a line what a run trained, and how long.

    Args:
        name: what the run is called.
        folder: the run, trained.
    """
    spec, launch = folder.spec(), folder.manifest()["launches"][-1]
    sizes = f"batch {spec.options['num_envs']}, hidden {spec.options['hidden_size']}"
    minutes = launch["training_seconds"] / 60
    kind = next(each for each in STEPS if each in spec.options)
    steps = plural(spec.options[kind], kind.removesuffix("s").replace("_", " "))
    seeds = "1 seed" if len(spec.seeds) == 1 else f"{len(spec.seeds)} seeds together"
    kinds = Counter(device.removeprefix("cpu: ") for device in launch["devices"])
    devices = ", ".join(f"{plural(count, 'device')} ({each})" for each, count in kinds.items())
    return (
        f"{name}: {plural(spec.updates, 'update')} of {steps}, {sizes}; {seeds} trained for {minutes:.1f} minutes "
        f"on {devices}."
    )


def configs_of(folders: Mapping[str, RunFolder]) -> dict[str, Any]:
    """Return what each run was asked to do, JSON-ready, by the names of the runs."""
    return {name: folder.spec().to_json() for name, folder in folders.items()}


def final_rows(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the last scores of the seeds that trained to the end."""
    rows = last_rows(folder)
    end = max((row["update"] for row in rows), default=0)
    return [row for row in rows if row["update"] == end]


def lost_seeds(folders: Mapping[str, RunFolder]) -> list[str]:
    """Say, by the names of the runs, which of them lost seeds that stopped being finite; empty where none did."""
    lost = [name for name, folder in folders.items() if len(final_rows(folder)) < len(folder.spec().seeds)]
    return [f"Seeds whose values stopped being finite are left out: {', '.join(lost)}."] if lost else []
