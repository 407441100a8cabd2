"""``polax reproduce``: a published figure or table, run again and compared with the published numbers."""

from __future__ import annotations

import importlib
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from ..process import set_up
from .arguments import CommandParser

USAGE = "NAME [--num-seeds N] [--seed N] [--scale SCALE] [--training DIR] [--out DIR]"


class Target(NamedTuple):
    """Something that can be reproduced."""

    module: str
    """Of `polax.papers.pola`; its function of the target's name returns a `Report`."""

    summary: str
    runs: int
    scales: tuple[str, ...] = ()
    """Presets that it can be trained with; the first is the default. Empty: nothing is trained."""


SCALES = ("published", "laptop")
SMALL = "small"

TARGETS = {
    "figure1": Target("exact", "one update of LOLA and POLA on two networks that are one policy", 1),
    "figure3": Target("exact", "how often exact LOLA and POLA find tit-for-tat", 20),
    "figure4": Target("sampled", "learning curves of POLA and LOLA in the iterated prisoner's dilemma", 10, SCALES),
    "figure5": Target("sampled", "learning curves of POLA and LOLA in the coin game", 10, SCALES),
    "course": Target("course", "the course of POLA-DiCE's learning at a small setting, update by update", 10, (SMALL,)),
    "table1": Target("exact", "the policies that exact naive learning, LOLA and POLA end with", 20),
    "table2": Target("exact", "the same with models of the opponent", 20),
    "search": Target("search", "rates for the cells in which the paper found none", 20),
}
"""Everything that can be reproduced, by name, with the number of runs by default."""


def main(arguments: list[str]) -> int:
    """Run it again, print and write the comparison."""
    names = "\n".join(f"  {name:10}{target.summary} ({target.runs} runs)" for name, target in TARGETS.items())
    parser = CommandParser("reproduce", USAGE, epilog=f"names, with the number of runs by default:\n{names}")
    parser.add_argument("name", choices=TARGETS, metavar="NAME", help="what to reproduce, see below")
    parser.add_argument(
        "--runs", "--num-seeds", type=int, metavar="N", help="independent runs of every cell or learner"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first run (default: 0)")
    parser.add_argument(
        "--scale", choices=(*SCALES, SMALL), help="figure4, figure5: settings of the training (default: published)"
    )
    parser.add_argument(
        "--training", type=Path, metavar="DIR", help="folder of the runs that are trained (default: runs/NAME-SCALE)"
    )
    parser.add_argument("--out", type=Path, default=Path("results"), metavar="DIR", help="folder (default: results)")
    options = parser.parse(arguments)
    target = TARGETS[options.name]
    runs = target.runs if options.runs is None else options.runs
    if runs < 1:
        parser.error(f"--runs must be at least 1; got {runs}")
    if options.seed < 0:
        parser.error(f"--seed must not be negative; got {options.seed}")
    if not target.scales and (options.scale or options.training):
        parser.error(f"{options.name} trains nothing: leave out --scale and --training")
    if options.scale and options.scale not in target.scales:
        parser.error(f"{options.name} has the scale {' or '.join(target.scales)}, not {options.scale!r}")

    # Nothing but training is shared among devices.
    set_up(num_seeds=runs if target.scales else None)
    from rich.console import Console

    from ...papers.pola.report import prepare, show, write

    console = Console(width=None if sys.stdout.isatty() else 130)
    prepare(options.out)
    started = time.perf_counter()
    command: dict[str, Any] = {"runs": runs, "seed": options.seed}
    settings: dict[str, Any] = {"report": lambda line: console.print(line, highlight=False)}
    if target.scales:
        scale = options.scale or target.scales[0]
        command["scale"] = scale
        settings = {"training": options.training or Path("runs") / f"{options.name}-{scale}", "console": console}
    reproduce = getattr(importlib.import_module(f"...papers.pola.{target.module}", __package__), options.name)
    report = reproduce(**command, **settings)
    seconds = None if target.scales else time.perf_counter() - started
    show(report, console)
    for path in write(report, options.out, command=command, seconds=seconds):
        console.print(f"written: {path}", highlight=False)
    return 0
