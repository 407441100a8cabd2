"""Published settings of the exact learners in the iterated prisoner's dilemma (Zhao et al. 2022, appendix B.1).

A preset of Figure 3 is named after its parameterisation and contribution factor, such as ``figure3-mlp-1.33``; one of
Table 2 after the opponent model, such as ``table2-tabular``. Where the paper gives no rates, the preset is called
``own-...``: for LOLA the best of a search, or one of many that find nothing; for naive learning what gives the printed
policies. ``laptop`` is the default settings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..base import Preset

ENVIRONMENT = "IPD-v0"
FACTORS = (1.1, 1.25, 1.33, 1.4, 1.6)
_LOLA_MLP = {1.33: (0.4, 0.05), 1.4: (0.3, 0.1), 1.6: (0.12, 0.05)}
_OWN_LOLA_MLP = {1.1: (0.4, 0.05), 1.25: (0.4, 0.05)}
_OWN_LOLA_PRECONDITIONED = {1.1: (0.4, 0.2), 1.25: (0.4, 0.2), 1.33: (0.5, 0.5), 1.4: (0.4, 0.2), 1.6: (0.2, 5.0)}
_POLA_TABULAR_INNER = {1.1: 5.0, 1.25: 5.0, 1.33: 5.0, 1.4: 4.0, 1.6: 2.5}
_POLA_MLP = {
    1.1: (0.3, 0.03, 0.1),
    1.25: (0.25, 0.03, 0.13),
    1.33: (0.25, 0.02, 0.13),
    1.4: (0.2, 0.03, 0.1),
    1.6: (0.12, 0.03, 0.05),
}
_POLA_PRECONDITIONED_INNER = {1.1: 0.4, 1.25: 0.5, 1.33: 0.4, 1.4: 0.3, 1.6: 0.3}
_TABLE2 = {"contribution_factor": 1.33}
_TABLE2_COLUMNS = {"preconditioned_columns": (0, 0)}


def _figure3(updates: int, factor: float, parameterisation: str, **options: Any) -> dict[tuple[str, str], Preset]:
    return _cell("figure3", updates, factor, parameterisation=parameterisation, **options)


def _own(updates: int, factor: float, parameterisation: str, **options: Any) -> dict[tuple[str, str], Preset]:
    return _cell("own", updates, factor, parameterisation=parameterisation, **options)


def _cell(source: str, updates: int, factor: float, **options: Any) -> dict[tuple[str, str], Preset]:
    name = f"{source}-{options['parameterisation']}-{factor}"
    return {(name, ENVIRONMENT): Preset(updates, options, {"contribution_factor": factor})}


def _table2(model: str, **options: Any) -> dict[tuple[str, str], Preset]:
    settings = {"opponent_model": model, "outer_lr": 1.0, **options}
    return {(f"table2-{model}", ENVIRONMENT): Preset(50, settings, _TABLE2)}


def _merged(*presets: Mapping[tuple[str, str], Preset]) -> dict[tuple[str, str], Preset]:
    return {name: preset for each in presets for name, preset in each.items()}


NAIVE_PRESETS = _merged(
    {("laptop", ENVIRONMENT): Preset(100)},
    *(_own(100, factor, "tabular", outer_lr=2.0) for factor in FACTORS),
)

LOLA_PRESETS = _merged(
    {("laptop", ENVIRONMENT): Preset(30)},
    *(_figure3(30, factor, "tabular", inner_lr=3.0, outer_lr=25.0) for factor in FACTORS),
    *(
        _figure3(100, factor, "mlp", inner_lr=inner_lr, outer_lr=outer_lr)
        for factor, (inner_lr, outer_lr) in _LOLA_MLP.items()
    ),
    *(
        _own(100, factor, "mlp", inner_lr=inner_lr, outer_lr=outer_lr)
        for factor, (inner_lr, outer_lr) in _OWN_LOLA_MLP.items()
    ),
    *(
        _own(200, factor, "preconditioned", inner_lr=inner_lr, outer_lr=outer_lr)
        for factor, (inner_lr, outer_lr) in _OWN_LOLA_PRECONDITIONED.items()
    ),
    _table2("tabular", inner_lr=3.0),
    _table2("mlp", inner_lr=0.2),
    _table2("preconditioned", inner_lr=1.0, **_TABLE2_COLUMNS),
)


def _pola_model(model: str, inner_lr: float, inner_steps: int, **options: Any) -> dict[tuple[str, str], Preset]:
    lookahead = {"inner_lr": inner_lr, "inner_beta": 3.0, "inner_steps": inner_steps}
    return _table2(model, **lookahead, outer_beta=0.0, outer_steps=1, **options)


POLA_PRESETS = _merged(
    {("laptop", ENVIRONMENT): Preset(2)},
    *(
        _figure3(2, factor, "tabular", inner_lr=inner_lr, outer_lr=0.3, outer_beta=0.1)
        for factor, inner_lr in _POLA_TABULAR_INNER.items()
    ),
    *(
        _figure3(2, factor, "mlp", inner_lr=inner_lr, outer_lr=outer_lr, outer_beta=outer_beta)
        for factor, (inner_lr, outer_lr, outer_beta) in _POLA_MLP.items()
    ),
    *(
        _figure3(10, factor, "preconditioned", inner_lr=inner_lr, outer_lr=0.05, outer_beta=0.5)
        for factor, inner_lr in _POLA_PRECONDITIONED_INNER.items()
    ),
    _pola_model("tabular", 0.2, 100),
    _pola_model("mlp", 0.05, 100),
    _pola_model("preconditioned", 0.15, 200, **_TABLE2_COLUMNS),
)
