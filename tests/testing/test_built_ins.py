"""The built-in environments with their scripted players, and the built-in algorithms, keep their contracts."""

from typing import Any

import polax
import pytest
from polax.testing import check_algorithm, check_environment

SAMPLED = {"num_envs": 4, "hidden_size": 3}
SMALL: dict[str, dict[str, Any]] = {
    "naive": {**SAMPLED, "outer_steps": 2},
    "lola-dice": SAMPLED,
    "pola-dice": {**SAMPLED, "inner_steps": 1, "outer_steps": 2},
    "pola-om": {**SAMPLED, "inner_steps": 1, "outer_steps": 1, "model_batches": 2},
    "loqa": {**SAMPLED, "gradient_steps": 2, "snapshot_every": 1, "pool_size": 2},
    "advantage-alignment": {**SAMPLED, "gradient_steps": 2, "snapshot_every": 1, "pool_size": 2, "players": "two"},
    "goodwill-loqa": {
        **SAMPLED,
        "gradient_steps": 2,
        "snapshot_every": 1,
        "pool_size": 2,
        "scripted_players": ("tit-for-tat",),
    },
    "naive-exact": {},
    "lola-exact": {},
    "pola-exact": {},
    "lookahead-exact": {},
    "sos-exact": {},
    "hola-exact": {},
    "cola-exact": {"fit_steps": 3},
    "cgd-exact": {},
    "sga-exact": {},
    "lss-exact": {},
    "extragradient-exact": {},
    "consensus-exact": {},
}
QUICK = {"naive", "pola-exact"}
"""One of each family; the others are the same programs with parts added or left out, seconds to compile each."""


def _built_in(rows: tuple[polax.Listing, ...]) -> list[str]:
    return [row.name for row in rows if row.distribution == "polax"]


@pytest.mark.slow
@pytest.mark.parametrize("name", _built_in(polax.list_environments()))
def test_a_built_in_environment_and_its_strategies_conform(name: str) -> None:
    check_environment(name)


@pytest.mark.examples
@pytest.mark.parametrize("options", [{"num_coins": 2}, {"observation_layout": "shared"}], ids=str)
def test_the_coin_games_variants_conform(options: dict[str, Any]) -> None:
    check_environment("CoinGame-v0", options=options)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK else pytest.mark.examples)
        for name in _built_in(polax.list_algorithms())
    ],
)
def test_a_built_in_algorithm_conforms(name: str) -> None:
    check_algorithm(name, options=SMALL[name])
