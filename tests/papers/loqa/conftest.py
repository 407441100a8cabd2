"""The learners of the reproductions with presets small enough for a test."""

from collections.abc import Callable

import pytest
from polax.algorithms.base import Preset
from polax.papers.loqa.matches import ENV
from polax.registry import algorithm_plugin

SIZES = {
    "num_envs": 4,
    "hidden_size": 4,
    "gradient_steps": 2,
    "snapshot_every": 1,
    "pool_size": 2,
    "anneal_steps": 4,
}


@pytest.fixture
def tiny(monkeypatch) -> Callable[..., None]:
    """Return a function that replaces a preset of a learner in the coin game."""

    def replace(learner: str, preset: str = "laptop", *, updates: int = 1, **env_options: int) -> None:
        presets = algorithm_plugin(learner).presets
        monkeypatch.setitem(presets, (preset, ENV), Preset(updates, SIZES, env_options))

    return replace
