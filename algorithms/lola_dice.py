"""LOLA-DiCE: a gradient step through one imagined step of the opponent (arXiv:1709.04326, arXiv:1802.05098)."""

from __future__ import annotations

from .base import AlgorithmPlugin, Preset
from .core.learner import BEST_RESPONSE, LookaheadConfig, build_learner, build_player

_PUBLISHED = {"observation_layout": "shared"}

LOLA_DICE = AlgorithmPlugin(
    config=LookaheadConfig,
    build=build_learner,
    build_player=build_player,
    summary="Learning with opponent-learning awareness on sampled trajectories (LOLA with DiCE).",
    steps_per_update=LookaheadConfig.steps_per_update,
    presets={
        **BEST_RESPONSE,
        ("published", "IPD-v0"): Preset(updates=20001, env_options=_PUBLISHED),
        ("published", "CoinGame-v0"): Preset(updates=50001, options={"inner_lr": 0.003}, env_options=_PUBLISHED),
        ("laptop", "IPD-v0"): Preset(
            updates=1000,
            options={"num_envs": 128, "hidden_size": 16, "inner_lr": 0.2, "outer_lr": 0.01, "critic_lr": 0.002},
        ),
        ("laptop", "CoinGame-v0"): Preset(
            updates=2000,
            options={
                "num_envs": 256,
                "hidden_size": 32,
                "inner_lr": 0.25,
                "outer_lr": 0.01,
                "critic_lr": 0.001,
                "gae_lambda": 0.8,
                "dice_lambda": 0.8,
            },
        ),
    },
)
