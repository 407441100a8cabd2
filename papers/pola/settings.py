"""Settings of the exact experiments in the iterated prisoner's dilemma (Zhao et al. 2022, appendix B.1).

Where the paper gives no rates, these are ours: for LOLA the best of a search (see `search`), or one of many that find
nothing; for naive learning what gives the printed policies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .published import FACTORS, Key


@dataclass(frozen=True)
class Setting:
    """One setting of an exact learner, to be run many times."""

    name: str
    learner: str
    updates: int
    options: Mapping[str, Any] = field(default_factory=dict)
    contribution_factor: float = 1.33


class _Column(NamedTuple):
    """A learner and a way of writing policies: how long it learns, and its rates by contribution factor."""

    updates: int
    rates: Mapping[float, tuple[float, ...]]


_RATES = {"naive": ("outer_lr",), "lola": ("inner_lr", "outer_lr"), "pola": ("inner_lr", "outer_lr", "outer_beta")}
"""What the rates of a learner are, in order."""

_COLUMNS = {
    ("naive", "tabular"): _Column(100, dict.fromkeys(FACTORS, (2.0,))),
    ("lola", "tabular"): _Column(30, dict.fromkeys(FACTORS, (3.0, 25.0))),
    ("lola", "mlp"): _Column(
        100, {1.1: (0.4, 0.05), 1.25: (0.4, 0.05), 1.33: (0.4, 0.05), 1.4: (0.3, 0.1), 1.6: (0.12, 0.05)}
    ),
    ("lola", "preconditioned"): _Column(
        200, {1.1: (0.4, 0.2), 1.25: (0.4, 0.2), 1.33: (0.5, 0.5), 1.4: (0.4, 0.2), 1.6: (0.2, 5.0)}
    ),
    ("pola", "tabular"): _Column(
        2, {f: (inner, 0.3, 0.1) for f, inner in zip(FACTORS, (5.0, 5.0, 5.0, 4.0, 2.5), strict=True)}
    ),
    ("pola", "mlp"): _Column(
        2,
        {
            1.1: (0.3, 0.03, 0.1),
            1.25: (0.25, 0.03, 0.13),
            1.33: (0.25, 0.02, 0.13),
            1.4: (0.2, 0.03, 0.1),
            1.6: (0.12, 0.03, 0.05),
        },
    ),
    ("pola", "preconditioned"): _Column(
        10, {f: (inner, 0.05, 0.5) for f, inner in zip(FACTORS, (0.4, 0.5, 0.4, 0.3, 0.3), strict=True)}
    ),
}


def figure3_setting(key: Key, name: str = "", **options: Any) -> Setting:
    """Return the setting behind one value of Figure 3 and Table 1, with some options changed."""
    column = _COLUMNS[key.learner, key.parameterisation]
    rates = dict(zip(_RATES[key.learner], column.rates[key.contribution_factor], strict=True))
    every = {"parameterisation": key.parameterisation, **rates, **options}
    return Setting(name, f"{key.learner}-exact", column.updates, every, key.contribution_factor)


_TABLE2 = {
    ("lola", "tabular"): {"inner_lr": 3.0},
    ("lola", "mlp"): {"inner_lr": 0.2},
    ("lola", "preconditioned"): {"inner_lr": 1.0},
    ("pola", "tabular"): {"inner_lr": 0.2, "inner_beta": 3.0, "inner_steps": 100},
    ("pola", "mlp"): {"inner_lr": 0.05, "inner_beta": 3.0, "inner_steps": 100},
    ("pola", "preconditioned"): {"inner_lr": 0.15, "inner_beta": 3.0, "inner_steps": 200},
}
_EXTRA = {"lola": {}, "pola": {"outer_beta": 0.0, "outer_steps": 1}}


def table2_setting(learner: str, model: str) -> Setting:
    """Return the setting of one row of Table 2: tabular players, one of which looks at a model of the other."""
    options = {"opponent_model": model, "outer_lr": 1.0, **_TABLE2[learner, model], **_EXTRA[learner]}
    if model == "preconditioned":
        options["preconditioned_columns"] = (0, 0)
    return Setting(f"{learner}, {model} model", f"{learner}-exact", 50, options)
