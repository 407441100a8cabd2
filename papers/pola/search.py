"""A search over rates where the paper found no setting that reaches tit-for-tat."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from ...runner.report.document import Document
from ..report import Row, reproduction
from .exact_runs import ExactRuns, run_settings
from .published import FACTORS, Setting
from .statistics import FOUND, share_of

CONFIRMATION_RUNS = 200
_INNER = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0)
_OUTER = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0)


class Family(NamedTuple):
    """Settings to search: one way of writing policies, several games, a grid of rates."""

    label: str
    options: Mapping[str, Any]
    factors: tuple[float, ...]
    inner_rates: tuple[float, ...] = _INNER
    outer_rates: tuple[float, ...] = _OUTER
    updates: int = 200


def _preconditioned(label: str, **options: Any) -> Family:
    return Family(f"preconditioned {label}", {"parameterisation": "preconditioned", **options}, FACTORS)


FAMILIES = (
    _preconditioned("(paper's columns)"),
    _preconditioned("(column DD)", preconditioned_columns=(0, 0)),
    _preconditioned("in the inner step only, as in the published program", outer_preconditioning=False),
    Family("mlp", {"parameterisation": "mlp"}, (1.1, 1.25), outer_rates=(0.005, 0.01, *_OUTER[:-3], 0.4), updates=300),
)


class _Best(NamedTuple):
    """The best setting of one family in one game."""

    setting: Setting
    tried: int
    successful: int


def search(*, runs: int, seed: int, report: Callable[[str], None], families: Sequence[Family] = FAMILIES) -> Document:
    """Try every pair of rates ``runs`` times, then confirm the best of each game on fresh runs.

    The best share of many is flattered by chance, so it is measured again with another seed.
    """
    best: list[_Best] = []
    for family in families:
        settings = [setting for factor in family.factors for setting in _grid(family, factor)]
        report(f"LOLA, {family.label}: {len(settings)} settings")
        results = run_settings(settings, runs=runs, seed=seed, report=report)
        shares = np.array([result.found.mean() for result in results]).reshape(len(family.factors), -1)
        for game, of_game in enumerate(shares):
            first = settings[game * len(of_game) + int(of_game.argmax())]
            best.append(_Best(first, len(of_game), int(np.count_nonzero(of_game))))
    confirmed = run_settings([each.setting for each in best], runs=CONFIRMATION_RUNS, seed=seed + 1, report=report)
    rows = [_row(each, result) for each, result in zip(best, confirmed, strict=True)]
    return reproduction(
        "search",
        "LOLA where the paper found no rates: a search",
        {
            "policies": "{policies}",
            "f": "{contribution_factor}",
            "settings that found it / tried": "{settings_successful} / {settings_tried}",
            "best rates (inner, outer)": _rates,
            "found, fresh runs": "{found[share]:.2f} ({found[low]:.2f} to {found[high]:.2f})",
        },
        rows,
        notes=(
            f"Every pair of rates of a grid, {runs} runs each; the best pair again on {CONFIRMATION_RUNS} fresh runs, "
            "with Wilson's 95% interval.",
            FOUND,
        ),
    )


def _grid(family: Family, factor: float) -> list[Setting]:
    options = [
        {**family.options, "inner_lr": inner_lr, "outer_lr": outer_lr}
        for inner_lr, outer_lr in product(family.inner_rates, family.outer_rates)
    ]
    return [Setting(family.label, "lola-exact", family.updates, each, factor) for each in options]


def _row(best: _Best, result: ExactRuns) -> dict[str, Any]:
    return {
        "policies": best.setting.name,
        "contribution_factor": best.setting.contribution_factor,
        "updates": best.setting.updates,
        "settings_tried": best.tried,
        "settings_successful": best.successful,
        "best": dict(best.setting.options),
        "found": share_of(result.found)._asdict(),
        "policy": result.policy.round(4).tolist(),
    }


def _rates(row: Row) -> str:
    return "{inner_lr:g}, {outer_lr:g}".format_map(row["best"]) if row["settings_successful"] else "none"
