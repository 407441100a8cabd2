"""POLA-DiCE: proximal learning with opponent-learning awareness (Zhao et al. 2022, arXiv:2210.10125)."""

from __future__ import annotations

from .base import AlgorithmPlugin, Preset
from .core.learner import BEST_RESPONSE, ProximalConfig, build_learner, build_player

_PUBLISHED = {"observation_layout": "shared"}

POLA_DICE = AlgorithmPlugin(
    config=ProximalConfig,
    build=build_learner,
    build_player=build_player,
    summary="Proximal LOLA on sampled trajectories: penalties on moving make the update depend on behaviour only.",
    steps_per_update=ProximalConfig.steps_per_update,
    presets={
        **BEST_RESPONSE,
        ("published", "IPD-v0"): Preset(updates=101, env_options=_PUBLISHED),
        ("published", "CoinGame-v0"): Preset(
            updates=251,
            options={"num_envs": 1000, "inner_steps": 4, "inner_lr": 0.01, "inner_beta": 5.0, "outer_beta": 150.0},
            env_options=_PUBLISHED,
        ),
        ("laptop", "IPD-v0"): Preset(
            updates=20,
            options={
                "num_envs": 128,
                "hidden_size": 16,
                "outer_steps": 50,
                "inner_lr": 0.03,
                "outer_lr": 0.03,
                "critic_lr": 0.002,
                "outer_beta": 50.0,
                # With parameters of its own for each player, one of the two takes advantage of the other.
                "players": "shared",
            },
        ),
        ("laptop", "CoinGame-v0"): Preset(
            updates=40,
            options={
                "num_envs": 256,
                "hidden_size": 32,
                "outer_steps": 50,
                "inner_lr": 0.3,
                "outer_lr": 0.01,
                "critic_lr": 0.001,
                "inner_beta": 0.0,
                "outer_beta": 75.0,
                # In batches of this size, the derivative through the imagined steps is nothing but noise without these.
                "gae_lambda": 0.8,
                "dice_lambda": 0.8,
            },
        ),
    },
)
