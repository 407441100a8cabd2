"""How long the learners take to LOQA's thresholds in coin games of different sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from rich.console import Console

from ... import registry
from ...envs.base import Threshold
from ...runner.evaluation.milestones import exceeds, first_passes
from ...runner.evaluation.scores import DEFECTOR
from ...runner.report.document import Document
from ...runner.report.figures import Curve, draw_curve, finish_curves
from ...runner.report.learning import Quantity, curve_of, read_run
from ...runner.report.parts import Chart, Panel, Reach, Section
from ...runner.runs.folder import RunFolder
from ...runner.runs.spec import resolve
from ..report import Columns, Row, as_table, reproduction_of, stem_of
from ..training import configs_of, how_trained, lost_seeds, trained
from .matches import ENV, with_preset
from .published import TIMES

LEARNERS = ("loqa", "goodwill-loqa")
SIZES = (3, 5, 7)
DRAWN = (
    Quantity("self-play", "Self-play", "normalised reward per step"),
    Quantity(f"against {DEFECTOR}", f"Against {DEFECTOR}", "normalised reward per step", DEFECTOR),
)


def thresholds_of(size: int) -> tuple[Threshold, ...]:
    """Return those of the coin game of a size, in rewards per step."""
    env, params = registry.make_env(ENV, grid_size=size)
    return env.thresholds(params)


def normalisation(grid_size: int) -> int:
    """Return what rewards are multiplied by: on a larger torus the ways are longer, and rewards rarer."""
    return 2 * (grid_size // 2)


def _title(learner: str, size: int) -> str:
    return f"{learner} {size} x {size}"


def loqa_scalability(*, runs: int, seed: int, scale: str, training: Path, console: Console) -> Document:
    """Train the learners in coin games of different sizes and say when each seed passed the thresholds.

    Args:
        runs: seeds of each learner and size.
        seed: the first of them.
        scale: the preset; a larger torus has one of its own, such as ``laptop-5x5``.
        training: folder of the runs; those that are there are read or continued.
        console: where progress is shown.

    Returns:
        Seconds and steps until each threshold beside the published seconds, and the course of both scores.

    Raises:
        PolaxError: training was interrupted or failed, or the folder holds a run with other settings.
    """
    presets = {size: scale if size == 3 else f"{scale}-{size}x{size}" for size in SIZES}
    pairs = [(learner, size) for size in SIZES for learner in with_preset(LEARNERS, presets[size])]
    seeds = tuple(range(seed, seed + runs))
    specs = {(learner, size): resolve(learner, ENV, preset=presets[size], seeds=seeds) for learner, size in pairs}
    folders = {
        (learner, size): trained(spec, training / f"{learner}{presets[size].removeprefix(scale)}", console)
        for (learner, size), spec in specs.items()
    }
    absent = [_title(learner, size) for size in SIZES for learner in LEARNERS if (learner, size) not in specs]
    rows = [row for (learner, size), folder in folders.items() for row in _rows(learner, size, folder)]
    named = {_title(learner, size): folder for (learner, size), folder in folders.items()}
    name, stem = "loqa-scalability", stem_of("loqa-scalability", scale)
    title = f"Time to LOQA's thresholds in the coin game, by size ({scale} scale)"
    sections = [Section("", [as_table(title, _COLUMNS, rows), _chart(stem, folders)], Reach.CONSOLE)]
    notes, configs = _notes(named, absent), configs_of(named)
    return reproduction_of(name, title, sections, rows, notes=notes, configs=configs, stem=stem)


def _rows(learner: str, size: int, folder: RunFolder) -> list[dict[str, Any]]:
    lines = list(folder.metrics())
    rows = []
    for threshold in thresholds_of(size):
        passes = first_passes(lines, partial(exceeds, threshold=threshold))
        reached = {
            str(seed): None if line is None else {each: line[each] for each in ("update", "seconds", "env_steps")}
            for seed, line in passes.items()
        }
        published = [each for each in TIMES if (each["grid_size"], each["threshold"]) == (size, threshold.name)]
        rows.append(
            {
                "learner": learner,
                "grid_size": size,
                "threshold": threshold.name,
                "self_play": round(threshold.self_play, 6),
                "against_defector": round(threshold.against_defector, 6),
                "per_seed": reached,
                "published": published,
            }
        )
    return rows


def _reached(row: Row) -> str:
    passes = [each for each in row["per_seed"].values() if each is not None]
    return f"{len(passes)} of {len(row['per_seed'])}" if passes else "not reached"


def _range(row: Row, name: str) -> str:
    """Return the lowest and the highest of the seeds that passed; empty where none did."""
    values = [each[name] for each in row["per_seed"].values() if each is not None]
    return _from_to(min(values), max(values)) if values else ""


def _from_to(low: float, high: float) -> str:
    ends = dict.fromkeys(f"{value:,.0f}" for value in (low, high))
    return " to ".join(ends)


_COLUMNS: Columns = {
    "learner": "{learner}",
    "torus": "{grid_size} x {grid_size}",
    "threshold": "{threshold}",
    "seeds": _reached,
    "seconds": lambda row: _range(row, "seconds"),
    "environment steps": lambda row: _range(row, "env_steps"),
    "published seconds": lambda row: "; ".join(
        f"{each['learner']} {_from_to(each['low'], each['high'])}" for each in row["published"]
    ),
}


def _chart(name: str, folders: Mapping[tuple[str, int], RunFolder]) -> Chart:
    """Draw both scores, normalised, by seconds of training."""
    panels = []
    for quantity in DRAWN:
        curves = [_curve(quantity, place, *key, folder) for place, (key, folder) in enumerate(folders.items())]
        panels.append(Panel(quantity.title, partial(_draw, quantity, [each for each in curves if each is not None])))
    return Chart(name, "Normalised rewards in coin games of different sizes", panels, (5.2, 3.8))


def _curve(quantity: Quantity, colour: int, learner: str, size: int, folder: RunFolder) -> Curve | None:
    curve = curve_of(read_run(folder), quantity, "seconds", colour)
    if curve is None:
        return None
    factor = normalisation(size)
    scaled = {name: factor * getattr(curve, name) for name in ("mean", "low", "high", "seeds")}
    return curve._replace(name=_title(learner, size), **scaled)


def _draw(quantity: Quantity, curves: Sequence[Curve], axes: Axes) -> None:
    for curve in curves:
        draw_curve(axes, curve, "seconds")
    levels = {
        each.name: normalisation(3) * (each.against_defector if quantity.opponent else each.self_play)
        for each in thresholds_of(3)
    }
    finish_curves(axes, "seconds of training", quantity.y_label, levels)


def _notes(folders: Mapping[str, RunFolder], absent: Sequence[str]) -> list[str]:
    """Say what was measured, and what the comparison can mean."""
    smallest, factor = thresholds_of(3), normalisation(3)
    levels = ", ".join(
        f"{each.name} {factor * each.self_play:g} and {factor * each.against_defector:g}" for each in smallest
    )
    notes = [
        "Rewards are normalised by 2 * (n // 2) on a torus of side n. An evaluation must exceed both thresholds, in "
        f"self-play and against always-defect: {levels}. On the 3 x 3 torus the strong one is a reward of "
        f"{smallest[-1].self_play:.3f} in self-play, far from reciprocity (0.33).",
        "What counts is the first evaluation that passes, unsmoothed; later ones may fail again.",
        "Seconds are those of training until then, with compilation and without the evaluations. The seeds of a run "
        "train side by side, so each one's seconds contain the others' work. Environment steps are those of one seed.",
        "The published seconds are of one A100 and batches of 2,048 episodes; the ranges are over seeds.",
        *(how_trained(name, folder) for name, folder in folders.items()),
        *lost_seeds(folders),
    ]
    if absent:
        notes.append(f"Left out for want of a preset: {', '.join(absent)}.")
    return notes
