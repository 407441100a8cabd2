"""What the POLA paper prints (Zhao et al. 2022, arXiv:2210.10125) and the settings behind it, read from ``data``.

Policies are probabilities of cooperating in `STATES`, the own action first, averaged over both players and all runs.
"The program" is the authors' released one, run again; "the paper" is what is printed.

- ``figure1.json``: two hand-made networks that are the same policy, player 0's policy after one update of each as the
  program prints it, and the outer steps of POLA after which our policy is that one to its four decimals.
- ``exact.csv``: Figure 3 and Table 1, with the rates of appendix B.1. Where the paper gives no rates, they are ours:
  for LOLA the best of a search (see `search`), or one of many pairs that find nothing; for naive learning what gives
  the printed policies. ``found`` is the share of `PROGRAM_RUNS` runs of the program that found tit-for-tat, and 0 where
  the paper's search over rates found nothing. The policies are those of the paper, 20 runs.
- ``table2.csv``: tabular players, one of which learns through a model of its opponent; 10 runs.
- ``sampled.csv``: final values of Figures 4 and 5 (after 20,000 and 50,000 outer steps), read off the plots with an
  error of about 0.01, and the 95% interval over 10 seeds where it can be seen.
- ``course.csv``: scores of two seeds of the program at the small setting of `course`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, NamedTuple

from ..tables import read_table

FACTORS = (1.1, 1.25, 1.33, 1.4, 1.6)
STATES = ("DD", "DC", "CD", "CC", "start")
PROGRAM_RUNS = 20
NO_RATES = "*"
"""Marks the names of settings whose rates are ours."""

_OPTIONS = (
    *("parameterisation", "opponent_model", "inner_lr", "outer_lr"),
    *("inner_beta", "inner_steps", "outer_beta", "outer_steps"),
)


@dataclass(frozen=True)
class Setting:
    """One setting of an exact learner in the iterated prisoner's dilemma, to be run many times."""

    name: str
    learner: str
    updates: int
    options: Mapping[str, Any] = field(default_factory=dict)
    contribution_factor: float = 1.33


class Published(NamedTuple):
    """A setting of the paper, and what was published about it."""

    setting: Setting
    policy: tuple[float, ...]
    found: float | None
    """Share of runs; None where it is not known."""


class Score(NamedTuple):
    """A final value, with its 95% interval where it is known."""

    value: float
    low: float | None = None
    high: float | None = None


def _published(row: Mapping[str, Any], name: str) -> Published:
    options = {option: row[option] for option in _OPTIONS if row.get(option) is not None}
    if row.get("opponent_model") == "preconditioned":
        options["preconditioned_columns"] = (0, 0)
    factor = row.get("contribution_factor", Setting.contribution_factor)
    setting = Setting(name, f"{row['learner']}-exact", row["updates"], options, factor)
    return Published(setting, tuple(float(row[state]) for state in STATES), row.get("found"))


FIGURE1: Mapping[str, Any] = json.loads(files(__package__).joinpath("data", "figure1.json").read_text("utf-8"))
EXACT = {
    key: _published(row, " ".join(map(str, key)) + (NO_RATES if row["rates"] == "ours" else ""))
    for row in read_table(__package__, "exact.csv")
    for key in [(row["learner"], row["parameterisation"], row["contribution_factor"])]
}
"""By learner, parameterisation and contribution factor."""

TABLE2 = [
    _published(row, f"{row['learner']}, {row['opponent_model']} model") for row in read_table(__package__, "table2.csv")
]
SCORES = {
    (row["figure"], row["learner"], row["what"]): Score(row["value"], row["low"], row["high"])
    for row in read_table(__package__, "sampled.csv")
}
"""By figure, learner and quantity."""
