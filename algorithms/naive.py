"""Naive learning: independent policy gradient with a critic, blind to the opponent's learning. The baseline."""

from __future__ import annotations

from .base import AlgorithmPlugin, Preset
from .core.learner import BEST_RESPONSE, TrajectoryConfig, build_learner, build_player

NAIVE = AlgorithmPlugin(
    config=TrajectoryConfig,
    build=build_learner,
    build_player=build_player,
    summary="Independent policy gradient with a critic; the baseline that defects.",
    steps_per_update=TrajectoryConfig.steps_per_update,
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
