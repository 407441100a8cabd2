"""A search over rates for the cells in which the paper found no setting that reaches tit-for-tat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from .cells import Cell, Outcome, run_cells
from .published import FACTORS
from .report import Report
from .statistics import share_of

LEARNER = "lola-exact"
CONFIRMATION_RUNS = 200


class Family(NamedTuple):
    """Settings to search: one way of writing policies, several games, a grid of rates."""

    label: str
    options: Mapping[str, Any]
    factors: tuple[float, ...]
    inner_rates: tuple[float, ...]
    outer_rates: tuple[float, ...]
    updates: int


_RATES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
_OUTER_RATES = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0)
_PRECONDITIONED = {"parameterisation": "preconditioned"}
FAMILIES = (
    Family("preconditioned (paper's columns)", _PRECONDITIONED, FACTORS, _RATES, _OUTER_RATES, 200),
    Family(
        "preconditioned (column DD)",
        {**_PRECONDITIONED, "preconditioned_columns": (0, 0)},
        FACTORS,
        _RATES,
        _OUTER_RATES,
        200,
    ),
    Family(
        "preconditioned in the inner step only, as in the published program",
        {**_PRECONDITIONED, "outer_preconditioning": False},
        FACTORS,
        _RATES,
        _OUTER_RATES,
        200,
    ),
    Family("mlp", {"parameterisation": "mlp"}, (1.1, 1.25), _RATES, (0.005, 0.01, *_OUTER_RATES[:-3], 0.4), 300),
)


class _Best(NamedTuple):
    """The best setting of one family in one game."""

    family: Family
    cell: Cell
    tried: int
    successful: int


def search(*, runs: int, seed: int, report: Callable[[str], None], families: Sequence[Family] = FAMILIES) -> Report:
    """Try every pair of rates ``runs`` times, then confirm the best of each game on fresh runs.

    The best share of many is flattered by chance, so it is measured again with another seed.
    """
    best: list[_Best] = []
    for family in families:
        cells = [cell for factor in family.factors for cell in _grid(family, factor)]
        report(f"LOLA, {family.label}: {len(cells)} settings")
        outcomes = run_cells(cells, runs=runs, seed=seed, report=report)
        best += _best_of_each_game(family, cells, outcomes)
    confirmed = run_cells([each.cell for each in best], runs=CONFIRMATION_RUNS, seed=seed + 1, report=report)
    rows = [_numbers(each, outcome) for each, outcome in zip(best, confirmed, strict=True)]
    return Report(
        name="search",
        title="LOLA where the paper found no rates: a search",
        columns=("policies", "f", "settings that found it / tried", "best rates (inner, outer)", "found, fresh runs"),
        rows=[_text(row) for row in rows],
        cells=rows,
        notes=(
            f"Every pair of rates of a grid, {runs} runs each; the best pair again on {CONFIRMATION_RUNS} fresh runs, "
            "with Wilson's 95 % interval.",
            "Found: at some update the mean return exceeds 80 % of the social optimum while both players cooperate "
            "with probability below .65 after mutual defection and after they alone cooperated.",
        ),
    )


def _grid(family: Family, factor: float) -> list[Cell]:
    return [
        Cell(
            f"{family.label} {factor} {inner_lr} {outer_lr}",
            LEARNER,
            family.updates,
            {**family.options, "inner_lr": inner_lr, "outer_lr": outer_lr},
            factor,
        )
        for inner_lr, outer_lr in product(family.inner_rates, family.outer_rates)
    ]


def _best_of_each_game(family: Family, cells: Sequence[Cell], outcomes: Sequence[Outcome]) -> list[_Best]:
    shares = np.array([outcome.found.mean() for outcome in outcomes]).reshape(len(family.factors), -1)
    games = zip(shares, np.split(np.arange(len(cells)), len(family.factors)), strict=True)
    return [
        _Best(family, cells[places[of_game.argmax()]], len(places), int(np.count_nonzero(of_game)))
        for of_game, places in games
    ]


def _numbers(best: _Best, outcome: Outcome) -> dict[str, Any]:
    share = share_of(outcome.found)
    return {
        "policies": best.family.label,
        "contribution_factor": best.cell.contribution_factor,
        "updates": best.family.updates,
        "settings_tried": best.tried,
        "settings_successful": best.successful,
        "best": dict(best.cell.options),
        "found": share._asdict(),
        "policy": outcome.policy.round(4).tolist(),
    }


def _text(row: Mapping[str, Any]) -> tuple[str, ...]:
    found = row["found"]
    successful = row["settings_successful"] > 0
    return (
        str(row["policies"]),
        str(row["contribution_factor"]),
        f"{row['settings_successful']} / {row['settings_tried']}",
        f"{row['best']['inner_lr']:g}, {row['best']['outer_lr']:g}" if successful else "none",
        f"{found['share']:.2f} ({found['low']:.2f} to {found['high']:.2f})",
    )
