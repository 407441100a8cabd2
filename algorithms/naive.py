"""Naive learning: independent policy gradient with a critic, blind to the opponent's learning. The baseline."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..options import Percent
from .base import AlgorithmPlugin, Preset
from .core.learner import BEST_RESPONSE, TrajectoryConfig, build_learner, build_player
from .core.lookahead import Structure

_MATRIX_GAME = {"num_envs": 128, "hidden_size": 16, "outer_steps": 50, "outer_lr": 0.03, "critic_lr": 0.002}


@dataclass(frozen=True, kw_only=True)
class NaiveConfig(TrajectoryConfig):
    """Options of naive learning."""

    memory_one_percent: Percent = 0
    """Per cent of the episodes of each batch in which a player of memory one takes the opponent's place; its
    probabilities are drawn anew for the episode, uniformly from 0 to 1. 50 is the mixed pool of arXiv:2602.16301."""

    def structure(self, num_steps: int) -> Structure:
        """Return the settings that the program for episodes of ``num_steps`` is compiled for."""
        drawn = round(self.num_envs * self.memory_one_percent / 100)
        return replace(super().structure(num_steps), memory_one_envs=drawn)


NAIVE = AlgorithmPlugin(
    config=NaiveConfig,
    build=build_learner,
    build_player=build_player,
    summary="Independent policy gradient with a critic; the baseline that defects.",
    steps_per_update=TrajectoryConfig.steps_per_update,
    presets={
        **BEST_RESPONSE,
        ("laptop", "IPD-v0"): Preset(updates=20, options=_MATRIX_GAME),
        ("laptop", "PublicGoods-v0"): Preset(
            updates=20, options=_MATRIX_GAME, env_options={"contribution_factor": 2.0}
        ),
        ("laptop", "CoinGame-v0"): Preset(
            updates=40,
            options={"num_envs": 256, "hidden_size": 32, "outer_steps": 50, "outer_lr": 0.01, "critic_lr": 0.001},
        ),
    },
)
