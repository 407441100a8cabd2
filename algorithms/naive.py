"""Naive learning: independent policy gradient with a critic, blind to the opponent's learning. The baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..envs.base import Game
from .base import Algorithm, AlgorithmPlugin, Preset
from .core.learner import BEST_RESPONSE, TrajectoryConfig, build_learner


@dataclass(frozen=True, kw_only=True)
class NaiveConfig(TrajectoryConfig):
    """Options of naive learning."""


def build(env: Game[Any, Any], params: Any, config: NaiveConfig) -> Algorithm:
    """Make the learner for a game."""
    return build_learner(env, params, config)


NAIVE = AlgorithmPlugin(
    config=NaiveConfig,
    build=build,
    summary="Independent policy gradient with a critic; the baseline that defects.",
    steps_per_update=NaiveConfig.steps_per_update,
    presets={
        **BEST_RESPONSE,
        ("laptop", "IPD-v0"): Preset(
            updates=20,
            options={"num_envs": 128, "hidden_size": 16, "outer_steps": 50, "outer_lr": 0.03, "critic_lr": 0.002},
        ),
        ("laptop", "CoinGame-v0"): Preset(
            updates=40,
            options={"num_envs": 256, "hidden_size": 32, "outer_steps": 50, "outer_lr": 0.01, "critic_lr": 0.001},
        ),
    },
)
