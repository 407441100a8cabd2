"""LOQA: learning with opponent Q-learning awareness (Aghajohari et al. 2024, arXiv:2405.01035)."""

from __future__ import annotations

from .base import AlgorithmPlugin, Preset
from .core.self_play import build_self_play
from .core.self_play_config import SurpriseConfig

_MATRIX_GAME = {
    "num_envs": 128,
    "hidden_size": 16,
    "temperature": 0.33,
    "shaping": 2.0,
    "shaping_end": 2.0,
    "entropy": 0.03,
    "entropy_end": 0.03,
    "anneal_steps": 4000,
    "anneal_from": 0.5,
}

_PUBLISHED = {
    "pool_size": 100,
    "num_opponents": 8,
    "other_play": False,
    "learning_rate": 0.001,
    "learning_rate_end": 0.001,
    "gae_lambda": 0.0,
    "bootstrap_opponent": False,
    "stop_advantages": False,
    "value_lambda": 0.0,
    "value_lr": 0.01,
    "step_input": True,
    "target_decay": 0.99,
}
"""What the published program does in both games."""

_COIN_GAME = {"residual_lambda": 0.3, "shaping_end": 0.6}

LOQA = AlgorithmPlugin(
    config=SurpriseConfig,
    build=build_self_play,
    summary="LOQA: an opponent that acts by its action values will do more of what it is rewarded for; first order.",
    presets={
        ("laptop", "IPD-v0"): Preset(updates=40, options=_MATRIX_GAME),
        ("laptop", "PublicGoods-v0"): Preset(
            updates=40, options=_MATRIX_GAME, env_options={"contribution_factor": 2.0}
        ),
        ("laptop", "CoinGame-v0"): Preset(updates=100, options=_COIN_GAME),
        ("laptop-5x5", "CoinGame-v0"): Preset(
            updates=100, options=_COIN_GAME, env_options={"grid_size": 5}, command="reproduce loqa-scalability"
        ),
        ("laptop-7x7", "CoinGame-v0"): Preset(
            updates=100, options=_COIN_GAME, env_options={"grid_size": 7}, command="reproduce loqa-scalability"
        ),
        ("published", "IPD-v0"): Preset(
            updates=70,
            options={
                **_PUBLISHED,
                "num_envs": 2048,
                "value_hidden_size": 16,
                "entropy": 0.0,
                "entropy_end": 0.0,
                "exploration": 0.2,
                "opponents": "current",
                "max_gradient_norm": None,
            },
            env_options={"payoff_matrix": ((-2.0, 0.0), (-3.0, -1.0))},
        ),
        ("published", "CoinGame-v0"): Preset(
            updates=60, options={**_PUBLISHED, "num_envs": 512, "hidden_size": 128, "value_hidden_size": 64}
        ),
    },
)
